// Transposition of matrices of floats, compiled once per instruction set: included inside foreach_target.

#if defined(ANYRT_CPU_GEMM_TRANSPOSE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ANYRT_CPU_GEMM_TRANSPOSE_INL_H_
#undef ANYRT_CPU_GEMM_TRANSPOSE_INL_H_
#else
#define ANYRT_CPU_GEMM_TRANSPOSE_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET != HWY_SCALAR
// A 4 x 4 block of floats, transposed in registers.
HWY_INLINE void transpose_4x4(const float* from, int64_t from_row, float* to, int64_t to_row) {
  const hn::CappedTag<float, 4> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  const hn::RepartitionToWide<decltype(du)> dw;
  const auto r0 = hn::LoadU(d, from), r1 = hn::LoadU(d, from + from_row), r2 = hn::LoadU(d, from + 2 * from_row),
             r3 = hn::LoadU(d, from + 3 * from_row);
  const auto lo01 = hn::BitCast(dw, hn::InterleaveLower(d, r0, r1)),
             hi01 = hn::BitCast(dw, hn::InterleaveUpper(d, r0, r1));
  const auto lo23 = hn::BitCast(dw, hn::InterleaveLower(d, r2, r3)),
             hi23 = hn::BitCast(dw, hn::InterleaveUpper(d, r2, r3));
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(dw, lo01, lo23)), d, to);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(dw, lo01, lo23)), d, to + to_row);
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(dw, hi01, hi23)), d, to + 2 * to_row);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(dw, hi01, hi23)), d, to + 3 * to_row);
}
#endif

// to[j * to_row + i] = from[i * from_row + j] for `rows` i and `columns` j.
HWY_INLINE void transpose(const float* from, int64_t from_row, int64_t rows, int64_t columns, float* to,
                          int64_t to_row) {
  int64_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  for (; i + 4 <= rows; i += 4) {
    int64_t j = 0;
    for (; j + 4 <= columns; j += 4) transpose_4x4(from + i * from_row + j, from_row, to + j * to_row + i, to_row);
    for (; j < columns; ++j) {
      for (int64_t k = i; k < i + 4; ++k) to[j * to_row + k] = from[k * from_row + j];
    }
  }
#endif
  for (; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) to[j * to_row + i] = from[i * from_row + j];
  }
}

}  // namespace
}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
