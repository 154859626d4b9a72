#include "opdef/elementwise.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kInputs[] = {{"X", "T"}};
constexpr Param kOutputs[] = {{"Y", "T"}};

Status eval(EvalContext& c) {
  return eval_unary_float(c, [](auto x) { return std::nearbyint(x); });
}

}  // namespace

extern const OpDef op_onnx_round = {
    .name = "Round",
    .since = 22,
    .first = 11,
    .doc = "Nearest integer, element by element; halves go to the even neighbour.",
    .flags = kElementwise | kInPlace0,
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer_same_elements,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : f32[8]{2.5 0.9 2.3 1.5 -4.5 -0.5 inf nan} -> f32[8]{2 1 2 2 -4 -0 inf nan}
      : f64[1,1]{2.5} -> f64[1,1]{2} ~ 1e-6 0
      : f16[0,3]{} -> f16[0,3]{}
      : bf16[]{2.5} -> bf16[]{2} ~ 0.01 0
      : f32[3,7]{rand:5} -> ?
    )"),
};

}  // namespace anyrt
