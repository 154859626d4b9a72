#include "opdef/elementwise.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kInputs[] = {{"X", "T"}};
constexpr Param kOutputs[] = {{"Y", "T"}};
constexpr AttrDef kAttrs[] = {float_attr("alpha", 0.2f), float_attr("beta", 0.5f)};

Status eval(EvalContext& c) {
  const float alpha = c.f("alpha"), beta = c.f("beta");
  return eval_unary_float(c, [=]<class T>(T x) {
    const T y = static_cast<T>(alpha) * x + static_cast<T>(beta);
    return y < 0 ? T(0) : y > 1 ? T(1) : y;
  });
}

Status decompose(RewriteContext& c) {
  const ValueId line =
      c.op("Add", {c.op("Mul", {c.input(0), constant_like(c, c.f("alpha"))}), constant_like(c, c.f("beta"))});
  c.replace_output(0, c.op("Clip", {line, constant_like(c, 0), constant_like(c, 1)}));
  return {};
}

}  // namespace

extern const OpDef op_onnx_hard_sigmoid = {
    .name = "HardSigmoid",
    .since = 22,
    .doc = "alpha * x + beta, clipped to [0, 1].",
    .flags = kElementwise | kInPlace0,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer_same,
    .eval = eval,
    .decompose = decompose,
    .upgrade = [](RewriteContext& c) { return drop_attr(c, "consumed_inputs"); },
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : f32[8]{1.5 -1.5 0 3 -3 inf -inf nan} -> f32[8]{0.8 0.2 0.5 1 0 1 0 nan}
      : f64[1,1]{1.5} -> f64[1,1]{0.8} ~ 1e-6 0
      : f16[0,3]{} -> f16[0,3]{}
      : bf16[]{1.5} -> bf16[]{0.8} ~ 0.01 0
      : f32[3,7]{rand:5} -> ?
      alpha=0.5 beta=0.6 : f32[3]{-1 0 1} -> f32[3]{0.1 0.6 1}
    )"),
};

}  // namespace anyrt
