#include "devices/cpu/gemm/convert.h"

#include "base/threads.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/gemm/convert.cc"
#include <hwy/foreach_target.h>

#include "devices/cpu/gemm/micro-inl.h"

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {
namespace {

template <class H>
void widen_range(const H* x, float* y, int64_t n) {
  const hn::ScalableTag<float> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(load_b(d, x + i), d, y + i);
  for (; i < n; ++i) y[i] = std::is_same_v<H, F16> ? narrow::from_half(x[i].bits) : narrow::from_bfloat(x[i].bits);
}
void widen_f16(const void* x, float* y, int64_t n) { widen_range(static_cast<const F16*>(x), y, n); }
void widen_bf16(const void* x, float* y, int64_t n) { widen_range(static_cast<const Bf16*>(x), y, n); }

void narrow_f16(const float* x, void* to, int64_t n) {
  uint16_t* y = static_cast<uint16_t*>(to);
  int64_t i = 0;
#if HWY_TARGET <= HWY_AVX2 || HWY_TARGET == HWY_NEON
  const hn::ScalableTag<float> d;
  const hn::Rebind<hwy::float16_t, decltype(d)> dh;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (; i + lanes <= n; i += lanes) {
    hn::StoreU(hn::DemoteTo(dh, hn::LoadU(d, x + i)), dh, reinterpret_cast<hwy::float16_t*>(y + i));
  }
#endif
  for (; i < n; ++i) y[i] = narrow::to_half(x[i]);
}

void narrow_bf16(const float* x, void* to, int64_t n) {
  uint16_t* y = static_cast<uint16_t*>(to);
  const hn::ScalableTag<float> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  const hn::RebindToSigned<decltype(d)> di;
  const hn::Rebind<uint16_t, decltype(d)> dh;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto v = hn::LoadU(d, x + i);
    const auto bits = hn::BitCast(du, v);
    const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1));
    const auto rounded = hn::ShiftRight<16>(hn::Add(hn::Add(bits, hn::Set(du, 0x7fff)), odd));
    const auto nan = hn::Or(hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 0x8000)), hn::Set(du, 0x7fc0));
    const auto chosen = hn::IfThenElse(hn::RebindMask(du, hn::Eq(v, v)), rounded, nan);
    hn::StoreU(hn::DemoteTo(dh, hn::BitCast(di, chosen)), dh, y + i);
  }
  for (; i < n; ++i) y[i] = narrow::to_bfloat(x[i]);
}

}  // namespace
}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anyrt::cpu {
namespace {

HWY_EXPORT(widen_f16);
HWY_EXPORT(widen_bf16);
HWY_EXPORT(narrow_f16);
HWY_EXPORT(narrow_bf16);

constexpr int64_t kGrain = 1 << 15;

}  // namespace

void widen(DType from, const void* x, float* y, int64_t n, int threads) {
  const auto f = from == DType::kFloat16 ? HWY_DYNAMIC_DISPATCH(widen_f16) : HWY_DYNAMIC_DISPATCH(widen_bf16);
  parallel_for(
      n, kGrain,
      [&](int64_t begin, int64_t end) { f(static_cast<const uint16_t*>(x) + begin, y + begin, end - begin); }, threads);
}

void narrow_to(DType to, const float* x, void* y, int64_t n, int threads) {
  const auto f = to == DType::kFloat16 ? HWY_DYNAMIC_DISPATCH(narrow_f16) : HWY_DYNAMIC_DISPATCH(narrow_bf16);
  parallel_for(
      n, kGrain, [&](int64_t begin, int64_t end) { f(x + begin, static_cast<uint16_t*>(y) + begin, end - begin); },
      threads);
}

}  // namespace anyrt::cpu
#endif
