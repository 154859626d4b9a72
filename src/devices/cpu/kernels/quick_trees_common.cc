#include "devices/cpu/kernels/quick_trees_common.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/quick_trees_common.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

template <bool kLess, bool kMissing>
void quick(const QuickNode* nodes, size_t count, const float* first, const float* second, uint32_t* bits) {
  constexpr size_t kRows = 8;
  const hn::CappedTag<float, kRows> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  using V = hn::Vec<decltype(d)>;
  using B = hn::Vec<decltype(du)>;
  const auto next = [&](const QuickNode& n, V v, B b) HWY_ATTR {
    const auto border = hn::Set(d, n.value);
    auto match = kLess ? hn::Lt(v, border) : hn::Le(v, border);
    if constexpr (kMissing) {
      if (n.feature >> 31) match = hn::Or(match, hn::IsNaN(v));
    }
    return hn::IfThenElse(hn::RebindMask(du, match), b, hn::And(b, hn::Set(du, n.keep)));
  };
  for (size_t lane = 0; lane < kRows; lane += hn::Lanes(d)) {
    B a = hn::Set(du, ~uint32_t{0}), b = a;
    for (size_t i = 0; i < count; ++i) {
      const QuickNode& n = nodes[i];
      const size_t at = size_t{n.feature & 0x7fffffffu} * kRows + lane;
      a = next(n, hn::LoadU(d, first + at), a);
      b = next(n, hn::LoadU(d, second + at), b);
    }
    hn::StoreU(a, du, bits + lane);
    hn::StoreU(b, du, bits + kRows + lane);
  }
}

void quick_le(const QuickNode* nodes, size_t count, const float* first, const float* second, uint32_t* bits) {
  quick<false, false>(nodes, count, first, second, bits);
}
void quick_lt(const QuickNode* nodes, size_t count, const float* first, const float* second, uint32_t* bits) {
  quick<true, false>(nodes, count, first, second, bits);
}
void quick_le_missing(const QuickNode* nodes, size_t count, const float* first, const float* second, uint32_t* bits) {
  quick<false, true>(nodes, count, first, second, bits);
}
void quick_lt_missing(const QuickNode* nodes, size_t count, const float* first, const float* second, uint32_t* bits) {
  quick<true, true>(nodes, count, first, second, bits);
}

}  // namespace
}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anyrt::cpu {
namespace {

HWY_EXPORT(quick_le);
HWY_EXPORT(quick_lt);
HWY_EXPORT(quick_le_missing);
HWY_EXPORT(quick_lt_missing);

}  // namespace

QuickFn quick_trees(bool less, bool missing) {
  if (less) return missing ? HWY_DYNAMIC_DISPATCH(quick_lt_missing) : HWY_DYNAMIC_DISPATCH(quick_lt);
  return missing ? HWY_DYNAMIC_DISPATCH(quick_le_missing) : HWY_DYNAMIC_DISPATCH(quick_le);
}

}  // namespace anyrt::cpu
#endif
