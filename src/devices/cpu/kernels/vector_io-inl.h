// Loads and stores of whole and partial vectors in the type that kernels compute in: f32 for f32, f16 and bf16
// elements, f64 for f64. Included after <hwy/highway.h>, once for each target.
#if defined(ANYRT_CPU_VECTOR_IO_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ANYRT_CPU_VECTOR_IO_INL_H_
#undef ANYRT_CPU_VECTOR_IO_INL_H_
#else
#define ANYRT_CPU_VECTOR_IO_INL_H_
#endif

#include <hwy/highway.h>

#include <cstring>
#include <type_traits>

#include "tensor/dtype.h"
#include "tensor/narrow_float.h"

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <class T>
using ComputeOf = std::conditional_t<std::is_same_v<T, double>, double, float>;
template <class T>
using ComputeTag = hn::ScalableTag<ComputeOf<T>>;

// Of lambdas that loops over vectors call.
#undef V_LAMBDA
#define V_LAMBDA HWY_ATTR __attribute__((always_inline))

#undef ANYRT_MASKED_IO
#undef ANYRT_NATIVE_HALVES
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2
#define ANYRT_MASKED_IO 1      // reads and writes of a part of a vector leave the rest of memory alone
#define ANYRT_NATIVE_HALVES 1  // conversions treat infinities, NaN and denormals as IEEE 754 says
#else
#define ANYRT_MASKED_IO 0
#define ANYRT_NATIVE_HALVES (!HWY_ARCH_X86 && HWY_TARGET < HWY_EMU128)
#endif

template <class D>
HWY_INLINE hn::Vec<D> v_load(D d, const hn::TFromD<D>* p) {
  return hn::LoadU(d, p);
}
template <class D>
HWY_INLINE void v_store(hn::Vec<D> v, D d, hn::TFromD<D>* p) {
  hn::StoreU(v, d, p);
}

template <class D>
HWY_INLINE hn::Vec<D> v_load(D d, const Float16* p) {
#if ANYRT_NATIVE_HALVES
  const hn::Rebind<hwy::float16_t, D> dh;
  return hn::PromoteTo(d, hn::LoadU(dh, reinterpret_cast<const hwy::float16_t*>(p)));
#else
  HWY_ALIGN float lanes[hn::MaxLanes(D())];
  for (size_t i = 0; i < hn::Lanes(d); ++i) lanes[i] = narrow::from_half(p[i].bits);
  return hn::Load(d, lanes);
#endif
}
template <class D>
HWY_INLINE void v_store(hn::Vec<D> v, D d, Float16* p) {
#if ANYRT_NATIVE_HALVES
  const hn::Rebind<hwy::float16_t, D> dh;
  hn::StoreU(hn::DemoteTo(dh, v), dh, reinterpret_cast<hwy::float16_t*>(p));
#else
  HWY_ALIGN float lanes[hn::MaxLanes(D())];
  hn::Store(v, d, lanes);
  for (size_t i = 0; i < hn::Lanes(d); ++i) p[i].bits = narrow::to_half(lanes[i]);
#endif
}

template <class D>
HWY_INLINE hn::Vec<D> v_load(D d, const BFloat16* p) {
  const hn::Rebind<uint16_t, D> dh;
  const hn::Rebind<uint32_t, D> du;
  return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(du, hn::LoadU(dh, reinterpret_cast<const uint16_t*>(p)))));
}
template <class D>
HWY_INLINE void v_store(hn::Vec<D> v, D d, BFloat16* p) {
  const hn::Rebind<uint16_t, D> dh;
  const hn::Rebind<uint32_t, D> du;
  const hn::RebindToSigned<decltype(du)> di;
  const auto bits = hn::BitCast(du, v);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1u));
  const auto rounded = hn::Add(bits, hn::Add(odd, hn::Set(du, 0x7fffu)));
  const auto nan = hn::Or(bits, hn::Set(du, 0x7fc00000u));  // quiet; the sign stays
  const auto kept = hn::IfThenElse(hn::RebindMask(du, hn::IsNaN(v)), nan, rounded);
  hn::StoreU(hn::DemoteTo(dh, hn::BitCast(di, hn::ShiftRight<16>(kept))), dh, reinterpret_cast<uint16_t*>(p));
  (void)d;
}

// The first n elements, n below the number of lanes; the other lanes are zero.
template <class D, class T>
HWY_INLINE hn::Vec<D> v_load_part(D d, const T* p, size_t n) {
  if constexpr (hn::MaxLanes(D()) == 1) {
    return hn::Zero(d);
  } else if constexpr (ANYRT_MASKED_IO && std::is_same_v<T, hn::TFromD<D>>) {
    return hn::MaskedLoad(hn::FirstN(d, n), d, p);
  } else {
    T lanes[hn::MaxLanes(D())];
    std::memset(static_cast<void*>(lanes), 0, sizeof(lanes));
    std::memcpy(static_cast<void*>(lanes), p, n * sizeof(T));
    return v_load(d, lanes);
  }
}
template <class D, class T>
HWY_INLINE void v_store_part(hn::Vec<D> v, D d, T* p, size_t n) {
  if constexpr (hn::MaxLanes(D()) == 1) {
    return;
  } else if constexpr (ANYRT_MASKED_IO && std::is_same_v<T, hn::TFromD<D>>) {
    hn::BlendedStore(v, hn::FirstN(d, n), d, p);
  } else {
    T lanes[hn::MaxLanes(D())];
    v_store(v, d, lanes);
    std::memcpy(static_cast<void*>(p), lanes, n * sizeof(T));
  }
}

// The sum of all lanes.
template <class D>
HWY_INLINE double v_sum(D d, hn::Vec<D> v) {
  return static_cast<double>(hn::GetLane(hn::SumOfLanes(d, v)));
}

}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
