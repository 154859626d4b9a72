#include "opdef/infer.h"
#include "opdef/normalize.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kInputs[] = {{"input", "T", kRequiredParam, "[N, C, D1, …]"},
                             {"scale", "T", kRequiredParam, "[C]"},
                             {"B", "T", kRequiredParam, "[C]"}};
constexpr Param kOutputs[] = {{"output", "T"}};
constexpr AttrDef kAttrs[] = {float_attr("epsilon", 1e-5f)};

Status infer(InferContext& c) {
  if (const SymShape* x = c.input_shape(0)) {
    if (x->size() < 2) return invalid_model("input must have rank 2 or more, found shape {}", shape_string(*x));
    for (size_t i : {1, 2}) ANYRT_TRY(infer_channel_parameter(c, i, (*x)[1]));
  }
  return infer_same(c);
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  if (x.rank() < 2) return invalid_argument("input must have rank 2 or more, found {}", x.type_string());
  const DType compute = compute_dtype(x.dtype());
  const int64_t channels = x.dim(1), inner = product(x.dims(), 2, x.rank());
  const double epsilon = c.f("epsilon");
  ANYRT_ASSIGN(const Tensor wide, c.input_as(0, compute));
  ANYRT_ASSIGN(const Tensor scale, channel_parameter(c, 1, channels, compute));
  ANYRT_ASSIGN(const Tensor bias, channel_parameter(c, 2, channels, compute));
  ANYRT_ASSIGN(Tensor y, Tensor::make(compute, x.dims()));
  if (y.size() == 0) return c.set_output_as(0, y, x.dtype());
  dispatch<float, double>(compute, [&]<class T>(TypeTag<T>) {
    c.parallel_for(x.dim(0) * channels, 1 + 4096 / inner, [&](int64_t begin, int64_t end) {
      for (int64_t k = begin; k < end; ++k) {
        const T* in = wide.data<T>() + k * inner;
        T* out = y.mutable_data<T>() + k * inner;
        const Moments m = moments(in, inner);
        const T centre = static_cast<T>(m.mean), shift = bias.data<T>()[k % channels];
        const T factor = static_cast<T>(scale.data<T>()[k % channels] / std::sqrt(m.variance + epsilon));
        for (int64_t i = 0; i < inner; ++i) out[i] = (in[i] - centre) * factor + shift;
      }
    });
  });
  return c.set_output_as(0, y, x.dtype());
}

Status decompose(RewriteContext& c) {
  const auto rank = c.input_rank(0);
  if (!rank || *rank < 3) return not_implemented("needs an input of known rank 3 or more");
  const ValueId normal = standardize(c, c.input(0), axes_constant(c, 2, *rank), c.f("epsilon"));
  const ValueId scaled = c.op("Mul", {normal, unsqueeze_channels(c, c.input(1), *rank)});
  c.replace_output(0, c.op("Add", {scaled, unsqueeze_channels(c, c.input(2), *rank)}));
  return {};
}

}  // namespace

extern const OpDef op_onnx_instance_normalization = {
    .name = "InstanceNormalization",
    .since = 22,
    .doc = "Gives every channel of every sample mean 0 and variance 1, then scales and shifts it.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .decompose = decompose,
    .upgrade = [](RewriteContext& c) { return drop_attr(c, "consumed_inputs"); },
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : f32[1,2,1,3]{-1 0 1 2 3 4}, f32[2]{1 1.5}, f32[2]{0 1} -> f32[1,2,1,3]{-1.2247356 0 1.2247356 -0.8371035 1 2.8371034}
      epsilon=0.0 : f64[1,1,2]{1 3}, f64[1]{2}, f64[1]{1} -> f64[1,1,2]{-1 3}
      : f16[0,1,2]{}, f16[1]{1}, f16[1]{0} -> f16[0,1,2]{}
      : bf16[2,3,4]{rand:1}, bf16[3]{rand:2}, bf16[3]{rand:3} -> ?
      : f32[1,2,1]{1 2}, f32[1]{1}, f32[2]{0 0} -> !shape
    )"),
};

}  // namespace anyrt
