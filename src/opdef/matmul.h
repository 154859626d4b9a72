#pragma once

#include <cstdint>

namespace anyrt {

class EvalContext;

// A matrix in memory: element (i, j) lies at data[i * row + j * col]. Swapped strides read it transposed.
template <class T>
struct MatrixRef {
  const T* data;
  int64_t row;
  int64_t col;
};

// C = A * B, or C += A * B when `accumulate`; A is m x k, B is k x n, C has unit column stride. Sums run in order of k
// up to blocking. Integer sums wrap. Work is split over `threads`, or not when it is null.
void matmul_f32(EvalContext* threads, int64_t m, int64_t n, int64_t k, MatrixRef<float> a, MatrixRef<float> b, float* c,
                int64_t c_row, bool accumulate = false);
void matmul_f64(EvalContext* threads, int64_t m, int64_t n, int64_t k, MatrixRef<double> a, MatrixRef<double> b,
                double* c, int64_t c_row, bool accumulate = false);
void matmul_u32(EvalContext* threads, int64_t m, int64_t n, int64_t k, MatrixRef<uint32_t> a, MatrixRef<uint32_t> b,
                uint32_t* c, int64_t c_row, bool accumulate = false);
void matmul_u64(EvalContext* threads, int64_t m, int64_t n, int64_t k, MatrixRef<uint64_t> a, MatrixRef<uint64_t> b,
                uint64_t* c, int64_t c_row, bool accumulate = false);

// The same by overload, for templates.
inline void matmul(EvalContext* t, int64_t m, int64_t n, int64_t k, MatrixRef<float> a, MatrixRef<float> b, float* c,
                   int64_t c_row, bool accumulate = false) {
  matmul_f32(t, m, n, k, a, b, c, c_row, accumulate);
}
inline void matmul(EvalContext* t, int64_t m, int64_t n, int64_t k, MatrixRef<double> a, MatrixRef<double> b, double* c,
                   int64_t c_row, bool accumulate = false) {
  matmul_f64(t, m, n, k, a, b, c, c_row, accumulate);
}
inline void matmul(EvalContext* t, int64_t m, int64_t n, int64_t k, MatrixRef<uint32_t> a, MatrixRef<uint32_t> b,
                   uint32_t* c, int64_t c_row, bool accumulate = false) {
  matmul_u32(t, m, n, k, a, b, c, c_row, accumulate);
}
inline void matmul(EvalContext* t, int64_t m, int64_t n, int64_t k, MatrixRef<uint64_t> a, MatrixRef<uint64_t> b,
                   uint64_t* c, int64_t c_row, bool accumulate = false) {
  matmul_u64(t, m, n, k, a, b, c, c_row, accumulate);
}
// Signed elements: the low bits of products and sums are those of the unsigned ones.
inline void matmul(EvalContext* t, int64_t m, int64_t n, int64_t k, MatrixRef<int64_t> a, MatrixRef<int64_t> b,
                   int64_t* c, int64_t c_row, bool accumulate = false) {
  const auto bits = [](MatrixRef<int64_t> x) {
    return MatrixRef<uint64_t>{reinterpret_cast<const uint64_t*>(x.data), x.row, x.col};
  };
  matmul_u64(t, m, n, k, bits(a), bits(b), reinterpret_cast<uint64_t*>(c), c_row, accumulate);
}

}  // namespace anyrt
