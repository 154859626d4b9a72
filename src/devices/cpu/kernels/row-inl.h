// Passes over rows of contiguous elements. Included after <hwy/highway.h>, once for each target.
#if defined(ANYRT_CPU_ROW_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ANYRT_CPU_ROW_INL_H_
#undef ANYRT_CPU_ROW_INL_H_
#else
#define ANYRT_CPU_ROW_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <limits>

#include "devices/cpu/kernels/vector_io-inl.h"

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// So many elements are summed in the type of the elements before the partial sum goes to f64.
inline constexpr int64_t kSumChunk = 4096;

// Sum of f(i, count, x[i…]) over a row, where f gives a vector for `count` elements from i on. Lanes beyond do not
// count.
template <class D, class F>
HWY_INLINE double row_sum_of(D d, int64_t n, F f) {
  using V = hn::Vec<D>;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  double total = 0;
  for (int64_t at = 0; at < n; at += kSumChunk) {
    const int64_t end = std::min(n, at + kSumChunk);
    V s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0;
    int64_t i = at;
    for (; i + 4 * lanes <= end; i += 4 * lanes) {
      s0 = hn::Add(s0, f(i, lanes));
      s1 = hn::Add(s1, f(i + lanes, lanes));
      s2 = hn::Add(s2, f(i + 2 * lanes, lanes));
      s3 = hn::Add(s3, f(i + 3 * lanes, lanes));
    }
    for (; i + lanes <= end; i += lanes) s0 = hn::Add(s0, f(i, lanes));
    if (i < end) s1 = hn::Add(s1, hn::IfThenElseZero(hn::FirstN(d, static_cast<size_t>(end - i)), f(i, end - i)));
    total += v_sum(d, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3)));
  }
  return total;
}

template <class D, class T>
HWY_INLINE hn::Vec<D> v_load_some(D d, const T* p, int64_t count) {
  return count == static_cast<int64_t>(hn::Lanes(d)) ? v_load(d, p) : v_load_part(d, p, static_cast<size_t>(count));
}
template <class D, class T>
HWY_INLINE void v_store_some(hn::Vec<D> v, D d, T* p, int64_t count) {
  if (count == static_cast<int64_t>(hn::Lanes(d))) {
    v_store(v, d, p);
  } else {
    v_store_part(v, d, p, static_cast<size_t>(count));
  }
}

// Sum of f(x[i]).
template <class D, class T, class F>
HWY_INLINE double row_sum(D d, const T* x, int64_t n, F f) {
  return row_sum_of(d, n, [&](int64_t i, int64_t count) V_LAMBDA { return f(v_load_some(d, x + i, count)); });
}

// f(i, count) for every vector of a row; `count` is below the number of lanes in a last, partial one.
template <class D, class F>
HWY_INLINE void row_each(D d, int64_t n, F f) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) f(i, lanes);
  if (i < n) f(i, n - i);
}

// The largest element; any of them where one is NaN.
template <class D, class T>
HWY_INLINE hn::TFromD<D> row_top(D d, const T* x, int64_t n) {
  using V = hn::Vec<D>;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const V lowest = hn::Set(d, -std::numeric_limits<hn::TFromD<D>>::infinity());
  V m0 = lowest, m1 = lowest, m2 = lowest, m3 = lowest;
  int64_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    m0 = hn::Max(m0, v_load(d, x + i));
    m1 = hn::Max(m1, v_load(d, x + i + lanes));
    m2 = hn::Max(m2, v_load(d, x + i + 2 * lanes));
    m3 = hn::Max(m3, v_load(d, x + i + 3 * lanes));
  }
  for (; i + lanes <= n; i += lanes) m0 = hn::Max(m0, v_load(d, x + i));
  if (i < n) {
    const size_t rest = static_cast<size_t>(n - i);
    m1 = hn::Max(m1, hn::IfThenElse(hn::FirstN(d, rest), v_load_part(d, x + i, rest), lowest));
  }
  return hn::GetLane(hn::MaxOfLanes(d, hn::Max(hn::Max(m0, m1), hn::Max(m2, m3))));
}

}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
