#pragma once

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
  if (s.m == 0 || s.n == 0 || product(s.batch) == 0) return;
  std::vector<int64_t> idx(s.batch.size(), 0);
  do {
    int64_t ia = 0, ib = 0;
    for (size_t i = 0; i < idx.size(); ++i) {
      ia += idx[i] * s.a_strides[i];
      ib += idx[i] * s.b_strides[i];
    }
    matmul(&c, s.m, s.n, s.k, MatrixRef<T>{a + ia, s.k, 1}, MatrixRef<T>{b + ib, s.n, 1}, y, s.n);
    y += s.m * s.n;
  } while (next_index(idx, s.batch));
}

}  // namespace anyrt
