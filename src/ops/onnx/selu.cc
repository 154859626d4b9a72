#include "opdef/elementwise.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kInputs[] = {{"X", "T"}};
constexpr Param kOutputs[] = {{"Y", "T"}};
constexpr AttrDef kAttrs[] = {float_attr("alpha", 1.67326319217681884765625f),
                              float_attr("gamma", 1.05070102214813232421875f)};

Status eval(EvalContext& c) {
  const float alpha = c.f("alpha"), gamma = c.f("gamma");
  return eval_unary_float(
      c, [=]<class T>(T x) { return static_cast<T>(gamma) * (x > 0 ? x : static_cast<T>(alpha) * std::expm1(x)); });
}

// Opset 1 rounded the default constants to five digits.
Status upgrade(RewriteContext& c) {
  if (c.version() < 6) {
    if (!c.has_attr("alpha")) c.set_attr("alpha", 1.6732f);
    if (!c.has_attr("gamma")) c.set_attr("gamma", 1.0507f);
  }
  return drop_attr(c, "consumed_inputs");
}

Status decompose(RewriteContext& c) {
  const ValueId elu = c.op("Elu", {c.input(0)}, {{"alpha", c.f("alpha")}});
  c.replace_output(0, c.op("Mul", {elu, constant_like(c, c.f("gamma"))}));
  return {};
}

}  // namespace

extern const OpDef op_onnx_selu = {
    .name = "Selu",
    .since = 22,
    .doc = "gamma * x where x is positive, gamma * alpha * (exp(x) - 1) elsewhere.",
    .flags = kElementwise | kInPlace0,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer_same,
    .eval = eval,
    .decompose = decompose,
    .upgrade = upgrade,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : f32[8]{1.5 -1.5 0 3 -3 inf -inf nan} -> f32[8]{1.576052 -1.365814 0 3.152103 -1.670569 inf -1.758099 nan}
      : f64[1,1]{1.5} -> f64[1,1]{1.576052} ~ 1e-6 0
      : f16[0,3]{} -> f16[0,3]{}
      : bf16[]{1.5} -> bf16[]{1.576052} ~ 0.01 0
      : f32[3,7]{rand:5} -> ?
      alpha=2 gamma=3 : f32[2]{-1 1} -> f32[2]{-3.792723 3}
    )"),
};

}  // namespace anyrt
