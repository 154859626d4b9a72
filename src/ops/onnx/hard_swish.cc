#include "opdef/elementwise.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kInputs[] = {{"X", "T"}};
constexpr Param kOutputs[] = {{"Y", "T"}};

Status eval(EvalContext& c) {
  return eval_unary_float(c, []<class T>(T x) {
    const T gate = x / 6 + T(0.5);
    return x * (gate < 0 ? T(0) : gate > 1 ? T(1) : gate);
  });
}

Status decompose(RewriteContext& c) {
  const ValueId gate = c.op("HardSigmoid", {c.input(0)}, {{"alpha", 1.0f / 6}, {"beta", 0.5f}});
  c.replace_output(0, c.op("Mul", {c.input(0), gate}));
  return {};
}

}  // namespace

extern const OpDef op_onnx_hard_swish = {
    .name = "HardSwish",
    .since = 22,
    .first = 14,
    .doc = "x * clip(x / 6 + 0.5, 0, 1), element by element.",
    .flags = kElementwise | kInPlace0,
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer_same,
    .eval = eval,
    .decompose = decompose,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : f32[7]{1.5 -1.5 0 3 -3 -2 inf} -> f32[7]{1.125 -0.375 0 3 -0 -0.3333333 inf}
      : f64[1,1]{1.5} -> f64[1,1]{1.125} ~ 1e-6 0
      : f16[0,3]{} -> f16[0,3]{}
      : bf16[]{1.5} -> bf16[]{1.125} ~ 0.01 0
      : f32[3,7]{rand:5} -> ?
    )"),
};

}  // namespace anyrt
