#include "opdef/elementwise.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kInputs[] = {{"input", "T"}};
constexpr Param kOutputs[] = {{"output", "T"}};

Status eval(EvalContext& c) {
  return eval_unary_float(c, [](auto x) { return std::sin(x); });
}

}  // namespace

extern const OpDef op_onnx_sin = {
    .name = "Sin",
    .since = 22,
    .first = 7,
    .doc = "Sine of radians, element by element.",
    .flags = kElementwise | kInPlace0,
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer_same,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : f32[4]{0.75 -3 0 inf} -> f32[4]{0.6816388 -0.14112 0 nan}
      : f64[1,1]{0.75} -> f64[1,1]{0.6816388} ~ 1e-6 0
      : f16[0,3]{} -> f16[0,3]{}
      : bf16[]{0.75} -> bf16[]{0.6816388} ~ 0.01 0
      : f32[3,7]{rand:5} -> ?
    )"),
};

}  // namespace anyrt
