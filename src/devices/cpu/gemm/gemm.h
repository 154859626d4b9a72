#pragma once

#include <memory>
#include <vector>

#include "base/status.h"
#include "device/packed_store.h"
#include "devices/cpu/gemm/block.h"
#include "tensor/tensor.h"

// Matrix products of floats: C = A * B for a stack of matrices. Each element of C is summed in one order that depends
// on the sizes alone, so that results are the same for every thread count.

namespace anyrt::cpu {

// B, packed once for many products. Few columns lie side by side along k instead (kPlain with b_row = 1, b_col = k).
struct PackedMatrices {
  GemmB form = GemmB::kPanels;
  DType dtype = DType::kFloat32;  // as stored
  int64_t k = 0, n = 0, count = 0;
  int64_t panel = 0;  // columns of a panel
  std::shared_ptr<Buffer> bytes;
  size_t stride = 0;  // bytes from one matrix to the next
};
// How `count` matrices of k x n are packed; `bytes` is left empty.
PackedMatrices packed_form(DType dtype, int64_t k, int64_t n, int64_t count = 1);
// Fills count * stride bytes at `to` with matrices that lie `step` elements apart; element (i, j) of one lies at
// i * row + j * col.
void pack_into(const PackedMatrices& form, const void* b, int64_t row, int64_t col, int64_t step, std::byte* to);
// Both, with memory from the store; `b` is not read where the store has them.
Expected<PackedMatrices> pack_matrices(const Tensor& b, int64_t row, int64_t col, int64_t k, int64_t n, int64_t count,
                                       int64_t step, PackedStore* store);

// The matrices as they were.
void unpack_matrices(const PackedMatrices& packed, int64_t row, int64_t col, int64_t step, void* b);

struct GemmProblem {
  DType dtype = DType::kFloat32;  // of A, C and the sums: f32 or f64
  int64_t m = 0, n = 0, k = 0;
  int64_t a_row = 0, a_col = 1;
  GemmB b_form = GemmB::kPlain;
  DType b_dtype = DType::kFloat32;  // as stored; kPlain: as A
  int64_t b_row = 0, b_col = 1;     // kPlain
  int64_t c_row = 0;
  // Elements from the first matrix to matrix i; empty: one matrix for all.
  std::vector<int64_t> a_at, b_at, c_at;
  // Sets what is said about B; b_at has the numbers of the packed matrices.
  void set_packed(const PackedMatrices& b);
};

// A product with its split into pieces worked out.
class Gemm {
 public:
  explicit Gemm(GemmProblem problem);
  size_t scratch_bytes() const { return slots_ * (a_bytes_ + b_bytes_); }
  void run(const void* a, const void* b, void* c, const GemmFinish& finish, std::byte* scratch, int threads) const;
  const GemmProblem& problem() const { return p_; }

 private:
  struct Split {
    int64_t rows = 1, columns = 1;  // pieces along each
  };
  Split best_split(int threads) const;

  GemmProblem p_;
  GemmKernels kernels_;
  bool dot_ = false;
  int64_t count_ = 1;                 // of matrices
  size_t slots_ = 1;                  // pieces that may be computed at once
  int64_t b_panels_ = 0;              // of a plain B, copied at once
  size_t a_bytes_ = 0, b_bytes_ = 0;  // of scratch for each of them
  std::vector<Split> splits_;         // by threads - 1
};

}  // namespace anyrt::cpu
