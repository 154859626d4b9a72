#include "opdef/elementwise.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kInputs[] = {{"input", "T"}};
constexpr Param kOutputs[] = {{"output", "T"}};

Status eval(EvalContext& c) {
  return eval_unary_float(c, [](auto x) { return std::acosh(x); });
}

}  // namespace

extern const OpDef op_onnx_acosh = {
    .name = "Acosh",
    .since = 22,
    .first = 9,
    .doc = "Inverse hyperbolic cosine, element by element; NaN below 1.",
    .flags = kElementwise | kInPlace0,
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer_same,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : f32[4]{2.5 1 0.5 inf} -> f32[4]{1.566799 0 nan inf}
      : f64[1,1]{2.5} -> f64[1,1]{1.566799} ~ 1e-6 0
      : f16[0,3]{} -> f16[0,3]{}
      : bf16[]{2.5} -> bf16[]{1.566799} ~ 0.01 0
      : f32[3,7]{rand:5} -> ?
    )"),
};

}  // namespace anyrt
