#include <cmath>

#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/shape_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}, {"U", DTypeSet(DType::kFloat32) | DType::kFloat64}, {"V", kFloats}};
constexpr Param kInputs[] = {{"X", "T"}, {"scale", "V"}};
constexpr Param kOutputs[] = {{"Y", "V"}, {"inv_std_var", "U", kOptionalParam}};
constexpr AttrDef kAttrs[] = {int_attr("axis", -1), float_attr("epsilon", 1e-5f), int_attr("stash_type", 1)};

Status infer(InferContext& c) {
  c.set_output(
      0, Type::tensor(c.input_dtype(1), c.input_shape(0) ? std::optional<SymShape>(*c.input_shape(0)) : std::nullopt));
  if (const SymShape* s = c.input_shape(0)) {
    ANYRT_ASSIGN(const int64_t axis, normalize_axis(c.i("axis"), static_cast<int64_t>(s->size())));
    SymShape stats = *s;
    for (size_t k = static_cast<size_t>(axis); k < stats.size(); ++k) stats[k] = Dim(1);
    c.set_output(1, c.input_dtype(0) == DType::kFloat64 ? DType::kFloat64 : DType::kFloat32, stats);
  } else {
    c.set_output(1, c.input_dtype(0) == DType::kFloat64 ? DType::kFloat64 : DType::kFloat32);
  }
  return {};
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  const DType compute = x.dtype() == DType::kFloat64 ? DType::kFloat64 : DType::kFloat32;
  ANYRT_ASSIGN(const int64_t axis, normalize_axis(c.i("axis"), x.rank()));
  ANYRT_ASSIGN(const Tensor wide, c.input_as(0, DType::kFloat64));
  ANYRT_ASSIGN(const Tensor scale, c.input_as(1, DType::kFloat64));
  const int64_t rows = product(x.dims(), 0, axis), n = product(x.dims(), axis, x.rank());
  if (scale.size() != n && scale.size() != 1)
    return invalid_argument("scale has {} elements, expected {}", scale.size(), n);
  Dims stats_dims = x.dims();
  for (size_t k = static_cast<size_t>(axis); k < stats_dims.size(); ++k) stats_dims[k] = 1;
  ANYRT_ASSIGN(Tensor y, Tensor::make(DType::kFloat64, x.dims()));
  ANYRT_ASSIGN(Tensor stats, Tensor::make(DType::kFloat64, stats_dims));
  const double epsilon = static_cast<double>(c.f("epsilon"));
  for (int64_t r = 0; r < rows; ++r) {
    const double* in = wide.data<double>() + r * n;
    double squares = 0;
    for (int64_t k = 0; k < n; ++k) squares += in[k] * in[k];
    const double inverse = 1.0 / std::sqrt(squares / static_cast<double>(n) + epsilon);
    stats.mutable_data<double>()[r] = inverse;
    for (int64_t k = 0; k < n; ++k)
      y.mutable_data<double>()[r * n + k] = in[k] * inverse * scale.data<double>()[scale.size() == 1 ? 0 : k];
  }
  ANYRT_TRY(c.set_output_as(0, y, c.input(1).dtype()));
  return c.wants_output(1) ? c.set_output_as(1, stats, compute) : Status();
}

}  // namespace

extern const OpDef op_ort_simplified_layer_normalization = {
    .name = "SimplifiedLayerNormalization",
    .doc = "RMS normalisation as onnxruntime wrote it before ONNX had RMSNormalization.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      epsilon=0.0 : f32[1,2]{3 4}, f32[2]{1 2} -> f32[1,2]{0.84852814 2.2627417}
      axis=3 : f32[1,2]{3 4}, f32[2]{1 2} -> !axis 3
    )"),
};

}  // namespace anyrt
