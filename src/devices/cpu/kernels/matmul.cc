#include "devices/cpu/kernel.h"
#include "devices/cpu/kernels/gemm_common.h"
#include "opdef/matmul_shape.h"

namespace anyrt::cpu {
namespace {

Status run_matmul(EvalContext& c, const void*) {
  const Tensor &a = c.input(0), &b = c.input(1);
  ANYRT_ASSIGN(const MatmulShape s, matmul_shape(a.dims(), b.dims()));
  ANYRT_ASSIGN(Tensor * y, c.output(0, DType::kFloat32, s.dims));
  const int64_t count = product(s.batch);
  const auto offset = [&](const Dims& strides, int64_t i) {
    int64_t at = 0;
    for (size_t k = s.batch.size(); k-- > 0; i /= s.batch[k]) at += i % s.batch[k] * strides[k];
    return at;
  };
  // One right matrix for a dense stack of left ones is a single tall product.
  bool tall = true;
  int64_t dense = s.m * s.k;
  for (size_t k = s.batch.size(); k-- > 0; dense *= s.batch[k]) {
    if (s.batch[k] != 1) tall = tall && s.b_strides[k] == 0 && s.a_strides[k] == dense;
  }
  GemmArgs g;
  g.m = tall ? count * s.m : s.m;
  g.n = s.n;
  g.k = s.k;
  g.a_row = s.k;
  g.b_row = s.n;
  g.y_row = s.n;
  for (int64_t i = 0; i < (tall ? std::min<int64_t>(count, 1) : count); ++i) {
    g.a = a.data<float>() + offset(s.a_strides, i);
    g.b = b.data<float>() + offset(s.b_strides, i);
    g.y = y->mutable_data<float>() + i * s.m * s.n;
    f32_gemm(c, g);
  }
  return {};
}

constexpr KernelRow kRows[] = {
    {.kernel = "f32_matmul", .op = "MatMul", .dtypes = DType::kFloat32, .run = run_matmul},
};

}  // namespace

extern const KernelTable kernels_matmul = {kRows};

}  // namespace anyrt::cpu
