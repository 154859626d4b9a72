// Register-blocked matrix product, compiled once per instruction set: included inside foreach_target.

#if defined(ANYRT_CPU_GEMM_MICRO_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ANYRT_CPU_GEMM_MICRO_INL_H_
#undef ANYRT_CPU_GEMM_MICRO_INL_H_
#else
#define ANYRT_CPU_GEMM_MICRO_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>

#include "devices/cpu/gemm/block.h"
#include "tensor/narrow_float.h"

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Rows of C that fit the registers beside two vectors of B and one of A.
#if HWY_TARGET == HWY_AVX3
inline constexpr int64_t kTileRows = 14;
#elif HWY_ARCH_ARM_A64 || HWY_ARCH_RVV
inline constexpr int64_t kTileRows = 12;
#else
inline constexpr int64_t kTileRows = 6;
#endif

// One product of a block of rows of A, `depth` long, and a panel of B as wide as two vectors.
template <class T, class TB>
struct Tile {
  const T* a;
  int64_t a_row, a_col;
  const TB* b;
  int64_t b_row;  // the columns of a panel lie side by side
  int64_t depth;
  T* c;
  int64_t c_row;
  int64_t live;     // columns to write, at most two vectors
  bool accumulate;  // add to C
  // Bytes that the next tiles read, to be fetched into the second-level cache meanwhile: so many lines for each step
  // of kFetchStep along k.
  const char* fetch = nullptr;
  int64_t fetch_lines = 0;
};
inline constexpr int64_t kFetchStep = 8;

// Whole vectors of stored numbers as those that are computed with.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE hn::Vec<D> load_b(D d, const T* p) {
  return hn::LoadU(d, p);
}
template <class D>
HWY_INLINE hn::Vec<D> load_b(D d, const Bf16* p) {
  const hn::RebindToUnsigned<D> du;
  const hn::Rebind<uint16_t, D> dh;
  return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(du, hn::LoadU(dh, &p->bits))));
}
template <class D>
HWY_INLINE hn::Vec<D> load_b(D d, const F16* p) {
#if HWY_TARGET <= HWY_AVX2 || HWY_TARGET == HWY_NEON
  const hn::Rebind<hwy::float16_t, D> dh;
  return hn::PromoteTo(d, hn::LoadU(dh, reinterpret_cast<const hwy::float16_t*>(p)));
#else
  HWY_ALIGN float lane[hn::MaxLanes(D())];
  for (size_t i = 0; i < hn::Lanes(d); ++i) lane[i] = narrow::from_half(p[i].bits);
  return hn::Load(d, lane);
#endif
}

template <class D, class T>
HWY_INLINE void finish_vector(D d, hn::Vec<D> sum, T* c, int64_t live, bool accumulate) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  if (HWY_LIKELY(live >= lanes)) {
    hn::StoreU(accumulate ? hn::Add(sum, hn::LoadU(d, c)) : sum, d, c);
    return;
  }
  HWY_ALIGN T lane[hn::MaxLanes(D())];
  hn::Store(sum, d, lane);
  for (int64_t i = 0; i < live; ++i) c[i] = accumulate ? lane[i] + c[i] : lane[i];
}

#define ANYRT_ROWS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13)

// R rows, V vectors of columns; each element is one sum in order of k. The accumulators have names, since arrays of
// vectors do not exist on every instruction set and are not always kept in registers.
template <int R, int V, class T>
void tile(const Tile<T, T>& t) {
  const hn::ScalableTag<T> d;
  using Vec = hn::Vec<decltype(d)>;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
#define X(r) Vec lo##r = hn::Zero(d), hi##r = hn::Zero(d);
  ANYRT_ROWS(X)
#undef X
  // A pointer for three rows each, so that addresses need few registers.
  const T *a0 = t.a, *a3 = a0 + (R > 3 ? 3 * t.a_row : 0), *a6 = a0 + (R > 6 ? 6 * t.a_row : 0),
          *a9 = a0 + (R > 9 ? 9 * t.a_row : 0), *a12 = a0 + (R > 12 ? 12 * t.a_row : 0);
  const int64_t a_row = t.a_row, a_col = t.a_col, b_row = t.b_row;
  const T* b = t.b;
  const char* fetch = t.fetch;
  for (int64_t left = t.depth; left > 0; left -= kFetchStep) {
    for (int64_t line = t.fetch_lines; line > 0; --line, fetch += 64) __builtin_prefetch(fetch, 0, 2);
    for (int64_t k = left < kFetchStep ? left : kFetchStep; k > 0; --k) {
      const Vec b_lo = hn::LoadU(d, b), b_hi = V > 1 ? hn::LoadU(d, b + lanes) : hn::Zero(d);
      b += b_row;
#define ROW(r, from)                                         \
  if constexpr (R > r) {                                     \
    const Vec a = hn::Set(d, from);                          \
    lo##r = hn::MulAdd(a, b_lo, lo##r);                      \
    if constexpr (V > 1) hi##r = hn::MulAdd(a, b_hi, hi##r); \
  }
#define ROWS3(p, r0, r1, r2) \
  ROW(r0, p[0])              \
  ROW(r1, p[a_row])          \
  ROW(r2, p[2 * a_row])      \
  if constexpr (R > r0) p += a_col;
      ROWS3(a0, 0, 1, 2)
      ROWS3(a3, 3, 4, 5)
      ROWS3(a6, 6, 7, 8)
      ROWS3(a9, 9, 10, 11)
      ROW(12, a12[0])
      ROW(13, a12[a_row])
      if constexpr (R > 12) a12 += a_col;
#undef ROWS3
#undef ROW
    }
  }
  T* c = t.c;
#define X(r)                                                                               \
  if constexpr (R > r) {                                                                   \
    finish_vector(d, lo##r, c, t.live, t.accumulate);                                      \
    if constexpr (V > 1) finish_vector(d, hi##r, c + lanes, t.live - lanes, t.accumulate); \
    c += t.c_row;                                                                          \
  }
  ANYRT_ROWS(X)
#undef X
}
#undef ANYRT_ROWS

// The same for one to three rows, where a single sum for each element would wait for its own latency: several sums,
// of every second or fourth k, added at the end.
template <int R, int V, class T, class TB>
void thin_tile(const Tile<T, TB>& t) {
  constexpr int kSums = R == 1 ? 4 : 2;
  const hn::ScalableTag<T> d;
  using Vec = hn::Vec<decltype(d)>;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
#define X(r)                                                                                          \
  Vec lo##r##0 = hn::Zero(d), lo##r##1 = hn::Zero(d), lo##r##2 = hn::Zero(d), lo##r##3 = hn::Zero(d), \
      hi##r##0 = hn::Zero(d), hi##r##1 = hn::Zero(d), hi##r##2 = hn::Zero(d), hi##r##3 = hn::Zero(d);
  X(0)
  X(1)
  X(2)
#undef X
  const int64_t a_col = t.a_col, b_row = t.b_row;
  const T *a0 = t.a, *a1 = a0 + (R > 1 ? t.a_row : 0), *a2 = a0 + (R > 2 ? 2 * t.a_row : 0);
  const TB* b = t.b;
#define ROW(r, s)                                                  \
  if constexpr (R > r) {                                           \
    const Vec a = hn::Set(d, *a##r);                               \
    a##r += a_col;                                                 \
    lo##r##s = hn::MulAdd(a, b_lo, lo##r##s);                      \
    if constexpr (V > 1) hi##r##s = hn::MulAdd(a, b_hi, hi##r##s); \
  }
#define STEP(s)                                                                       \
  if constexpr (kSums > s) {                                                          \
    const Vec b_lo = load_b(d, b), b_hi = V > 1 ? load_b(d, b + lanes) : hn::Zero(d); \
    b += b_row;                                                                       \
    ROW(0, s)                                                                         \
    ROW(1, s)                                                                         \
    ROW(2, s)                                                                         \
  }
  int64_t k = t.depth;
  for (; k >= kSums; k -= kSums) {
    STEP(0)
    STEP(1)
    STEP(2)
    STEP(3)
  }
  for (; k > 0; --k) {
    STEP(0)
  }
#undef STEP
#undef ROW
  T* c = t.c;
#define X(r)                                                                        \
  if constexpr (R > r) {                                                            \
    lo##r##0 = hn::Add(hn::Add(lo##r##0, lo##r##1), hn::Add(lo##r##2, lo##r##3));   \
    finish_vector(d, lo##r##0, c, t.live, t.accumulate);                            \
    if constexpr (V > 1) {                                                          \
      hi##r##0 = hn::Add(hn::Add(hi##r##0, hi##r##1), hn::Add(hi##r##2, hi##r##3)); \
      finish_vector(d, hi##r##0, c + lanes, t.live - lanes, t.accumulate);          \
    }                                                                               \
    c += t.c_row;                                                                   \
  }
  X(0)
  X(1)
  X(2)
#undef X
}

// Rows of X times few vectors Y, both side by side along k: y[r][j] = sum of x[r] * y[j]. R rows at a time.
template <int R, class T>
void dot_rows(const T* x, int64_t x_row, const T* y, int64_t k, T* out) {
  const hn::ScalableTag<T> d;
  using Vec = hn::Vec<decltype(d)>;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  Vec s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0, u0 = s0, u1 = s0, u2 = s0, u3 = s0;
  const T *x0 = x, *x1 = x0 + (R > 1 ? x_row : 0), *x2 = x0 + (R > 2 ? 2 * x_row : 0),
          *x3 = x0 + (R > 3 ? 3 * x_row : 0);
  int64_t i = 0;
#define STEP(s, at)                                                         \
  {                                                                         \
    const Vec v = hn::LoadU(d, y + at);                                     \
    s##0 = hn::MulAdd(hn::LoadU(d, x0 + at), v, s##0);                      \
    if constexpr (R > 1) s##1 = hn::MulAdd(hn::LoadU(d, x1 + at), v, s##1); \
    if constexpr (R > 2) s##2 = hn::MulAdd(hn::LoadU(d, x2 + at), v, s##2); \
    if constexpr (R > 3) s##3 = hn::MulAdd(hn::LoadU(d, x3 + at), v, s##3); \
  }
  for (; i + 2 * lanes <= k; i += 2 * lanes) {
    STEP(s, i)
    STEP(u, i + lanes)
  }
  for (; i + lanes <= k; i += lanes) STEP(s, i)
#undef STEP
  T r0 = hn::GetLane(hn::SumOfLanes(d, hn::Add(s0, u0))), r1 = hn::GetLane(hn::SumOfLanes(d, hn::Add(s1, u1))),
    r2 = hn::GetLane(hn::SumOfLanes(d, hn::Add(s2, u2))), r3 = hn::GetLane(hn::SumOfLanes(d, hn::Add(s3, u3)));
  for (; i < k; ++i) {
    r0 += x0[i] * y[i];
    if constexpr (R > 1) r1 += x1[i] * y[i];
    if constexpr (R > 2) r2 += x2[i] * y[i];
    if constexpr (R > 3) r3 += x3[i] * y[i];
  }
  out[0] = r0;
  if constexpr (R > 1) out[1] = r1;
  if constexpr (R > 2) out[2] = r2;
  if constexpr (R > 3) out[3] = r3;
}

}  // namespace
}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
