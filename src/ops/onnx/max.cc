#include "opdef/elementwise.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kNumeric}};
constexpr Param kInputs[] = {{"data_0", "T", kVariadicParam, "one or more, which broadcast"}};
constexpr Param kOutputs[] = {{"max", "T"}};

Status infer(InferContext& c) {
  if (c.num_inputs() == 1) return infer_same_elements(c);
  return c.num_inputs() == 2 ? infer_broadcast_elements(c, Dim::max) : infer_broadcast(c);
}

Status eval(EvalContext& c) {
  // The first comparison is false and the second true for a NaN on either side.
  return eval_variadic<float, double, int64_t, uint64_t>(c, [](auto a, auto b) { return a > b || a != a ? a : b; });
}

Status decompose(RewriteContext& c) {
  if (c.num_inputs() <= 2) return not_implemented("two inputs are as simple as it gets");
  ValueId top = c.input(0);
  for (size_t i = 1; i < c.num_inputs(); ++i) top = c.op("Max", {top, c.input(i)});
  c.replace_output(0, top);
  return {};
}

}  // namespace

extern const OpDef op_onnx_max = {
    .name = "Max",
    .since = 13,
    .doc = "Largest of the inputs, element by element with NumPy broadcasting; NaN wins.",
    .flags = kElementwise | kInPlace0,
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .decompose = decompose,
    .upgrade = [](RewriteContext& c) { return drop_attr(c, "consumed_inputs"); },
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : f32[3]{3 2 1}, f32[3]{1 4 4}, f32[3]{2 5 3} -> f32[3]{3 5 4}
      : f32[3]{nan 1 -inf}, f32[3]{1 nan 0} -> f32[3]{nan nan 0}
      : i8[2]{-128 1}, i8[]{0} -> i8[2]{0 1}
      : u64[1]{18446744073709551615}, u64[1]{1} -> u64[1]{18446744073709551615}
      : bf16[2]{1 2} -> bf16[2]{1 2}
      : f16[3]{rand:1}, f16[4,1]{rand:2}, f16[]{rand:3} -> ?
      : f32[3]{1 2 3}, f32[2]{1 2} -> !do not broadcast
    )"),
};

}  // namespace anyrt
