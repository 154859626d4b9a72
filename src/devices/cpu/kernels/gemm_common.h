#pragma once

#include <cstdint>

namespace anyrt {
class EvalContext;
}

namespace anyrt::cpu {

// C = A * B (+ bias[row]): A is m x k with unit column stride, B is k x n with any strides, C has unit column stride.
// Rows of C are split over the threads of `c`; each element is one sum in order of k, so results do not depend on the
// thread count.
struct GemmArgs {
  int64_t m = 0, n = 0, k = 0;
  const float* a = nullptr;
  int64_t a_row = 0;
  const float* b = nullptr;
  int64_t b_row = 0, b_col = 1;
  float* y = nullptr;
  int64_t y_row = 0;
  const float* row_bias = nullptr;  // one a row, or null
};
void f32_gemm(EvalContext& c, const GemmArgs& args);

}  // namespace anyrt::cpu
