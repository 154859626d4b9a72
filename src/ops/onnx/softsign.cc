#include "opdef/elementwise.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kInputs[] = {{"input", "T"}};
constexpr Param kOutputs[] = {{"output", "T"}};

Status eval(EvalContext& c) {
  return eval_unary_float(c, [](auto x) { return x / (1 + std::abs(x)); });
}

Status decompose(RewriteContext& c) {
  const ValueId x = c.input(0);
  const ValueId one = constant_like(c, 1);
  c.replace_output(0, c.op("Div", {x, c.op("Add", {c.op("Abs", {x}), one})}));
  return {};
}

}  // namespace

extern const OpDef op_onnx_softsign = {
    .name = "Softsign",
    .since = 22,
    .doc = "x / (1 + |x|), element by element.",
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
      : f32[5]{1.5 -1.5 0 3 1e+30} -> f32[5]{0.6 -0.6 0 0.75 1}
      : f64[1,1]{1.5} -> f64[1,1]{0.6} ~ 1e-6 0
      : f16[0,3]{} -> f16[0,3]{}
      : bf16[]{1.5} -> bf16[]{0.6} ~ 0.01 0
      : f32[3,7]{rand:5} -> ?
    )"),
};

}  // namespace anyrt
