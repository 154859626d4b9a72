#include "opdef/elementwise.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kInputs[] = {{"X", "T"}};
constexpr Param kOutputs[] = {{"Y", "T"}};

Status eval(EvalContext& c) {
  return eval_unary_float(c, [](auto x) { return std::max<decltype(x)>(x, 0) + std::log1p(std::exp(-std::abs(x))); });
}

Status decompose(RewriteContext& c) {
  const ValueId x = c.input(0);
  const ValueId tail =
      c.op("Log", {c.op("Add", {c.op("Exp", {c.op("Neg", {c.op("Abs", {x})})}), constant_like(c, 1)})});
  c.replace_output(0, c.op("Add", {c.op("Max", {x, constant_like(c, 0)}), tail}));
  return {};
}

}  // namespace

extern const OpDef op_onnx_softplus = {
    .name = "Softplus",
    .since = 22,
    .doc = "ln(exp(x) + 1), element by element, without overflow.",
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
      : f32[6]{1.5 -1.5 0 1000 -1000 inf} -> f32[6]{1.701413 0.2014133 0.6931472 1000 0 inf}
      : f64[1,1]{1.5} -> f64[1,1]{1.701413} ~ 1e-6 0
      : f16[0,3]{} -> f16[0,3]{}
      : bf16[]{1.5} -> bf16[]{1.701413} ~ 0.01 0
      : f32[3,7]{rand:5} -> ?
    )"),
};

}  // namespace anyrt
