// Vectorised f32 logarithms, powers and circular and hyperbolic functions, within about 2 ulp of the exact value, with
// infinities, NaN and denormals as in scalar f32. Included after <hwy/highway.h>, once for each target; exp, tanh,
// sigmoid and erf are in activation-inl.h.
#if defined(ANYRT_CPU_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ANYRT_CPU_MATH_INL_H_
#undef ANYRT_CPU_MATH_INL_H_
#else
#define ANYRT_CPU_MATH_INL_H_
#endif

#include <hwy/highway.h>

#include <cmath>
#include <limits>

#include "devices/cpu/kernels/activation-inl.h"

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// f of each lane.
template <class D, class F>
HWY_INLINE hn::Vec<D> v_lanewise(D d, hn::Vec<D> v, F f) {
  HWY_ALIGN hn::TFromD<D> lanes[hn::MaxLanes(D())];
  hn::Store(v, d, lanes);
  for (size_t i = 0; i < hn::Lanes(d); ++i) lanes[i] = f(lanes[i]);
  return hn::Load(d, lanes);
}
template <class D, class F>
HWY_INLINE hn::Vec<D> v_lanewise(D d, hn::Vec<D> a, hn::Vec<D> b, F f) {
  HWY_ALIGN hn::TFromD<D> la[hn::MaxLanes(D())], lb[hn::MaxLanes(D())];
  hn::Store(a, d, la);
  hn::Store(b, d, lb);
  for (size_t i = 0; i < hn::Lanes(d); ++i) la[i] = f(la[i], lb[i]);
  return hn::Load(d, la);
}

namespace detail {

// c0 + c1 t + c2 t^2 …, by Horner's rule.
template <class D, class V>
HWY_INLINE V poly(D d, V, hn::TFromD<D> last) {
  return hn::Set(d, last);
}
template <class D, class V, class... Rest>
HWY_INLINE V poly(D d, V t, hn::TFromD<D> c, hn::TFromD<D> next, Rest... rest) {
  return hn::MulAdd(poly(d, t, next, rest...), t, hn::Set(d, c));
}

// A positive x = 2^k * m with m in [sqrt(1/2), sqrt(2)).
template <class D>
struct Parts {
  hn::Vec<D> k, m;
};
template <class D, class V = hn::Vec<D>>
HWY_INLINE Parts<D> split(D d, V x) {
  const hn::RebindToSigned<D> di;
  const auto denormal = hn::Lt(x, hn::Set(d, std::numeric_limits<float>::min()));
  const auto bits = hn::BitCast(di, hn::IfThenElse(denormal, hn::Mul(x, hn::Set(d, 8388608.0f)), x));
  const auto k = hn::ShiftRight<23>(hn::Sub(bits, hn::Set(di, 0x3f3504f3)));
  const V m = hn::BitCast(d, hn::Sub(bits, hn::ShiftLeft<23>(k)));
  const V shift = hn::IfThenElseZero(denormal, hn::Set(d, 23.0f));
  return {hn::Sub(hn::ConvertTo(d, k), shift), m};
}

// Where x is not positive and finite, the logarithm is x itself, minus infinity or NaN.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V log_edges(D d, V x, V y) {
  const V infinity = hn::Set(d, std::numeric_limits<float>::infinity());
  y = hn::IfThenElse(hn::Lt(x, infinity), y, x);
  const V edge =
      hn::IfThenElse(hn::Eq(x, hn::Zero(d)), hn::Neg(infinity), hn::Set(d, std::numeric_limits<float>::quiet_NaN()));
  return hn::IfThenElse(hn::Gt(x, hn::Zero(d)), y, edge);
}

}  // namespace detail

template <class D, class V = hn::Vec<D>>
HWY_INLINE V v_log(D d, V x) {
  const auto parts = detail::split(d, x);
  const V r = hn::Sub(parts.m, hn::Set(d, 1.0f)), z = hn::Mul(r, r);
  const V p = detail::poly(d, r, 0.3333331347f, -0.2500000894f, 0.2000207156f, -0.1666799039f, 0.142203629f,
                           -0.1240620762f, 0.1188347042f, -0.1167019233f, 0.06749556214f);
  // ln 2 in two parts, the first of them exact in few bits.
  V y = hn::MulAdd(parts.k, hn::Set(d, -2.12194440e-4f), hn::Mul(hn::Mul(r, z), p));
  y = hn::Add(r, hn::NegMulAdd(z, hn::Set(d, 0.5f), y));
  return detail::log_edges(d, x, hn::MulAdd(parts.k, hn::Set(d, 0.693359375f), y));
}

// log(1 + x).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V v_log1p(D d, V x) {
  const V one = hn::Set(d, 1.0f), u = hn::Add(x, one);
  const V lost = hn::Div(hn::Sub(x, hn::Sub(u, one)), u);  // of x, when 1 was added
  const auto inside = hn::And(hn::Gt(u, hn::Zero(d)), hn::Lt(u, hn::Set(d, std::numeric_limits<float>::infinity())));
  return hn::Add(v_log(d, u), hn::IfThenElseZero(inside, lost));
}

// exp(x) / 2 without an overflow on the way.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V v_half_exp(D d, V x) {
  const hn::RebindToSigned<D> di;
  const auto reduced = detail::reduce_exp(d, v_at_most(d, v_at_least(d, x, hn::Set(d, -104.0f)), hn::Set(d, 90.0f)));
  const V y = detail::exp_reduced(d, reduced.r);
  const auto n = hn::Sub(reduced.n, hn::Set(di, 1)), half = hn::ShiftRight<1>(n);
  return hn::Mul(hn::Mul(y, detail::pow2(d, half)), detail::pow2(d, hn::Sub(n, half)));
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V v_sinh(D d, V x) {
  const V a = hn::Abs(x), z = hn::Mul(a, a);
  const V p = detail::poly(d, z, 0.1666666716f, 0.008333310485f, 0.0001984289556f, 2.782213187e-06f);
  const V small = hn::MulAdd(hn::Mul(a, z), p, a);
  const V h = v_half_exp(d, a), large = hn::Sub(h, hn::Div(hn::Set(d, 0.25f), h));
  return hn::CopySign(hn::IfThenElse(hn::Lt(a, hn::Set(d, 1.0f)), small, large), x);
}
template <class D, class V = hn::Vec<D>>
HWY_INLINE V v_cosh(D d, V x) {
  const V h = v_half_exp(d, hn::Abs(x));
  return hn::Add(h, hn::Div(hn::Set(d, 0.25f), h));
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V v_asinh(D d, V x) {
  const V a = hn::Abs(x), one = hn::Set(d, 1.0f);
  const V root = hn::Add(one, hn::Sqrt(hn::MulAdd(a, a, one)));
  const auto large = hn::Gt(a, hn::Set(d, 1e4f));
  const V y = v_log1p(d, hn::IfThenElse(large, hn::Sub(a, one), hn::Add(a, hn::Div(hn::Mul(a, a), root))));
  return hn::CopySign(hn::Add(y, hn::IfThenElseZero(large, hn::Set(d, 0.69314718f))), x);
}
template <class D, class V = hn::Vec<D>>
HWY_INLINE V v_acosh(D d, V x) {
  const V one = hn::Set(d, 1.0f), t = hn::Sub(x, one);
  const auto large = hn::Gt(x, hn::Set(d, 1e4f));
  const V rest = hn::Add(t, hn::Sqrt(hn::MulAdd(t, t, hn::Add(t, t))));
  const V y = hn::Add(v_log1p(d, hn::IfThenElse(large, t, rest)), hn::IfThenElseZero(large, hn::Set(d, 0.69314718f)));
  return hn::IfThenElse(hn::Lt(x, one), hn::Set(d, std::numeric_limits<float>::quiet_NaN()), y);
}
template <class D, class V = hn::Vec<D>>
HWY_INLINE V v_atanh(D d, V x) {
  const V a = hn::Abs(x);
  const V y = v_log1p(d, hn::Div(hn::Add(a, a), hn::Sub(hn::Set(d, 1.0f), a)));
  return hn::CopySign(hn::Mul(y, hn::Set(d, 0.5f)), x);
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V v_atan(D d, V x) {
  const V a = hn::Abs(x), one = hn::Set(d, 1.0f), zero = hn::Zero(d);
  const auto large = hn::Gt(a, hn::Set(d, 2.41421356f)), middle = hn::Gt(a, hn::Set(d, 0.41421356f));
  const V n = hn::IfThenElse(large, hn::Neg(one), hn::IfThenElse(middle, hn::Sub(a, one), a));
  const V t = hn::Div(n, hn::IfThenElse(large, a, hn::IfThenElse(middle, hn::Add(a, one), one)));
  const V base = hn::IfThenElse(large, hn::Set(d, 1.57079637f), hn::IfThenElse(middle, hn::Set(d, 0.785398185f), zero));
  const V low =
      hn::IfThenElse(large, hn::Set(d, -4.37113883e-8f), hn::IfThenElse(middle, hn::Set(d, -2.18556941e-8f), zero));
  const V z = hn::Mul(t, t);
  const V p = detail::poly(d, z, -0.3333331347f, 0.1999835968f, -0.1424132735f, 0.1057691872f, -0.06034152955f);
  return hn::CopySign(hn::Add(base, hn::Add(t, hn::MulAdd(hn::Mul(t, z), p, low))), x);
}

namespace detail {

// asin(t) - t for t^2 = z <= 1/4.
template <class D, class V>
HWY_INLINE V asin_rest(D d, V t, V z) {
  const V p = poly(d, z, 0.1666665971f, 0.07500521839f, 0.04451337457f, 0.03183908388f, 0.01431496348f, 0.03769646212f);
  return hn::Mul(hn::Mul(t, z), p);
}

}  // namespace detail

template <class D, class V = hn::Vec<D>>
HWY_INLINE V v_asin(D d, V x) {
  const V a = hn::Abs(x), half = hn::Set(d, 0.5f);
  const auto large = hn::Gt(a, half);
  const V z = hn::IfThenElse(large, hn::NegMulAdd(a, half, half), hn::Mul(a, a));
  const V t = hn::IfThenElse(large, hn::Sqrt(z), a), rest = detail::asin_rest(d, t, z);
  const V outer = hn::Add(hn::NegMulAdd(hn::Set(d, 2.0f), t, hn::Set(d, 1.57079637f)),
                          hn::NegMulAdd(hn::Set(d, 2.0f), rest, hn::Set(d, -4.37113883e-8f)));
  return hn::CopySign(hn::IfThenElse(large, outer, hn::Add(t, rest)), x);
}
template <class D, class V = hn::Vec<D>>
HWY_INLINE V v_acos(D d, V x) {
  const V a = hn::Abs(x), half = hn::Set(d, 0.5f), two = hn::Set(d, 2.0f);
  const auto large = hn::Gt(a, half);
  const V z = hn::IfThenElse(large, hn::NegMulAdd(a, half, half), hn::Mul(a, a));
  const V t = hn::IfThenElse(large, hn::Sqrt(z), x), rest = detail::asin_rest(d, t, z);
  const V low = hn::Set(d, -4.37113883e-8f);
  const V inner = hn::Sub(hn::Set(d, 1.57079637f), hn::Add(t, hn::Sub(rest, low)));
  const V doubled = hn::Mul(two, hn::Add(t, rest));
  const V mirrored = hn::Sub(hn::Set(d, 3.14159274f), hn::Sub(doubled, hn::Add(low, low)));
  return hn::IfThenElse(large, hn::IfThenElse(hn::Lt(x, hn::Zero(d)), mirrored, doubled), inner);
}

namespace detail {

// Beyond this, and without fused arithmetic, taking off multiples of pi / 2 is left to the C library.
inline constexpr float kCircleLimit = 10000.0f;

// sin and cos of x - n * pi / 2, and n as an integer.
template <class D>
struct Circle {
  hn::Vec<D> sin, cos;
  hn::Vec<hn::RebindToSigned<D>> n;
};
template <class D, class V = hn::Vec<D>>
HWY_INLINE Circle<D> circle(D d, V x) {
  const hn::RebindToSigned<D> di;
  const V magic = hn::Set(d, 12582912.0f), shifted = hn::MulAdd(x, hn::Set(d, 0.636619772f), magic);
  const V n = hn::Sub(shifted, magic);
  V r = hn::NegMulAdd(n, hn::Set(d, 1.5703125f), x);  // exact: the first part of pi / 2 has 11 bits
  r = hn::NegMulAdd(n, hn::Set(d, 4.838267923e-4f), r);
  r = hn::NegMulAdd(n, hn::Set(d, 2.563344068e-12f), r);
  const V z = hn::Mul(r, r);
  const V s = poly(d, z, -0.1666666716f, 0.008333378471f, -0.0001985256531f, 2.826416676e-06f);
  const V c = poly(d, z, 0.04166664556f, -0.001388729783f, 2.443008998e-05f);
  // What 1 - z / 2 loses by rounding is added again.
  const V one = hn::Set(d, 1.0f), h = hn::Mul(z, hn::Set(d, 0.5f)), w = hn::Sub(one, h);
  const V cosine = hn::Add(w, hn::MulAdd(hn::Mul(z, z), c, hn::Sub(hn::Sub(one, w), h)));
  return {hn::MulAdd(hn::Mul(r, z), s, r), cosine, hn::Sub(hn::BitCast(di, shifted), hn::BitCast(di, magic))};
}

// NaN and infinities are not in range.
template <class D, class V = hn::Vec<D>>
HWY_INLINE bool circle_in_range(D d, V x) {
#if HWY_NATIVE_FMA
  return hn::AllTrue(d, hn::Lt(hn::Abs(x), hn::Set(d, kCircleLimit)));
#else
  (void)d, (void)x;
  return false;
#endif
}

// sin(r + n * pi / 2).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V turn(D d, const Circle<D>& c, hn::Vec<hn::RebindToSigned<D>> n) {
  const hn::RebindToSigned<D> di;
  const auto odd = hn::RebindMask(d, hn::Ne(hn::And(n, hn::Set(di, 1)), hn::Zero(di)));
  const auto sign = hn::BitCast(d, hn::ShiftLeft<30>(hn::And(n, hn::Set(di, 2))));
  return hn::Xor(hn::IfThenElse(odd, c.cos, c.sin), sign);
}

}  // namespace detail

template <class D, class V = hn::Vec<D>>
HWY_INLINE V v_sin(D d, V x) {
  if (!detail::circle_in_range(d, x)) return v_lanewise(d, x, [](float v) { return std::sin(v); });
  const auto c = detail::circle(d, x);
  return hn::IfThenElse(hn::Eq(x, hn::Zero(d)), x, detail::turn(d, c, c.n));  // the sign of a zero stays
}
template <class D, class V = hn::Vec<D>>
HWY_INLINE V v_cos(D d, V x) {
  if (!detail::circle_in_range(d, x)) return v_lanewise(d, x, [](float v) { return std::cos(v); });
  const hn::RebindToSigned<D> di;
  const auto c = detail::circle(d, x);
  return detail::turn(d, c, hn::Add(c.n, hn::Set(di, 1)));
}
template <class D, class V = hn::Vec<D>>
HWY_INLINE V v_tan(D d, V x) {
  if (!detail::circle_in_range(d, x)) return v_lanewise(d, x, [](float v) { return std::tan(v); });
  const hn::RebindToSigned<D> di;
  const auto c = detail::circle(d, x);
  const auto odd = hn::RebindMask(d, hn::Ne(hn::And(c.n, hn::Set(di, 1)), hn::Zero(di)));
  const V n = hn::IfThenElse(odd, hn::Neg(c.cos), c.sin), den = hn::IfThenElse(odd, c.sin, c.cos);
  return hn::IfThenElse(hn::Eq(x, hn::Zero(d)), x, hn::Div(n, den));
}

#if HWY_TARGET != HWY_SCALAR
namespace detail {

// 2^(y * (k + log2 m)) as 2^n * f with f near 1, in f64 for half of the lanes.
template <class DD, class VD = hn::Vec<DD>>
HWY_INLINE void pow_half(DD dd, VD k, VD m, VD y, VD& n, VD& f) {
  const VD one = hn::Set(dd, 1.0), s = hn::Div(hn::Sub(m, one), hn::Add(m, one));
  const VD p = poly(dd, hn::Mul(s, s), 2.8853900817901605, 0.9617966732578348, 0.57708360136482229, 0.41167169890973176,
                    0.34074968901835406);
  VD t = hn::Mul(y, hn::MulAdd(s, p, k));
  const VD limit = hn::Set(dd, 200.0);
  t = hn::IfThenElse(hn::Gt(t, limit), limit, hn::IfThenElse(hn::Lt(t, hn::Neg(limit)), hn::Neg(limit), t));
  const VD magic = hn::Set(dd, 6755399441055744.0);  // 1.5 * 2^52
  n = hn::Sub(hn::Add(t, magic), magic);
  const VD r = hn::Sub(t, n);
  const VD e = poly(dd, r, 0.6931471807045374, 0.24022651066566653, 0.055504103659741184, 0.009618038131421364,
                    0.0013333935069088352, 0.00015466756483886162, 1.5196153394063996e-05);
  f = hn::MulAdd(e, r, one);
}

}  // namespace detail
#endif

// As std::pow.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V v_pow(D d, V x, V y) {
#if HWY_TARGET == HWY_SCALAR
  return v_lanewise(d, x, y, [](float a, float b) { return std::pow(a, b); });
#else
  const hn::RebindToSigned<D> di;
  const hn::Half<D> dh;
  const hn::Rebind<double, decltype(dh)> dd;
  const V zero = hn::Zero(d), one = hn::Set(d, 1.0f), a = hn::Abs(x);
  const V infinity = hn::Set(d, std::numeric_limits<float>::infinity());
  const auto parts = detail::split(d, a);
  auto n_low = hn::Zero(dd), n_high = n_low, f_low = n_low, f_high = n_low;
  detail::pow_half(dd, hn::PromoteTo(dd, hn::LowerHalf(dh, parts.k)), hn::PromoteTo(dd, hn::LowerHalf(dh, parts.m)),
                   hn::PromoteTo(dd, hn::LowerHalf(dh, y)), n_low, f_low);
  detail::pow_half(dd, hn::PromoteTo(dd, hn::UpperHalf(dh, parts.k)), hn::PromoteTo(dd, hn::UpperHalf(dh, parts.m)),
                   hn::PromoteTo(dd, hn::UpperHalf(dh, y)), n_high, f_high);
  const V f = hn::Combine(d, hn::DemoteTo(dh, f_high), hn::DemoteTo(dh, f_low));
  const auto n = hn::ConvertTo(di, hn::Combine(d, hn::DemoteTo(dh, n_high), hn::DemoteTo(dh, n_low)));
  const auto half = hn::ShiftRight<1>(n);
  V r = hn::Mul(hn::Mul(f, detail::pow2(d, half)), detail::pow2(d, hn::Sub(n, half)));
  const auto positive = hn::Gt(y, zero);
  r = hn::IfThenElse(hn::Eq(a, zero), hn::IfThenElse(positive, zero, infinity), r);
  r = hn::IfThenElse(hn::Eq(a, infinity), hn::IfThenElse(positive, infinity, zero), r);
  r = hn::IfThenElse(hn::Eq(a, one), one, r);
  // Floats from 2^24 on are even.
  const V size = hn::Abs(y);
  const auto small = hn::Lt(size, hn::Set(d, 16777216.0f));
  const auto whole_number = hn::ConvertTo(di, hn::IfThenElseZero(small, size));
  const auto whole = hn::Or(hn::Not(small), hn::Eq(hn::ConvertTo(d, whole_number), size));
  const auto odd =
      hn::And(hn::And(small, whole), hn::RebindMask(d, hn::Ne(hn::And(whole_number, hn::Set(di, 1)), hn::Zero(di))));
  const auto negative = hn::RebindMask(d, hn::Lt(hn::BitCast(di, x), hn::Zero(di)));
  r = hn::IfThenElse(hn::And(negative, odd), hn::Neg(r), r);
  const V nan = hn::Set(d, std::numeric_limits<float>::quiet_NaN());
  const auto no_root = hn::And(hn::And(hn::Lt(x, zero), hn::Lt(a, infinity)), hn::Not(whole));
  r = hn::IfThenElse(hn::Or(no_root, hn::Or(hn::IsNaN(x), hn::IsNaN(y))), nan, r);
  return hn::IfThenElse(hn::Or(hn::Eq(y, zero), hn::Eq(x, one)), one, r);
#endif
}

}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
