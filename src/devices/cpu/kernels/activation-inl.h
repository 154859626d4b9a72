// Vectorised f32 functions and activations for kernels of every instruction set: included after <hwy/highway.h>, once
// for each target. Errors stay within about 2 ulp of the exact value; NaN passes, infinities and denormals come out as
// they do in scalar f32. Element i of a result depends on element i of the arguments alone, also in its rounding.
#if defined(ANYRT_CPU_ACTIVATION_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ANYRT_CPU_ACTIVATION_INL_H_
#undef ANYRT_CPU_ACTIVATION_INL_H_
#else
#define ANYRT_CPU_ACTIVATION_INL_H_
#endif

#include <hwy/highway.h>

#include "opdef/fused_activation.h"

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// x, limited from below and above; NaN stays, as it does not with every target's Min and Max.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V v_at_least(D, V x, V low) {
#if HWY_ARCH_X86 && HWY_TARGET < HWY_EMU128
  return hn::Max(low, x);  // gives the second operand where one is NaN
#else
  return hn::IfThenElse(hn::Lt(x, low), low, x);
#endif
}
template <class D, class V = hn::Vec<D>>
HWY_INLINE V v_at_most(D, V x, V high) {
#if HWY_ARCH_X86 && HWY_TARGET < HWY_EMU128
  return hn::Min(high, x);
#else
  return hn::IfThenElse(hn::Gt(x, high), high, x);
#endif
}

// n / den for den in [1, 8]; kExact: within 1 ulp, else 2.
template <bool kExact = true, class D, class V = hn::Vec<D>>
HWY_INLINE V v_div_small(D d, V n, V den) {
#if HWY_TARGET <= HWY_AVX3
  // A 512-bit division occupies its unit for many cycles; these operations are pipelined.
  V r = hn::ApproximateReciprocal(den);
  r = hn::MulAdd(r, hn::NegMulAdd(den, r, hn::Set(d, 1.0f)), r);
  const V q = hn::Mul(n, r);
  return kExact ? hn::MulAdd(r, hn::NegMulAdd(den, q, n), q) : q;
#else
  (void)d;
  return hn::Div(n, den);
#endif
}

namespace detail {

// x = n * ln 2 + r with an integer n and |r| <= ln 2 / 2.
template <class D>
struct Reduced {
  hn::Vec<hn::RebindToSigned<D>> n;
  hn::Vec<D> r;
};
template <class D, class V = hn::Vec<D>>
HWY_INLINE Reduced<D> reduce_exp(D d, V x) {
  // Added to 1.5 * 2^23, a number is rounded to an integer that stands in the low bits.
  const V magic = hn::Set(d, 12582912.0f), shifted = hn::MulAdd(x, hn::Set(d, 1.44269504f), magic);
  const V n = hn::Sub(shifted, magic);
  V r = hn::NegMulAdd(n, hn::Set(d, 0.693145751953125f), x);  // ln 2 in two parts, the first exact in few bits
  r = hn::NegMulAdd(n, hn::Set(d, 1.42860677e-6f), r);
  const hn::RebindToSigned<D> di;
  return {hn::Sub(hn::BitCast(di, shifted), hn::BitCast(di, magic)), r};
}

// (exp(r) - 1 - r) / r^2 for |r| <= ln 2 / 2.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V exp_rest(D d, V r) {
  V p = hn::Set(d, 1.395049122e-03f);
  p = hn::MulAdd(p, r, hn::Set(d, 8.368889354e-03f));
  p = hn::MulAdd(p, r, hn::Set(d, 4.166620580e-02f));
  p = hn::MulAdd(p, r, hn::Set(d, 1.666651884e-01f));
  return hn::MulAdd(p, r, hn::Set(d, 5.000000095e-01f));
}
template <class D, class V = hn::Vec<D>>
HWY_INLINE V expm1_reduced(D d, V r) {
  return hn::MulAdd(hn::Mul(r, r), exp_rest(d, r), r);
}
template <class D, class V = hn::Vec<D>>
HWY_INLINE V exp_reduced(D d, V r) {
  const V one = hn::Set(d, 1.0f);
  return hn::MulAdd(hn::MulAdd(exp_rest(d, r), r, one), r, one);
}

// 2^n for n in [-126, 127].
template <class D, class VI>
HWY_INLINE hn::Vec<D> pow2(D d, VI n) {
  const hn::RebindToSigned<D> di;
  return hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(n, hn::Set(di, 127))));
}

// exp(x) for x in [-104, 89].
template <class D, class V = hn::Vec<D>>
HWY_INLINE V exp_limited(D d, V x) {
#if HWY_TARGET == HWY_AVX3
  if constexpr (sizeof(V) == 64) {  // scaling is one instruction, also where the result is denormal
    const V n{_mm512_roundscale_ps(hn::Mul(x, hn::Set(d, 1.44269504f)).raw, 0)};
    V r = hn::NegMulAdd(n, hn::Set(d, 0.693145751953125f), x);
    r = hn::NegMulAdd(n, hn::Set(d, 1.42860677e-6f), r);
    return V{_mm512_scalef_ps(exp_reduced(d, r).raw, n.raw)};
  }
#endif
  const auto reduced = reduce_exp(d, x);
  const V y = exp_reduced(d, reduced.r);
  // In two steps: 2^n alone would leave the range where the result is denormal or infinite.
  const auto half = hn::ShiftRight<1>(reduced.n);
  return hn::Mul(hn::Mul(y, pow2(d, half)), pow2(d, hn::Sub(reduced.n, half)));
}

}  // namespace detail

template <class D, class V = hn::Vec<D>>
HWY_INLINE V v_exp(D d, V x) {
  // Beyond these the result is 0 or infinite.
  return detail::exp_limited(d, v_at_most(d, v_at_least(d, x, hn::Set(d, -104.0f)), hn::Set(d, 89.0f)));
}

// exp(x) for x <= 0 where only its size beside 1 counts, as in a softmax: denormal results may be 0; exp(0) is 1.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V v_exp_below_one(D d, V x) {
  const V log2_e = hn::Set(d, 1.44269504f), low = hn::Set(d, -88.02969f);  // 2^-127 comes out as 0
  const V t = hn::Mul(v_at_least(d, x, low), log2_e);
  // 1.5 * 2^23 + 127: rounds to an integer, and leaves 127 + n in the low bits.
  const V magic = hn::Set(d, 12583039.0f), shifted = hn::Add(t, magic), r = hn::Sub(t, hn::Sub(shifted, magic));
  V p = hn::Set(d, 1.5594677825e-04f);  // 2^r for |r| <= 1/2
  p = hn::MulAdd(p, r, hn::Set(d, 1.3406643411e-03f));
  p = hn::MulAdd(p, r, hn::Set(d, 9.6176927909e-03f));
  p = hn::MulAdd(p, r, hn::Set(d, 5.5503103882e-02f));
  p = hn::MulAdd(p, r, hn::Set(d, 2.4022652209e-01f));
  p = hn::MulAdd(p, r, hn::Set(d, 6.9314724207e-01f));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f));
  // Shifted to the exponent's place, what stands above those bits is lost.
  return hn::Mul(p, hn::BitCast(d, hn::ShiftLeft<23>(hn::BitCast(hn::RebindToSigned<D>(), shifted))));
}

// exp(-|x|).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V v_exp_negative_abs(D d, V x) {
  return detail::exp_limited(d, v_at_least(d, hn::Or(x, hn::SignBit(d)), hn::Set(d, -104.0f)));
}

// exp(x) - 1 for x <= 0.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V v_expm1_negative(D d, V x) {
  const auto reduced = detail::reduce_exp(d, v_at_least(d, x, hn::Set(d, -30.0f)));
  const V scale = detail::pow2(d, reduced.n);
  return hn::MulAdd(detail::expm1_reduced(d, reduced.r), scale, hn::Sub(scale, hn::Set(d, 1.0f)));
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V v_sigmoid(D d, V x) {
  const V one = hn::Set(d, 1.0f);
  const V e = v_exp_negative_abs(d, x);
  return v_div_small<false>(d, hn::IfThenElse(hn::Lt(x, hn::Zero(d)), e, one), hn::Add(one, e));
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V v_tanh(D d, V x) {
  const V t = v_expm1_negative(d, hn::Mul(hn::Abs(x), hn::Set(d, -2.0f)));
  return hn::CopySign(v_div_small(d, t, hn::Add(t, hn::Set(d, 2.0f))), x);
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V v_erf(D d, V x) {
  const V a = hn::Abs(x), s = hn::Mul(x, x);
  V p = hn::Set(d, -6.315129142e-04f);
  p = hn::MulAdd(p, s, hn::Set(d, 5.051094789e-03f));
  p = hn::MulAdd(p, s, hn::Set(d, -2.680254775e-02f));
  p = hn::MulAdd(p, s, hn::Set(d, 1.128271740e-01f));
  p = hn::MulAdd(p, s, hn::Set(d, -3.761257184e-01f));
  p = hn::MulAdd(p, s, hn::Set(d, 1.28379160e-01f));
  const V small = hn::MulAdd(p, x, x);  // the factor of x without its leading 1
  // erfc(a) = exp(-a * q(a)); from 4 on, erf is 1 in f32.
  const V t = v_at_most(d, a, hn::Set(d, 4.0f));
  V q = hn::Set(d, -2.153161267e-04f);
  q = hn::MulAdd(q, t, hn::Set(d, 3.225967424e-03f));
  q = hn::MulAdd(q, t, hn::Set(d, -2.292540451e-02f));
  q = hn::MulAdd(q, t, hn::Set(d, 1.053173190e-01f));
  q = hn::MulAdd(q, t, hn::Set(d, 6.356760685e-01f));
  q = hn::MulAdd(q, t, hn::Set(d, 1.28526888e-01f));
  const V large = hn::CopySign(hn::Neg(v_expm1_negative(d, hn::Neg(hn::MulAdd(q, t, t)))), x);
  return hn::IfThenElse(hn::Lt(a, hn::Set(d, 0.85f)), small, large);
}

// log(1 + x) for x in [0, 1].
template <class D, class V = hn::Vec<D>>
HWY_INLINE V v_log1p_unit(D d, V x) {
  const V z = v_div_small(d, x, hn::Add(x, hn::Set(d, 2.0f))), s = hn::Mul(z, z);
  V p = hn::Set(d, 2.817833525e-01f);
  p = hn::MulAdd(p, s, hn::Set(d, 2.796060268e-01f));
  p = hn::MulAdd(p, s, hn::Set(d, 4.002491029e-01f));
  p = hn::MulAdd(p, s, hn::Set(d, 6.666631468e-01f));
  return hn::MulAdd(hn::Mul(p, s), z, hn::Add(z, z));
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V v_softplus(D d, V x) {
  const V e = v_exp_negative_abs(d, x);
  return hn::Add(v_at_least(d, x, hn::Zero(d)), v_log1p_unit(d, e));
}

// x * tanh(softplus(x)): with w = exp(-|x|), tanh(log(1 + exp(x))) is a quotient of polynomials in w.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V v_mish(D d, V x) {
  const V w = v_exp_negative_abs(d, x), two = hn::Set(d, 2.0f), one = hn::Set(d, 1.0f);
  const auto negative = hn::Lt(x, hn::Zero(d));
  const V square = hn::Mul(w, w);
  const V n = hn::IfThenElse(negative, hn::MulAdd(two, w, square), hn::MulAdd(two, w, one));
  const V den = hn::Add(n, hn::IfThenElse(negative, two, hn::Add(square, square)));
  return hn::Mul(x, v_div_small(d, n, den));
}

// The activation of one vector; F.kind is a constant where it matters for speed.
template <Activation kKind, class D, class V = hn::Vec<D>>
HWY_INLINE V v_activate(D d, V x, V a, V b) {
  const V zero = hn::Zero(d), one = hn::Set(d, 1.0f);
  if constexpr (kKind == Activation::kRelu) return v_at_least(d, x, zero);
  if constexpr (kKind == Activation::kClip) return v_at_most(d, v_at_least(d, x, a), b);
  if constexpr (kKind == Activation::kLeakyRelu) return hn::IfThenElse(hn::Lt(x, zero), hn::Mul(a, x), x);
  if constexpr (kKind == Activation::kHardSigmoid) {
    return v_at_most(d, v_at_least(d, hn::MulAdd(a, x, b), zero), one);
  }
  if constexpr (kKind == Activation::kHardSwish) {
    const V gate = hn::MulAdd(x, hn::Set(d, 1.0f / 6), hn::Set(d, 0.5f));
    return hn::Mul(x, v_at_most(d, v_at_least(d, gate, zero), one));
  }
  if constexpr (kKind == Activation::kSigmoid) return v_sigmoid(d, x);
  if constexpr (kKind == Activation::kSwish) return hn::Mul(x, v_sigmoid(d, hn::Mul(a, x)));
  if constexpr (kKind == Activation::kTanh) return v_tanh(d, x);
  if constexpr (kKind == Activation::kElu || kKind == Activation::kSelu || kKind == Activation::kCelu) {
    V low = kKind == Activation::kCelu ? hn::Div(x, a) : x;
    const auto negative = hn::Lt(x, zero);
    low = hn::Mul(a, v_expm1_negative(d, hn::IfThenElseZero(negative, low)));
    const V y = hn::IfThenElse(negative, low, x);
    return kKind == Activation::kSelu ? hn::Mul(b, y) : y;
  }
  if constexpr (kKind == Activation::kGelu) {
    const V phi = hn::Add(one, v_erf(d, hn::Mul(x, hn::Set(d, 0.70710678f))));
    return hn::Mul(hn::Mul(hn::Set(d, 0.5f), x), phi);
  }
  if constexpr (kKind == Activation::kGeluTanh) {  // (1 + tanh(u)) / 2 = sigmoid(2 u)
    const V cube = hn::Mul(hn::Mul(x, x), x);
    const V u = hn::MulAdd(cube, hn::Set(d, 0.044715f), x);
    return hn::Mul(x, v_sigmoid(d, hn::Mul(u, hn::Set(d, 1.59576912f))));
  }
  if constexpr (kKind == Activation::kMish) return v_mish(d, x);
  if constexpr (kKind == Activation::kSoftplus) return v_softplus(d, x);
  if constexpr (kKind == Activation::kSoftsign) return hn::Div(x, hn::Add(one, hn::Abs(x)));
  if constexpr (kKind == Activation::kThresholdedRelu) return hn::IfThenElseZero(hn::Gt(x, a), x);
  return x;
}

// A callable V -> V for one kind of activation.
template <Activation kKind, class D>
struct Activator {
  hn::Vec<D> a, b;
  HWY_INLINE hn::Vec<D> operator()(hn::Vec<D> x) const { return v_activate<kKind>(D(), x, a, b); }
};

// Calls body(Activator) with the one of `f`, so that loops inside know the kind.
template <class D, class Body>
HWY_INLINE void with_activation(D d, const FusedActivation& f, Body&& body) {
  const auto a = hn::Set(d, f.a), b = hn::Set(d, f.b);
  switch (f.kind) {
#define ANYRT_ACTIVATION_CASE(K) \
  case Activation::K: return body(Activator<Activation::K, D>{a, b})
    ANYRT_ACTIVATION_CASE(kNone);
    ANYRT_ACTIVATION_CASE(kRelu);
    ANYRT_ACTIVATION_CASE(kClip);
    ANYRT_ACTIVATION_CASE(kLeakyRelu);
    ANYRT_ACTIVATION_CASE(kHardSigmoid);
    ANYRT_ACTIVATION_CASE(kHardSwish);
    ANYRT_ACTIVATION_CASE(kSigmoid);
    ANYRT_ACTIVATION_CASE(kSwish);
    ANYRT_ACTIVATION_CASE(kTanh);
    ANYRT_ACTIVATION_CASE(kElu);
    ANYRT_ACTIVATION_CASE(kSelu);
    ANYRT_ACTIVATION_CASE(kCelu);
    ANYRT_ACTIVATION_CASE(kGelu);
    ANYRT_ACTIVATION_CASE(kGeluTanh);
    ANYRT_ACTIVATION_CASE(kMish);
    ANYRT_ACTIVATION_CASE(kSoftplus);
    ANYRT_ACTIVATION_CASE(kSoftsign);
    ANYRT_ACTIVATION_CASE(kThresholdedRelu);
#undef ANYRT_ACTIVATION_CASE
  }
}

// y = f(x) for n elements; y may be x.
template <class D>
HWY_INLINE void activate_range(D d, const FusedActivation& f, const float* x, float* y, int64_t n) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  with_activation(d, f, [&](auto act) HWY_ATTR {
    int64_t i = 0;
    for (; i + lanes <= n; i += lanes) hn::StoreU(act(hn::LoadU(d, x + i)), d, y + i);
    if (i == n) return;
    HWY_ALIGN float rest[hn::MaxLanes(D())] = {};
    for (int64_t k = i; k < n; ++k) rest[k - i] = x[k];
    hn::Store(act(hn::Load(d, rest)), d, rest);
    for (int64_t k = i; k < n; ++k) y[k] = rest[k - i];
  });
}

// The n values at y, where they lie.
template <class D>
HWY_INLINE void rescale_values(D d, const FusedRescale& r, float* y, int64_t n) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto scale = hn::Set(d, r.scale), shift = hn::Set(d, r.shift), low = hn::Set(d, r.low),
             high = hn::Set(d, r.high);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes)
    hn::StoreU(v_at_most(d, v_at_least(d, hn::MulAdd(hn::LoadU(d, y + i), scale, shift), low), high), d, y + i);
  for (; i < n; ++i) y[i] = r(y[i]);
}

}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
