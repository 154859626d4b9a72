#include "opdef/infer.h"
#include "opdef/normalize.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kInputs[] = {{"X", "T", kRequiredParam, "[N, C, D1, …]"},
                             {"scale", "T", kRequiredParam, "[C]"},
                             {"bias", "T", kRequiredParam, "[C]"}};
constexpr Param kOutputs[] = {{"Y", "T"}};
constexpr AttrDef kAttrs[] = {required_attr("num_groups", AttrKind::kInt).with_doc("divides the number of channels"),
                              float_attr("epsilon", 1e-5f),
                              int_attr("stash_type", 1).with_doc("element type of the normalisation")};

Status infer(InferContext& c) {
  const int64_t groups = c.i("num_groups");
  if (groups < 1) return invalid_model("num_groups must be 1 or more, found {}", groups);
  if (const SymShape* x = c.input_shape(0)) {
    if (x->size() < 2) return invalid_model("X must have rank 2 or more, found shape {}", shape_string(*x));
    const Dim& channels = (*x)[1];
    if (channels.is_const() && channels.value() % groups != 0)
      return invalid_model("{} channels cannot be split into {} groups", channels.value(), groups);
    for (size_t i : {1, 2}) ANYRT_TRY(infer_channel_parameter(c, i, channels));
  }
  return infer_same(c);
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  const int64_t groups = c.i("num_groups");
  if (x.rank() < 2) return invalid_argument("X must have rank 2 or more, found {}", x.type_string());
  if (groups < 1 || x.dim(1) % groups != 0)
    return invalid_argument("{} channels cannot be split into {} groups", x.dim(1), groups);
  const DType compute = compute_dtype(x.dtype());
  const int64_t channels = x.dim(1), inner = product(x.dims(), 2, x.rank()), n = channels / groups * inner;
  const double epsilon = c.f("epsilon");
  ANYRT_ASSIGN(const Tensor wide, c.input_as(0, compute));
  ANYRT_ASSIGN(const Tensor scale, channel_parameter(c, 1, channels, compute));
  ANYRT_ASSIGN(const Tensor bias, channel_parameter(c, 2, channels, compute));
  ANYRT_ASSIGN(Tensor y, Tensor::make(compute, x.dims()));
  if (y.size() == 0) return c.set_output_as(0, y, x.dtype());
  dispatch<float, double>(compute, [&]<class T>(TypeTag<T>) {
    c.parallel_for(x.dim(0) * groups, 1 + 4096 / n, [&](int64_t begin, int64_t end) {
      for (int64_t g = begin; g < end; ++g) {
        const T* in = wide.data<T>() + g * n;
        T* out = y.mutable_data<T>() + g * n;
        const Moments m = moments(in, n);
        const double inverse = 1 / std::sqrt(m.variance + epsilon);
        const int64_t first = g % groups * (channels / groups);
        for (int64_t k = 0; k < channels / groups; ++k, in += inner, out += inner) {
          const T factor = static_cast<T>(scale.data<T>()[first + k] * inverse), centre = static_cast<T>(m.mean);
          const T shift = bias.data<T>()[first + k];
          for (int64_t i = 0; i < inner; ++i) out[i] = (in[i] - centre) * factor + shift;
        }
      }
    });
  });
  return c.set_output_as(0, y, x.dtype());
}

Status decompose(RewriteContext& c) {
  const auto rank = c.input_rank(0);
  if (!rank || *rank < 2) return not_implemented("needs X of known rank 2 or more");
  const DType dtype = c.input_type(0).dtype, work = compute_dtype(dtype);
  ValueId x = c.op("Reshape", {c.input(0), c.constant_ints({0, c.i("num_groups"), -1})});
  if (work != dtype) x = c.op("Cast", {x}, {{"to", static_cast<int64_t>(work)}});
  ValueId normal = standardize(c, x, c.constant_ints({2}), c.f("epsilon"));
  if (work != dtype) normal = c.op("Cast", {normal}, {{"to", static_cast<int64_t>(dtype)}});
  normal = c.op("Reshape", {normal, c.op("Shape", {c.input(0)})});
  const ValueId scaled = c.op("Mul", {normal, unsqueeze_channels(c, c.input(1), *rank)});
  c.replace_output(0, c.op("Add", {scaled, unsqueeze_channels(c, c.input(2), *rank)}));
  return {};
}

// Opset 18 to 20 have one scale and bias for each group.
Status upgrade(RewriteContext& c) {
  const int64_t groups = c.i("num_groups");
  if (groups < 1) return invalid_model("num_groups must be 1 or more, found {}", groups);
  const ValueId channels = c.op("Shape", {c.input(0)}, {{"start", int64_t{1}}, {"end", int64_t{2}}});
  const ValueId size = c.op("Div", {channels, c.constant_ints({groups})});
  const ValueId wide = c.ops("", "Concat", {c.constant_ints({groups}), size}, {{"axis", int64_t{0}}}, 1)[0];
  for (size_t i : {1, 2}) {
    const ValueId column = c.op("Reshape", {c.input(i), c.constant_ints({groups, 1})});
    c.set_input(i, c.op("Reshape", {c.op("Expand", {column, wide}), c.constant_ints({-1})}));
  }
  return {};
}

}  // namespace

extern const OpDef op_onnx_group_normalization = {
    .name = "GroupNormalization",
    .since = 21,
    .first = 18,
    .doc = "Gives every group of channels of every sample mean 0 and variance 1, then scales and shifts the channels.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .decompose = decompose,
    .upgrade = upgrade,
    .cases = ANYRT_CASES(R"(
      num_groups=1 epsilon=0.0 : f32[1,2,1]{1 3}, f32[2]{1 2}, f32[2]{0 1} -> f32[1,2,1]{-1 3}
      num_groups=2 epsilon=0.0 : f64[1,2,2]{1 3 10 30}, f64[2]{1 2}, f64[2]{0 1} -> f64[1,2,2]{-1 1 -1 3}
      num_groups=1 : f16[0,2,2]{}, f16[2]{1 2}, f16[2]{1 2} -> f16[0,2,2]{}
      num_groups=2 : bf16[2,4,3]{rand:1}, bf16[4]{rand:2}, bf16[4]{rand:3} -> ?
      num_groups=2 : f32[1,3,1]{1 2 3}, f32[3]{1 1 1}, f32[3]{0 0 0} -> !cannot be split
    )"),
};

}  // namespace anyrt
