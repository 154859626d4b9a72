#include "opdef/elementwise.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kInputs[] = {{"X", "T"}};
constexpr Param kOutputs[] = {{"Y", "T"}};
constexpr AttrDef kAttrs[] = {float_attr("alpha", 1.0f).with_doc("scale of the negative side")};

Status eval(EvalContext& c) {
  const float alpha = c.f("alpha");
  return eval_unary_float(
      c, [=]<class T>(T x) { return x > 0 ? x : static_cast<T>(alpha) * std::expm1(x / static_cast<T>(alpha)); });
}

Status decompose(RewriteContext& c) {
  const ValueId x = c.input(0);
  const ValueId alpha = constant_like(c, c.f("alpha"));
  const ValueId curve =
      c.op("Mul", {alpha, c.op("Sub", {c.op("Exp", {c.op("Div", {x, alpha})}), constant_like(c, 1)})});
  c.replace_output(0, c.op("Add", {c.op("Max", {x, constant_like(c, 0)}), c.op("Min", {curve, constant_like(c, 0)})}));
  return {};
}

}  // namespace

extern const OpDef op_onnx_celu = {
    .name = "Celu",
    .since = 28,
    .first = 12,
    .doc = "max(0, x) + min(0, alpha * (exp(x / alpha) - 1)), element by element.",
    .flags = kElementwise | kInPlace0,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer_same,
    .eval = eval,
    .decompose = decompose,
    .upgrade = upgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : f32[8]{1.5 -1.5 0 3 -3 inf -inf nan} -> f32[8]{1.5 -0.7768698 0 3 -0.9502129 inf -1 nan}
      : f64[1,1]{1.5} -> f64[1,1]{1.5} ~ 1e-6 0
      : f16[0,3]{} -> f16[0,3]{}
      : bf16[]{1.5} -> bf16[]{1.5} ~ 0.01 0
      : f32[3,7]{rand:5} -> ?
      alpha=2 : f32[2]{-1 1} -> f32[2]{-0.7869387 1}
    )"),
};

}  // namespace anyrt
