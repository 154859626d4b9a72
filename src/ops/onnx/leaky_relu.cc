#include "opdef/elementwise.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kInputs[] = {{"X", "T"}};
constexpr Param kOutputs[] = {{"Y", "T"}};
constexpr AttrDef kAttrs[] = {float_attr("alpha", 0.01f).with_doc("slope of the negative side")};

Status eval(EvalContext& c) {
  const float alpha = c.f("alpha");
  return eval_unary_float(c, [=]<class T>(T x) { return x < 0 ? static_cast<T>(alpha) * x : x; });
}

Status decompose(RewriteContext& c) {
  const ValueId x = c.input(0);
  const ValueId scaled = c.op("Mul", {x, constant_like(c, c.f("alpha"))});
  c.replace_output(0, c.op("Where", {c.op("Less", {x, constant_like(c, 0)}), scaled, x}));
  return {};
}

}  // namespace

extern const OpDef op_onnx_leaky_relu = {
    .name = "LeakyRelu",
    .since = 16,
    .doc = "x where x >= 0, alpha * x elsewhere.",
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
      : f32[8]{1.5 -1.5 0 3 -3 inf -inf nan} -> f32[8]{1.5 -0.015 0 3 -0.03 inf -inf nan}
      : f64[1,1]{1.5} -> f64[1,1]{1.5} ~ 1e-6 0
      : f16[0,3]{} -> f16[0,3]{}
      : bf16[]{1.5} -> bf16[]{1.5} ~ 0.01 0
      : f32[3,7]{rand:5} -> ?
      alpha=0.5 : f32[2]{-1 1} -> f32[2]{-0.5 1}
    )"),
};

}  // namespace anyrt
