#include "opdef/elementwise.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kInputs[] = {{"input", "T"}};
constexpr Param kOutputs[] = {{"output", "T"}};

Status eval(EvalContext& c) {
  return eval_unary_float(c, [](auto x) { return std::acos(x); });
}

}  // namespace

extern const OpDef op_onnx_acos = {
    .name = "Acos",
    .since = 22,
    .first = 7,
    .doc = "Arc cosine in radians, element by element; NaN outside of [-1, 1].",
    .flags = kElementwise | kInPlace0,
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer_same,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : f32[5]{0.5 -1 1 2 nan} -> f32[5]{1.047198 3.141593 0 nan nan}
      : f64[1,1]{0.5} -> f64[1,1]{1.047198} ~ 1e-6 0
      : f16[0,3]{} -> f16[0,3]{}
      : bf16[]{0.5} -> bf16[]{1.047198} ~ 0.01 0
      : f32[3,7]{rand:5} -> ?
    )"),
};

}  // namespace anyrt
