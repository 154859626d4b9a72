#include "opdef/decompose_util.h"
#include "opdef/infer.h"
#include "opdef/normalize.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", DTypeSet(DType::kFloat32) | DType::kFloat16 | DType::kBFloat16},
                               {"U", DType::kFloat32}};
constexpr Param kInputs[] = {{"input", "T"}, {"skip", "T"}, {"gamma", "T"}, {"bias", "T", kOptionalParam}};
constexpr Param kOutputs[] = {{"output", "T"},
                              {"mean", "U", kOptionalParam},
                              {"inv_std_var", "U", kOptionalParam},
                              {"input_skip_bias_sum", "T", kOptionalParam}};
constexpr AttrDef kAttrs[] = {float_attr("epsilon", 1e-12f)};

Status infer(InferContext& c) {
  c.set_output(0, c.input_type(0));
  std::optional<SymShape> stats;
  if (const SymShape* s = c.input_shape(0); s && !s->empty()) {
    stats = *s;
    stats->back() = Dim(1);
  }
  c.set_output(1, DType::kFloat32, stats);
  c.set_output(2, DType::kFloat32, stats);
  c.set_output(3, c.input_type(0));
  return {};
}

Status eval(EvalContext& c) {
  const DType dtype = c.input(0).dtype();
  // Each sum is rounded to the element type.
  ANYRT_ASSIGN(Tensor sum, c.input_as(0, DType::kFloat32));
  for (size_t i : {1, 3}) {
    if (!c.has_input(i)) continue;
    ANYRT_ASSIGN(const Tensor next, c.input_as(i, DType::kFloat32));
    ANYRT_ASSIGN(sum, (combine<float, float>(sum, next, [](float a, float b) { return a + b; })));
    ANYRT_ASSIGN(sum, cast_tensor(sum, dtype));
    ANYRT_ASSIGN(sum, cast_tensor(sum, DType::kFloat32));
  }
  if (sum.rank() < 1) return invalid_argument("input must have rank 1 or more");
  const int64_t n = sum.dims().back(), rows = product(sum.dims(), 0, sum.rank() - 1);
  Dims stats = sum.dims();
  stats.back() = 1;
  ANYRT_ASSIGN(Tensor y, Tensor::make(DType::kFloat32, sum.dims()));
  ANYRT_ASSIGN(Tensor mean, Tensor::make(DType::kFloat32, stats));
  ANYRT_ASSIGN(Tensor inverse, Tensor::make(DType::kFloat32, stats));
  for (int64_t r = 0; r < rows; ++r) {
    const float* in = sum.data<float>() + r * n;
    const Moments m = moments(in, n);
    const double square = m.variance + m.mean * m.mean;
    mean.mutable_data<float>()[r] = static_cast<float>(m.mean);
    const float factor = inverse.mutable_data<float>()[r] =
        static_cast<float>(1 / std::sqrt(square + static_cast<double>(c.f("epsilon"))));
    for (int64_t i = 0; i < n; ++i) y.mutable_data<float>()[r * n + i] = in[i] * factor;
  }
  ANYRT_ASSIGN(const Tensor scale, c.input_as(2, DType::kFloat32));
  ANYRT_TRY(scale_and_shift(y, scale, {}));
  ANYRT_TRY(c.set_output_as(0, y, dtype));
  if (c.wants_output(1)) ANYRT_TRY(c.set_output_as(1, mean, DType::kFloat32));
  if (c.wants_output(2)) ANYRT_TRY(c.set_output_as(2, inverse, DType::kFloat32));
  return c.wants_output(3) ? c.set_output_as(3, sum, dtype) : Status();
}

Status decompose(RewriteContext& c) {
  const float epsilon = c.f("epsilon");
  ValueId sum = c.op("Add", {c.input(0), c.input(1)});
  if (c.has_input(3)) sum = c.op("Add", {sum, c.input(3)});
  const std::vector<ValueId> y =
      c.ops("", "SimplifiedLayerNormalization", {sum, c.input(2)}, {{"axis", int64_t{-1}}, {"epsilon", epsilon}}, 2);
  c.replace_output(0, y[0]);
  c.replace_output(1, c.op("ReduceMean", {c.op("Cast", {sum}, {{"to", int64_t{1}}}), c.constant_ints({-1})}));
  c.replace_output(2, y[1]);
  c.replace_output(3, sum);
  return {};
}

}  // namespace

extern const OpDef op_microsoft_skip_simplified_layer_normalization = {
    .name = "SkipSimplifiedLayerNormalization",
    .domain = "com.microsoft",
    .doc = "RMS normalisation of the sum of input, skip and bias over the last axis.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      epsilon=0.0 : f32[1,2]{1 3}, f32[1,2]{2 1}, f32[2]{1 2} -> f32[1,2]{0.84852814 2.2627417}
    )"),
};

}  // namespace anyrt
