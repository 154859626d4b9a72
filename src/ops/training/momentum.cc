#include "opdef/optimizer.h"

namespace anyrt {
namespace {

constexpr AttrDef kAttrs[] = {required_attr("alpha", AttrKind::kFloat).with_doc("share of the old momentum"),
                              required_attr("beta", AttrKind::kFloat).with_doc("factor of the gradient"),
                              required_attr("mode", AttrKind::kString).with_doc("nesterov or standard"),
                              required_attr("norm_coefficient", AttrKind::kFloat)};

Status check_mode(const AttrReader& c) {
  if (c.s("mode") == "nesterov" || c.s("mode") == "standard") return {};
  return invalid_model("mode must be nesterov or standard, found '{}'", c.s("mode"));
}

Status infer(InferContext& c) {
  ANYRT_TRY(check_mode(c));
  return infer_optimizer<1>(c);
}

Status eval(EvalContext& c) {
  ANYRT_TRY(check_mode(c));
  const float alpha = c.f("alpha"), beta = c.f("beta"), norm = c.f("norm_coefficient");
  const bool nesterov = c.s("mode") == "nesterov";
  return eval_optimizer<1>(c, [=]<class T>(T x, T gradient, std::array<T, 1>& momentum, T rate, int64_t count) {
    const T g = static_cast<T>(norm) * x + gradient;
    momentum[0] = static_cast<T>(alpha) * momentum[0] + (count > 0 ? static_cast<T>(beta) : T(1)) * g;
    return x - rate * (nesterov ? g + static_cast<T>(alpha) * momentum[0] : momentum[0]);
  });
}

}  // namespace

extern const OpDef op_training_momentum = {
    .name = "Momentum",
    .domain = "ai.onnx.preview.training",
    .since = 1,
    .doc = "One step of gradient descent with standard or Nesterov momentum for any number of tensors.",
    .inputs = kOptimizerInputs,
    .outputs = kOptimizerOutputs,
    .attrs = kAttrs,
    .types = kOptimizerTypes,
    .infer = infer,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      alpha=0.5 beta=0.25 mode="standard" norm_coefficient=0.0 : f32[]{0.5}, i64[]{0}, f32[2]{1 2}, f32[2]{2 4}, f32[2]{2 -2} -> f32[2]{-0.5 0.5}, f32[2]{3 3}
      alpha=0.5 beta=0.25 mode="nesterov" norm_coefficient=1.0 : f64[]{0.5}, i64[]{1}, f64[1]{1}, f64[1]{3}, f64[1]{2} -> f64[1]{-1.5}, f64[1]{2}
      alpha=0.5 beta=0.25 mode="other" norm_coefficient=1.0 : f32[]{1}, i64[]{1}, f32[1]{1}, f32[1]{1}, f32[1]{1} -> !nesterov or standard
    )"),
};

}  // namespace anyrt
