#include "opdef/infer.h"
#include "opdef/normalize.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}, {"V", kFloats}};
constexpr Param kInputs[] = {{"X", "T"}, {"scale", "V", kRequiredParam, "broadcasts to X"}};
constexpr Param kOutputs[] = {{"Y", "V"}};
constexpr AttrDef kAttrs[] = {int_attr("axis", -1).with_doc("the first of the axes that are normalised together"),
                              float_attr("epsilon", 1e-5f),
                              int_attr("stash_type", 1).with_doc("element type of the normalisation")};

Status infer(InferContext& c) {
  if (!kFloats.has(c.dtype("stash_type")))
    return invalid_model("stash_type must be a float type, found {}", c.i("stash_type"));
  const SymShape *x = c.input_shape(0), *scale = c.input_shape(1);
  if (x) {
    ANYRT_TRY(normalize_axis(c.i("axis"), static_cast<int64_t>(x->size())).status());
    if (scale) {
      if (scale->size() > x->size()) return invalid_model("scale of shape {} is too deep", shape_string(*scale));
      ANYRT_TRY(broadcast_shapes(*x, *scale).status());
    }
  }
  c.set_output(0, c.input_dtype(1), x ? std::optional<SymShape>(*x) : std::nullopt);
  return {};
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  ANYRT_ASSIGN(const int64_t axis, normalize_axis(c.i("axis"), x.rank()));
  const DType compute = compute_dtype(x.dtype());
  const int64_t rows = product(x.dims(), 0, axis), n = product(x.dims(), axis, x.rank());
  const double epsilon = c.f("epsilon");
  ANYRT_ASSIGN(const Tensor wide, c.input_as(0, compute));
  ANYRT_ASSIGN(Tensor y, Tensor::make(compute, x.dims()));
  dispatch<float, double>(compute, [&]<class T>(TypeTag<T>) {
    c.parallel_for(rows, 1 + 4096 / std::max<int64_t>(1, n), [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        const T* in = wide.data<T>() + r * n;
        T* out = y.mutable_data<T>() + r * n;
        double squares = 0;
        for (int64_t i = 0; i < n; ++i) squares += static_cast<double>(in[i]) * static_cast<double>(in[i]);
        const T factor = static_cast<T>(1 / std::sqrt(squares / static_cast<double>(n) + epsilon));
        for (int64_t i = 0; i < n; ++i) out[i] = in[i] * factor;
      }
    });
  });
  ANYRT_ASSIGN(const Tensor scale, c.input_as(1, compute));
  ANYRT_TRY(scale_and_shift(y, scale, {}));
  return c.set_output_as(0, y, c.input(1).dtype());
}

Status decompose(RewriteContext& c) {
  const auto rank = c.input_rank(0);
  const int64_t axis = c.i("axis");
  if (axis >= 0 && !rank) return not_implemented("needs X of known rank");
  const DType work = compute_dtype(c.input_type(0).dtype);
  const auto to = [&](ValueId v, DType want) {
    return c.graph().value(v).type.dtype == want ? v : c.op("Cast", {v}, {{"to", static_cast<int64_t>(want)}});
  };
  const ValueId x = to(c.input(0), work);
  const ValueId axes = axis < 0 ? axes_constant(c, axis, 0) : axes_constant(c, axis, *rank);
  const ValueId square = c.op("ReduceMean", {c.op("Mul", {x, x}), axes});
  const ValueId rms = c.op("Sqrt", {c.op("Add", {square, c.constant_scalar(c.f("epsilon"), work)})});
  const ValueId y = c.op("Mul", {c.op("Div", {x, rms}), to(c.input(1), work)});
  c.replace_output(0, to(y, c.input_type(1).dtype));
  return {};
}

}  // namespace

extern const OpDef op_onnx_rms_normalization = {
    .name = "RMSNormalization",
    .since = 23,
    .first = 23,
    .doc = "Divides the elements of the last axes by their root mean square, then scales them.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      epsilon=0.0 : f32[2,2]{1 7 -5 5}, f32[2]{1 2} -> f32[2,2]{0.2 2.8 -1 2}
      epsilon=0.0 axis=0 : f64[2,1]{1 7}, f64[]{5} -> f64[2,1]{1 7}
      epsilon=0.0 : f16[1,2]{500 -500}, f32[1]{3} -> f32[1,2]{3 -3}
      : bf16[0,2]{}, bf16[2]{1 1} -> bf16[0,2]{}
      axis=-2 : f32[2,3,4]{rand:1}, f32[3,4]{rand:2} -> ?
      axis=-3 : f32[2,2]{1 2 3 4}, f32[2]{1 1} -> !axis -3
    )"),
};

}  // namespace anyrt
