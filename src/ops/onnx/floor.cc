#include "opdef/elementwise.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kInputs[] = {{"X", "T"}};
constexpr Param kOutputs[] = {{"Y", "T"}};

Status eval(EvalContext& c) {
  return eval_unary_float(c, [](auto x) { return std::floor(x); });
}

}  // namespace

extern const OpDef op_onnx_floor = {
    .name = "Floor",
    .since = 13,
    .doc = "Largest integer not above x, element by element.",
    .flags = kElementwise | kInPlace0,
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer_same_elements,
    .eval = eval,
    .upgrade = [](RewriteContext& c) { return drop_attr(c, "consumed_inputs"); },
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : f32[7]{1.5 -1.5 0.2 -0.2 7 inf nan} -> f32[7]{1 -2 0 -1 7 inf nan}
      : f64[1,1]{1.5} -> f64[1,1]{1} ~ 1e-6 0
      : f16[0,3]{} -> f16[0,3]{}
      : bf16[]{1.5} -> bf16[]{1} ~ 0.01 0
      : f32[3,7]{rand:5} -> ?
    )"),
};

}  // namespace anyrt
