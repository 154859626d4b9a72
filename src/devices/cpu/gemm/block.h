#pragma once

#include <cstdint>

#include "tensor/dtype.h"

// What gemm/gemm.cc asks of the code that is compiled for one instruction set.

namespace anyrt::cpu {

// Called on parts of C whose sums are complete; adds biases, applies activations. `row` and `col` count from the first
// element of C of matrix `batch`.
struct GemmFinish {
  void (*fn)(const void* context, void* c, int64_t c_row, int64_t batch, int64_t row, int64_t rows, int64_t col,
             int64_t cols) = nullptr;
  const void* context = nullptr;
};

// Numbers of 16 bits as they are stored.
struct F16 {
  uint16_t bits;
};
struct Bf16 {
  uint16_t bits;
};

// How B lies in memory.
enum class GemmB : uint8_t {
  kPanels,  // packed: panels of gemm_panel columns, each k rows deep, the last one padded with zeros
  kPlain,   // strides b_row and b_col
};

inline constexpr int64_t kGemmThinRows = 3;
inline constexpr int64_t kGemmDepth = 384;  // of a block along k: panels of B stay near, and C is gone through seldom
inline constexpr int64_t kGemmRowBlock = 252;  // rows of A that share a panel of B: they stay in the second level
inline constexpr int64_t kGemmMostPanels = 8;  // of a plain B, copied at once: they stay in the second level
inline constexpr int64_t kGemmRowPad = 16;     // between copied rows of A, which would fall on the same cache sets

// One piece of a product, computed by one thread: rows and columns of C that begin at `a`, `b` and `c`.
struct GemmBlock {
  int64_t m = 0, n = 0, k = 0;
  const void* a = nullptr;
  int64_t a_row = 0, a_col = 1;
  GemmB b_form = GemmB::kPlain;
  const void* b = nullptr;
  int64_t b_row = 0, b_col = 1;  // kPlain
  void* c = nullptr;
  int64_t c_row = 0;
  bool accumulate = false;  // add to C
  bool thin = false;        // of the whole product: at most kGemmThinRows rows
  GemmFinish finish;
  int64_t batch = 0, row = 0, col = 0;  // where the piece lies, for `finish`
  void* b_scratch = nullptr;            // kPlain: b_panels panels of kGemmDepth rows
  int64_t b_panels = 1;
  void* a_scratch = nullptr;  // gemm_packs_a: kGemmRowBlock rows of kGemmDepth + kGemmRowPad
};

// Functions of one arithmetic type and one storage of B.
struct GemmKernels {
  int64_t panel;      // columns of a panel
  int64_t tile_rows;  // rows of a tile
  void (*multiply)(const GemmBlock& block);
  // y[i * y_row + j * y_col] = sum over k of x[i * x_row + k] * few[j * few_row + k]: `m` rows of x, `n` few.
  void (*dot)(const GemmBlock& block);
  // Panels [begin, end) of B; `to` points to panel 0.
  void (*pack)(const void* b, int64_t b_row, int64_t b_col, int64_t k, int64_t n, void* to, int64_t begin, int64_t end);
};

// Whether blocks of A are copied: rows that fall on the same cache sets, or columns that are far apart.
inline bool gemm_packs_a(const GemmBlock& g, const GemmKernels& kernels, size_t element) {
  return g.m > kernels.tile_rows && g.n > 4 * kernels.panel &&
         (g.a_col != 1 || static_cast<size_t>(g.a_row) * element % 2048 == 0);
}

GemmKernels gemm_kernels_f32();
GemmKernels gemm_kernels_f64();
GemmKernels gemm_kernels_f16();   // B in f16, else f32
GemmKernels gemm_kernels_bf16();  // B in bf16, else f32

}  // namespace anyrt::cpu
