#include "opdef/optimizer.h"

namespace anyrt {
namespace {

constexpr AttrDef kAttrs[] = {float_attr("alpha", 0.9f).with_doc("share of the old gradient average"),
                              float_attr("beta", 0.999f).with_doc("share of the old average of squares"),
                              float_attr("epsilon", 1e-6f), float_attr("norm_coefficient", 0.0f),
                              float_attr("norm_coefficient_post", 0.0f)};

Status eval(EvalContext& c) {
  const float alpha = c.f("alpha"), beta = c.f("beta"), epsilon = c.f("epsilon");
  const float norm = c.f("norm_coefficient"), post = c.f("norm_coefficient_post");
  const double count = static_cast<double>(c.input(1).size() == 1 ? c.input(1).data<int64_t>()[0] : 0);
  const double correction =
      count > 0 ? std::sqrt(1 - std::pow(double{beta}, count)) / (1 - std::pow(double{alpha}, count)) : 1;
  return eval_optimizer<2>(c, [=]<class T>(T x, T gradient, std::array<T, 2>& state, T rate, int64_t) {
    const T a = static_cast<T>(alpha), b = static_cast<T>(beta);
    const T g = static_cast<T>(norm) * x + gradient;
    state[0] = a * state[0] + (1 - a) * g;
    state[1] = b * state[1] + (1 - b) * g * g;
    const T r = rate * static_cast<T>(correction);
    const T y = x - r * state[0] / (std::sqrt(state[1]) + static_cast<T>(epsilon));
    return (1 - static_cast<T>(post)) * y;
  });
}

}  // namespace

extern const OpDef op_training_adam = {
    .name = "Adam",
    .domain = "ai.onnx.preview.training",
    .since = 1,
    .doc = "One step of Adam for any number of tensors.",
    .inputs = kOptimizerInputs,
    .outputs = kOptimizerOutputs,
    .attrs = kAttrs,
    .types = kOptimizerTypes,
    .infer = infer_optimizer<2>,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      norm_coefficient=0.001 alpha=0.95 beta=0.1 epsilon=1e-7 : f32[]{0.1}, i64[]{0}, f32[2]{1.2 2.8}, f32[2]{-0.94 -2.5}, f32[2]{1.7 3.6}, f32[2]{0.1 0.1} -> f32[2]{1.0250363 2.6610327}, f32[2]{1.56806 3.29514}, f32[2]{0.8032109 5.6224071}
      norm_coefficient_post=0.25 alpha=0.5 beta=0.75 epsilon=0.0 : f64[]{0.5}, i64[]{3}, f64[1]{2}, f64[1]{1}, f64[1]{0.5}, f64[1]{4} -> f64[1]{1.3644331}, f64[1]{0.75}, f64[1]{3.25} ~ 1e-6 0
      : f32[]{1}, i64[]{0}, f32[1]{1}, f32[1]{1}, f32[1]{1} -> !groups of 4
    )"),
};

}  // namespace anyrt
