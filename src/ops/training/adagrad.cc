#include "opdef/optimizer.h"

namespace anyrt {
namespace {

constexpr AttrDef kAttrs[] = {float_attr("decay_factor", 0.0f).with_doc("of the learning rate, per update"),
                              float_attr("epsilon", 1e-6f), float_attr("norm_coefficient", 0.0f)};

Status eval(EvalContext& c) {
  const float decay = c.f("decay_factor"), epsilon = c.f("epsilon"), norm = c.f("norm_coefficient");
  return eval_optimizer<1>(c, [=]<class T>(T x, T gradient, std::array<T, 1>& squares, T rate, int64_t count) {
    const T r = rate / (1 + static_cast<T>(count) * static_cast<T>(decay));
    const T g = static_cast<T>(norm) * x + gradient;
    squares[0] += g * g;
    return x - r * g / (std::sqrt(squares[0]) + static_cast<T>(epsilon));
  });
}

}  // namespace

extern const OpDef op_training_adagrad = {
    .name = "Adagrad",
    .domain = "ai.onnx.preview.training",
    .since = 1,
    .doc = "One step of ADAGRAD for any number of tensors.",
    .inputs = kOptimizerInputs,
    .outputs = kOptimizerOutputs,
    .attrs = kAttrs,
    .types = kOptimizerTypes,
    .infer = infer_optimizer<1>,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      norm_coefficient=0.001 epsilon=1e-5 decay_factor=0.1 : f32[]{0.1}, i64[]{0}, f32[1]{1}, f32[1]{-1}, f32[1]{2} -> f32[1]{1.0576923}, f32[1]{2.998001} ~ 1e-4 0
      epsilon=0.0 decay_factor=1.0 : f64[]{4}, i64[]{1}, f64[2]{1 2}, f32[1]{5}, f64[2]{3 4}, f32[1]{0}, f64[2]{16 9}, f32[1]{1} -> f64[2]{-0.2 0.4}, f32[1]{5}, f64[2]{25 25}, f32[1]{1}
      : f32[]{1}, i64[]{0}, f32[1]{1}, f32[1]{1} -> !groups of 3
    )"),
};

}  // namespace anyrt
