#include "opdef/elementwise.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kInputs[] = {{"data_0", "T", kVariadicParam, "one or more, which broadcast"}};
constexpr Param kOutputs[] = {{"sum", "T"}};

Status eval(EvalContext& c) {
  return eval_variadic<float, double>(c, [](auto a, auto b) { return a + b; });
}

Status decompose(RewriteContext& c) {
  if (c.num_inputs() == 1) {
    c.replace_output(0, c.op("Identity", {c.input(0)}));
    return {};
  }
  ValueId sum = c.input(0);
  for (size_t i = 1; i < c.num_inputs(); ++i) sum = c.op("Add", {sum, c.input(i)});
  c.replace_output(0, sum);
  return {};
}

}  // namespace

extern const OpDef op_onnx_sum = {
    .name = "Sum",
    .since = 13,
    .doc = "Sum of the inputs, element by element with NumPy broadcasting.",
    .flags = kElementwise | kInPlace0,
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer_broadcast,
    .eval = eval,
    .decompose = decompose,
    .upgrade = [](RewriteContext& c) { return drop_attr(c, "consumed_inputs"); },
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : f32[3]{3 0 2}, f32[3]{1 3 4}, f32[3]{2 6 6} -> f32[3]{6 9 12}
      : f32[3]{nan 1 -inf}, f32[]{inf} -> f32[3]{nan inf nan}
      : f16[2]{1 2} -> f16[2]{1 2}
      : bf16[0,1]{}, bf16[3]{1 2 3} -> bf16[0,3]{}
      : f64[3]{rand:1}, f64[4,1]{rand:2}, f64[]{rand:3} -> ?
    )"),
};

}  // namespace anyrt
