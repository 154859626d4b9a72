#pragma once

#include <vector>

#include "devices/cpu/gemm/block.h"
#include "opdef/fused_activation.h"

namespace anyrt::cpu {

// What becomes of a sum s at row i and column j of matrix b: activation(alpha * s + beta * bias + z), or with z added
// after the activation. Made when sizes are known.
struct Epilogue {
  float alpha = 1, beta = 1;
  bool has_bias = false, has_z = false;
  int64_t bias_row = 0, bias_col = 0;  // bias at bias_at[b] + i * bias_row + j * bias_col; bias_col is 0 or 1
  std::vector<int64_t> bias_at;        // empty: 0
  FusedActivation activation;
  bool add_after = false;

  bool needed() const { return alpha != 1 || has_bias || has_z || activation.kind != Activation::kNone; }
};

// An epilogue with the addresses of one run; z lies as C does.
template <class T>
struct EpilogueRun {
  const Epilogue* e;
  const T* bias;
  const T* z;
  const T* c;
};
// A GemmFinish of `run`, which must live as long as it is used.
GemmFinish epilogue_finish(const EpilogueRun<float>& run);
GemmFinish epilogue_finish(const EpilogueRun<double>& run);
// Of n values, where they lie.
void rescale_range(const FusedRescale& r, float* y, int64_t n);

}  // namespace anyrt::cpu
