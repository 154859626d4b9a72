#include <cmath>

#include "opdef/elementwise.h"
#include "opdef/rewrite.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kInputs[] = {{"A", "T", kRequiredParam, "gate"}, {"B", "T", kRequiredParam, "shape of A"}};
constexpr Param kOutputs[] = {{"Y", "T"}};
constexpr AttrDef kAttrs[] = {float_attr("alpha", 1.0f).with_doc("scale inside the sigmoid")};

Status eval(EvalContext& c) {
  if (c.input(0).dims() != c.input(1).dims()) {
    return invalid_argument("A and B must have one shape, found {} and {}", shape_string(c.input(0).dims()),
                            shape_string(c.input(1).dims()));
  }
  const float alpha = c.f("alpha");
  return eval_binary<float, double>(c, [=]<class T>(T a, T b) {
    // a * sigmoid(alpha * a), written so that large negative gates give 0 and not inf * 0.
    const T z = static_cast<T>(alpha) * a;
    const T gate = z >= 0 ? a / (1 + std::exp(-z)) : a * (std::exp(z) / (1 + std::exp(z)));
    return gate * b;
  });
}

Status decompose(RewriteContext& c) {
  const float alpha = c.f("alpha");
  c.replace_output(0, c.op("Mul", {c.op("Swish", {c.input(0)}, {{"alpha", alpha}}), c.input(1)}));
  return {};
}

}  // namespace

extern const OpDef op_onnx_swi_glu = {
    .name = "SwiGLU",
    .since = 28,
    .first = 28,
    .doc = "Gated activation: Swish of the gate A, times B.",
    .flags = kElementwise,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer_same,
    .eval = eval,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      : f32[3]{1 -1 0}, f32[3]{2 2 5} -> f32[3]{1.4621172 -0.5378828 0}
      alpha=2.0 : f64[1]{1}, f64[1]{3} -> f64[1]{2.642391} ~ 1e-6 0
      : f32[2]{-200 200}, f32[2]{1 1} -> f32[2]{0 200}
      : f16[0]{}, f16[0]{} -> f16[0]{}
      : f32[2]{1 2}, f32[3]{1 2 3} -> !one shape
    )"),
};

}  // namespace anyrt
