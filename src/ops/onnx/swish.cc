#include "opdef/elementwise.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kInputs[] = {{"X", "T"}};
constexpr Param kOutputs[] = {{"Y", "T"}};
constexpr AttrDef kAttrs[] = {float_attr("alpha", 1.0f)};

Status eval(EvalContext& c) {
  const float alpha = c.f("alpha");
  return eval_unary_float(c, [=]<class T>(T x) { return x / (1 + std::exp(-static_cast<T>(alpha) * x)); });
}

Status decompose(RewriteContext& c) {
  const ValueId scaled = c.op("Mul", {c.input(0), constant_like(c, c.f("alpha"))});
  c.replace_output(0, c.op("Mul", {c.input(0), c.op("Sigmoid", {scaled})}));
  return {};
}

}  // namespace

extern const OpDef op_onnx_swish = {
    .name = "Swish",
    .since = 24,
    .first = 24,
    .doc = "x * sigmoid(alpha * x), element by element.",
    .flags = kElementwise | kInPlace0,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer_same,
    .eval = eval,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      : f32[5]{1.5 -1.5 0 3 -100} -> f32[5]{1.226362 -0.2736383 0 2.857722 -3.720076e-42}
      : f64[1,1]{1.5} -> f64[1,1]{1.226362} ~ 1e-6 0
      : f16[0,3]{} -> f16[0,3]{}
      : bf16[]{1.5} -> bf16[]{1.226362} ~ 0.01 0
      : f32[3,7]{rand:5} -> ?
      alpha=2 : f32[2]{1 -1} -> f32[2]{0.8807971 -0.1192029}
    )"),
};

}  // namespace anyrt
