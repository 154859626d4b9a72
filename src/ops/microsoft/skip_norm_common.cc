#include "ops/microsoft/skip_norm_common.h"

#include <cmath>

#include "opdef/normalize.h"

namespace anyrt {

Status infer_skip_norm(InferContext& c) {
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

Status eval_skip_norm(EvalContext& c, const SkipNorm& form) {
  const DType dtype = c.input(0).dtype();
  // Each sum is rounded to the element type.
  ANYRT_ASSIGN(Tensor sum, c.input_as(0, DType::kFloat32));
  for (size_t i : {size_t{1}, form.bias}) {
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
    mean.mutable_data<float>()[r] = static_cast<float>(m.mean);
    const float centre = form.centred ? static_cast<float>(m.mean) : 0;
    const double spread = form.centred ? m.variance : m.variance + m.mean * m.mean;
    const float factor = inverse.mutable_data<float>()[r] =
        static_cast<float>(1 / std::sqrt(spread + static_cast<double>(c.f("epsilon"))));
    for (int64_t i = 0; i < n; ++i) y.mutable_data<float>()[r * n + i] = (in[i] - centre) * factor;
  }
  ANYRT_ASSIGN(const Tensor scale, c.input_as(2, DType::kFloat32));
  Tensor shift;
  if (form.beta != 0 && c.has_input(form.beta)) {
    ANYRT_ASSIGN(shift, c.input_as(form.beta, DType::kFloat32));
  }
  ANYRT_TRY(scale_and_shift(y, scale, shift));
  ANYRT_TRY(c.set_output_as(0, y, dtype));
  if (c.wants_output(1)) ANYRT_TRY(c.set_output_as(1, mean, DType::kFloat32));
  if (c.wants_output(2)) ANYRT_TRY(c.set_output_as(2, inverse, DType::kFloat32));
  return c.wants_output(3) ? c.set_output_as(3, sum, dtype) : Status();
}

}  // namespace anyrt
