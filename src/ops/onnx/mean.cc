#include "opdef/elementwise.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kInputs[] = {{"data_0", "T", kVariadicParam, "one or more, which broadcast"}};
constexpr Param kOutputs[] = {{"mean", "T"}};

Status eval(EvalContext& c) {
  const DType dtype = c.input(0).dtype(), compute = compute_dtype(dtype);
  ANYRT_ASSIGN(Tensor sum, c.input_as(0, compute));
  Status status;
  dispatch<float, double>(compute, [&]<class T>(TypeTag<T>) {
    status = [&]() -> Status {
      for (size_t i = 1; i < c.num_inputs(); ++i) {
        ANYRT_ASSIGN(const Tensor next, c.input_as(i, compute));
        ANYRT_ASSIGN(sum, (combine<T, T>(sum, next, [](T a, T b) { return a + b; })));
      }
      const Tensor count = Tensor::scalar(static_cast<T>(c.num_inputs()));
      ANYRT_ASSIGN(sum, (combine<T, T>(sum, count, [](T a, T n) { return a / n; })));
      return {};
    }();
  });
  ANYRT_TRY(std::move(status));
  return c.set_output_as(0, sum, dtype);
}

Status decompose(RewriteContext& c) {
  // Sums of narrow floats could overflow where the mean does not.
  const DType dtype = c.input_type(0).dtype, work = compute_dtype(dtype);
  std::vector<ValueId> inputs = c.node().inputs;
  for (ValueId& v : inputs) {
    if (work != dtype) v = c.op("Cast", {v}, {{"to", static_cast<int64_t>(work)}});
  }
  const ValueId count = c.constant_scalar(static_cast<double>(inputs.size()), work);
  const ValueId mean = c.op("Div", {c.ops("", "Sum", std::move(inputs), {}, 1)[0], count});
  c.replace_output(0, work != dtype ? c.op("Cast", {mean}, {{"to", static_cast<int64_t>(dtype)}}) : mean);
  return {};
}

}  // namespace

extern const OpDef op_onnx_mean = {
    .name = "Mean",
    .since = 13,
    .doc = "Mean of the inputs, element by element with NumPy broadcasting.",
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
      : f32[3]{3 0 2}, f32[3]{1 3 4}, f32[3]{2 6 6} -> f32[3]{2 3 4}
      : f32[3]{nan 1 -inf}, f32[]{inf} -> f32[3]{nan inf nan}
      : f16[2]{60000 2}, f16[2]{60000 4} -> f16[2]{60000 3}
      : bf16[]{1} -> bf16[]{1}
      : f64[3]{rand:1}, f64[4,1]{rand:2}, f64[]{rand:3} -> ?
    )"),
};

}  // namespace anyrt
