#pragma once

#include <algorithm>
#include <cstdint>

#include "opdef/eval.h"
#include "opdef/matmul.h"
#include "opdef/shape_util.h"

// Products of stacks of matrices as NumPy's matmul: a rank of 1 is a vector, leading axes broadcast.

namespace anyrt {

struct MatmulShape {
  int64_t m = 1, n = 1, k = 1;
  Dims dims;                  // of the result
  Dims batch;                 // leading axes of the result
  Dims a_strides, b_strides;  // in elements, for each axis of `batch`
};

Expected<MatmulShape> matmul_shape(const Dims& a, const Dims& b);
// Unknown rank of either side gives an unknown shape.
Expected<std::optional<SymShape>> matmul_sym_shape(const SymShape* a, const SymShape* b);

// y = a x b, matrix by matrix. Work is split over the threads of `c`.
template <class T>
void matmul_stack(EvalContext& c, const MatmulShape& s, const T* a, const T* b, T* y) {
  const int64_t count = product(s.batch);
  if (s.m == 0 || s.n == 0 || count == 0) return;
  const auto offset = [&](const Dims& strides, int64_t i) {
    int64_t at = 0;
    for (size_t k = s.batch.size(); k-- > 0; i /= s.batch[k]) at += i % s.batch[k] * strides[k];
    return at;
  };
  const auto one = [&](EvalContext* threads, int64_t rows, int64_t i) {
    matmul(threads, rows, s.n, s.k, MatrixRef<T>{a + offset(s.a_strides, i), s.k, 1},
           MatrixRef<T>{b + offset(s.b_strides, i), s.n, 1}, y + i * s.m * s.n, s.n);
  };
  // One right matrix for a dense stack of left ones: a single tall product.
  bool tall = true;
  int64_t dense = s.m * s.k;
  for (size_t k = s.batch.size(); k-- > 0; dense *= s.batch[k]) {
    if (s.batch[k] != 1) tall = tall && s.b_strides[k] == 0 && s.a_strides[k] == dense;
  }
  if (tall) return one(&c, count * s.m, 0);
  constexpr int64_t kLarge = 1 << 21;  // products in one matrix that are worth splitting
  if (s.m * s.n > kLarge / std::max<int64_t>(1, s.k)) {
    for (int64_t i = 0; i < count; ++i) one(&c, s.m, i);
    return;
  }
  const int64_t work = std::max<int64_t>(1, s.m * s.n * s.k);
  c.parallel_for(count, 1 + 65536 / work, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) one(nullptr, s.m, i);
  });
}

}  // namespace anyrt
