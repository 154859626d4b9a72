#include "opdef/infer.h"
#include "opdef/normalize.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}, {"U", kFloats}};
constexpr Param kInputs[] = {
    {"X", "T"}, {"Scale", "T", kRequiredParam, "broadcasts to X"}, {"B", "T", kOptionalParam, "broadcasts to X"}};
constexpr Param kOutputs[] = {{"Y", "T"},
                              {"Mean", "U", kOptionalParam, "normalised axes have length 1"},
                              {"InvStdDev", "U", kOptionalParam, "shape of Mean"}};
constexpr AttrDef kAttrs[] = {int_attr("axis", -1).with_doc("the first of the axes that are normalised together"),
                              float_attr("epsilon", 1e-5f),
                              int_attr("stash_type", 1).with_doc("element type of Mean and InvStdDev")};

Status infer(InferContext& c) {
  const DType stash = c.dtype("stash_type");
  if (!kFloats.has(stash)) return invalid_model("stash_type must be a float type, found {}", c.i("stash_type"));
  c.set_output(0, c.input_type(0));
  std::optional<SymShape> stats;
  if (const SymShape* x = c.input_shape(0)) {
    ANYRT_ASSIGN(const int64_t axis, normalize_axis(c.i("axis"), static_cast<int64_t>(x->size())));
    for (size_t i : {1, 2}) {
      const SymShape* p = c.input_shape(i);
      if (!p) continue;
      if (p->size() > x->size()) return invalid_model("input {} of shape {} is too deep", i, shape_string(*p));
      ANYRT_TRY(broadcast_shapes(*x, *p).status());
    }
    stats = *x;
    std::fill(stats->begin() + axis, stats->end(), Dim(1));
  }
  for (size_t i : {1, 2}) c.set_output(i, stash, stats);
  return {};
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  ANYRT_ASSIGN(const int64_t axis, normalize_axis(c.i("axis"), x.rank()));
  const DType compute = compute_dtype(x.dtype()), stash = c.dtype("stash_type");
  const int64_t rows = product(x.dims(), 0, axis), n = product(x.dims(), axis, x.rank());
  const double epsilon = c.f("epsilon");
  ANYRT_ASSIGN(const Tensor wide, c.input_as(0, compute));
  ANYRT_ASSIGN(Tensor y, Tensor::make(compute, x.dims()));
  Dims stats = x.dims();
  std::fill(stats.begin() + axis, stats.end(), 1);
  ANYRT_ASSIGN(Tensor mean, Tensor::make(compute, stats));
  ANYRT_ASSIGN(Tensor inverse, Tensor::make(compute, stats));
  dispatch<float, double>(compute, [&]<class T>(TypeTag<T>) {
    c.parallel_for(rows, 1 + 4096 / std::max<int64_t>(1, n), [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        const T* in = wide.data<T>() + r * n;
        T* out = y.mutable_data<T>() + r * n;
        const Moments m = moments(in, n);
        const T centre = mean.mutable_data<T>()[r] = static_cast<T>(m.mean);
        const T factor = inverse.mutable_data<T>()[r] = static_cast<T>(1 / std::sqrt(m.variance + epsilon));
        for (int64_t i = 0; i < n; ++i) out[i] = (in[i] - centre) * factor;
      }
    });
  });
  ANYRT_ASSIGN(const Tensor scale, c.input_as(1, compute));
  Tensor bias;
  if (c.has_input(2)) {
    ANYRT_ASSIGN(bias, c.input_as(2, compute));
  }
  ANYRT_TRY(scale_and_shift(y, scale, bias));
  ANYRT_TRY(c.set_output_as(0, y, x.dtype()));
  if (c.num_outputs() > 1 && c.wants_output(1)) ANYRT_TRY(c.set_output_as(1, mean, stash));
  if (c.num_outputs() > 2 && c.wants_output(2)) ANYRT_TRY(c.set_output_as(2, inverse, stash));
  return {};
}

Status decompose(RewriteContext& c) {
  const auto rank = c.input_rank(0);
  const int64_t axis = c.i("axis");
  if (axis >= 0 && !rank) return not_implemented("needs X of known rank");
  const DType dtype = c.input_type(0).dtype;
  // Wider than the element type, so that short sums of narrow floats stay exact.
  const DType work = compute_dtype(dtype);
  const auto to = [&](ValueId v, DType want) {
    return c.graph().value(v).type.dtype == want ? v : c.op("Cast", {v}, {{"to", static_cast<int64_t>(want)}});
  };
  const ValueId x = to(c.input(0), work);
  const ValueId axes = axis < 0 ? axes_constant(c, axis, 0) : axes_constant(c, axis, *rank);
  const ValueId mean = c.op("ReduceMean", {x, axes});
  const ValueId centred = c.op("Sub", {x, mean});
  const ValueId variance = c.op("ReduceMean", {c.op("Mul", {centred, centred}), axes});
  const ValueId deviation = c.op("Sqrt", {c.op("Add", {variance, c.constant_scalar(c.f("epsilon"), work)})});
  const ValueId inverse = c.op("Reciprocal", {deviation});
  ValueId y = c.op("Mul", {c.op("Mul", {centred, inverse}), to(c.input(1), work)});
  if (c.has_input(2)) y = c.op("Add", {y, to(c.input(2), work)});
  c.replace_output(0, to(y, dtype));
  const DType stash = c.dtype("stash_type");
  if (c.has_output(1)) c.replace_output(1, to(mean, stash));
  if (c.has_output(2)) c.replace_output(2, to(inverse, stash));
  return {};
}

}  // namespace

extern const OpDef op_onnx_layer_normalization = {
    .name = "LayerNormalization",
    .since = 17,
    .doc = "Gives the elements of the last axes mean 0 and variance 1, then scales and shifts them.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .decompose = decompose,
    // onnxruntime wrote the operator into models of older opsets.
    .upgrade = upgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      epsilon=0.0 : f32[2,2]{1 3 5 5.5}, f32[2]{1 2}, f32[2]{0 1} -> f32[2,2]{-1 3 -1 3}, f32[2,1]{2 5.25}, f32[2,1]{1 4}
      epsilon=0.0 axis=0 : f64[2,2]{1 1 3 3}, f64[]{2} -> f64[2,2]{-2 -2 2 2}, f32[1,1]{2}, f32[1,1]{1}
      epsilon=0.0 : f16[1,2]{1000 3000}, f16[1]{1} -> f16[1,2]{-1 1}
      : bf16[0,2]{}, bf16[2]{1 1} -> bf16[0,2]{}
      axis=-2 : f32[2,3,4]{rand:1}, f32[3,4]{rand:2}, f32[4]{rand:3} -> ?
      axis=2 : f32[2,2]{1 2 3 4}, f32[2]{1 1} -> !axis 2
      : f32[2,2]{1 2 3 4}, f32[3]{1 1 1} -> !do not broadcast
    )"),
};

}  // namespace anyrt
