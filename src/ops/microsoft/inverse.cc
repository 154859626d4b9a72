#include <algorithm>
#include <cmath>

#include "opdef/eval.h"
#include "opdef/shape_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats3}};
constexpr Param kInputs[] = {{"X", "T", kRequiredParam, "[…, M, M]"}};
constexpr Param kOutputs[] = {{"Y", "T", kRequiredParam, "[…, M, M]"}};

// Gauss-Jordan elimination with the largest pivot of each column; `a` becomes the identity. False: singular.
bool invert(double* a, double* y, int64_t n) {
  std::fill_n(y, n * n, 0.0);
  for (int64_t i = 0; i < n; ++i) y[i * n + i] = 1;
  for (int64_t k = 0; k < n; ++k) {
    int64_t pivot = k;
    for (int64_t i = k + 1; i < n; ++i) {
      if (std::abs(a[i * n + k]) > std::abs(a[pivot * n + k])) pivot = i;
    }
    if (pivot != k) {
      std::swap_ranges(a + k * n, a + (k + 1) * n, a + pivot * n);
      std::swap_ranges(y + k * n, y + (k + 1) * n, y + pivot * n);
    }
    const double top = a[k * n + k];
    if (top == 0) return false;
    for (int64_t j = 0; j < n; ++j) {
      a[k * n + j] /= top;
      y[k * n + j] /= top;
    }
    for (int64_t i = 0; i < n; ++i) {
      const double factor = a[i * n + k];
      if (i == k || factor == 0) continue;
      for (int64_t j = 0; j < n; ++j) {
        a[i * n + j] -= factor * a[k * n + j];
        y[i * n + j] -= factor * y[k * n + j];
      }
    }
  }
  return true;
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  const int rank = x.rank();
  if (rank < 2 || x.dim(rank - 1) != x.dim(rank - 2))
    return invalid_argument("X must hold square matrices, found {}", x.type_string());
  const int64_t n = x.dim(rank - 1), count = product(x.dims(), 0, rank - 2);
  ANYRT_ASSIGN(Tensor work, cast_tensor(x, DType::kFloat64));
  ANYRT_ASSIGN(work, work.clone());
  ANYRT_ASSIGN(Tensor y, Tensor::make(DType::kFloat64, x.dims()));
  for (int64_t i = 0; n > 0 && i < count; ++i) {
    ANYRT_TRY(c.check_cancelled());
    if (!invert(work.mutable_data<double>() + i * n * n, y.mutable_data<double>() + i * n * n, n))
      return invalid_argument("matrix {} is singular", i);
  }
  return c.set_output_as(0, y, x.dtype());
}

}  // namespace

extern const OpDef op_microsoft_inverse = {
    .name = "Inverse",
    .domain = "com.microsoft",
    .doc = "Inverses of square matrices.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer_same,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      : f32[2,2]{1 2 3 4} -> f32[2,2]{-2 1 1.5 -0.5}
      : f64[2,2,2]{0 1 2 3 2 0 0 4} -> f64[2,2,2]{-1.5 0.5 1 0 0.5 0 0 0.25}
      : f16[1,1]{4} -> f16[1,1]{0.25}
      : f32[0,2,2]{} -> f32[0,2,2]{}
      : f32[2,2]{1 2 2 4} -> !singular
      : f32[2,3]{1 2 3 4 5 6} -> !square
    )"),
};

}  // namespace anyrt
