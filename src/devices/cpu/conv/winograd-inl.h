// The one-dimensional transforms of Winograd's F(4, 3) (Lavin and Gray, Fast Algorithms for Convolutional Neural
// Networks, 2015), for kernels of every instruction set: included once for each target.
#if defined(ANYRT_CPU_CONV_WINOGRAD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ANYRT_CPU_CONV_WINOGRAD_INL_H_
#undef ANYRT_CPU_CONV_WINOGRAD_INL_H_
#else
#define ANYRT_CPU_CONV_WINOGRAD_INL_H_
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <class V>
struct Six {
  V a, b, c, d, e, f;
};
template <class V>
struct Four {
  V a, b, c, d;
};

// B^T applied to six values.
template <class D, class V = hn::Vec<D>>
HWY_INLINE Six<V> transform_in(D d, const Six<V>& x) {
  const V four = hn::Set(d, 4.0f), two = hn::Set(d, 2.0f), five = hn::Set(d, 5.0f);
  const V bd = hn::NegMulAdd(four, x.b, x.d), ce = hn::NegMulAdd(four, x.c, x.e);
  const V db = hn::Mul(two, hn::Sub(x.d, x.b)), ec = hn::Sub(x.e, x.c);
  // Vectors of NEON have a constructor, which a struct's own one may not call: it belongs to no instruction set.
  return {hn::MulAdd(four, x.a, hn::NegMulAdd(five, x.c, x.e)),
          hn::Add(ce, bd),
          hn::Sub(ce, bd),
          hn::Add(ec, db),
          hn::Sub(ec, db),
          hn::MulAdd(four, x.b, hn::NegMulAdd(five, x.d, x.f))};
}

// A^T applied to six values.
template <class D, class V = hn::Vec<D>>
HWY_INLINE Four<V> transform_out(D d, const Six<V>& m) {
  const V two = hn::Set(d, 2.0f), four = hn::Set(d, 4.0f), eight = hn::Set(d, 8.0f);
  const V plus = hn::Add(m.b, m.c), minus = hn::Sub(m.b, m.c), plus2 = hn::Add(m.d, m.e), minus2 = hn::Sub(m.d, m.e);
  return {hn::Add(hn::Add(m.a, plus), plus2), hn::MulAdd(two, minus2, minus), hn::MulAdd(four, plus2, plus),
          hn::Add(hn::MulAdd(eight, minus2, minus), m.f)};
}

}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
