#include <cmath>

#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/shape_util.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kInputs[] = {{"X", "T", kRequiredParam, "[…, M, M]"}};
constexpr Param kOutputs[] = {{"Y", "T", kRequiredParam, "[…]"}};

Status infer(InferContext& c) {
  c.set_output(0, c.input_dtype(0));
  const SymShape* x = c.input_shape(0);
  if (!x) return {};
  const size_t rank = x->size();
  const bool square = rank >= 2 && !((*x)[rank - 1].is_const() && (*x)[rank - 2].is_const() &&
                                     (*x)[rank - 1].value() != (*x)[rank - 2].value());
  if (!square) return invalid_model("X must hold square matrices, found shape {}", shape_string(*x));
  c.set_output(0, c.input_dtype(0), SymShape(x->begin(), x->end() - 2));
  return {};
}

// Gaussian elimination with the largest pivot of each column; destroys `a`.
double determinant(double* a, int64_t n) {
  double det = 1;
  for (int64_t k = 0; k < n; ++k) {
    int64_t pivot = k;
    for (int64_t i = k + 1; i < n; ++i) {
      if (std::abs(a[i * n + k]) > std::abs(a[pivot * n + k])) pivot = i;
    }
    if (pivot != k) {
      std::swap_ranges(a + k * n, a + (k + 1) * n, a + pivot * n);
      det = -det;
    }
    const double top = a[k * n + k];
    det *= top;
    if (top == 0) return det;
    for (int64_t i = k + 1; i < n; ++i) {
      const double factor = a[i * n + k] / top;
      for (int64_t j = k + 1; j < n; ++j) a[i * n + j] -= factor * a[k * n + j];
    }
  }
  return det;
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  const int rank = x.rank();
  if (rank < 2 || x.dim(rank - 1) != x.dim(rank - 2))
    return invalid_argument("X must hold square matrices, found {}", x.type_string());
  const int64_t n = x.dim(rank - 1);
  ANYRT_ASSIGN(Tensor work, cast_tensor(x, DType::kFloat64));
  ANYRT_ASSIGN(work, work.clone());
  ANYRT_ASSIGN(Tensor y, Tensor::make(DType::kFloat64, Dims(x.dims().begin(), x.dims().end() - 2)));
  c.parallel_for(y.size(), 1 + 65536 / std::max<int64_t>(1, n * n * n), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      y.mutable_data<double>()[i] = determinant(work.mutable_data<double>() + i * n * n, n);
    }
  });
  return c.set_output_as(0, y, x.dtype());
}

}  // namespace

extern const OpDef op_onnx_det = {
    .name = "Det",
    .since = 22,
    .first = 11,
    .doc = "Determinants of square matrices.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : f32[2,2]{0 1 2 3} -> f32[]{-2}
      : f64[3,2,2]{1 2 3 4 1 2 2 1 1 3 3 1} -> f64[3]{-2 -3 -8}
      : f16[1,1,1]{5} -> f16[1]{5}
      : f64[3,3]{2 0 1 4 1 3 0 5 6} -> f64[]{2}
      : bf16[2,0,0]{} -> bf16[2]{1 1}
      : f32[2,4,4]{rand:1} -> ?
      : f32[2,3]{1 2 3 4 5 6} -> !square
    )"),
};

}  // namespace anyrt
