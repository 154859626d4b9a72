#include <cmath>
#include <limits>

#include "base/threads.h"
#include "devices/cpu/kernel.h"
#include "opdef/fused_activation.h"

// This file is compiled once for each instruction set.
#ifndef ANYRT_CPU_UNARY_KINDS_
#define ANYRT_CPU_UNARY_KINDS_
namespace anyrt::cpu {
namespace {
enum class Unary : uint8_t {
  kAbs,
  kNeg,
  kSqrt,
  kReciprocal,
  kExp,
  kLog,
  kErf,
  kSign,
  kFloor,
  kCeil,
  kRound,
  kSin,
  kCos,
  kSquare,
};
}  // namespace
}  // namespace anyrt::cpu
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/unary.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "devices/cpu/kernels/activation-inl.h"

// After foreach_target.h, so that it is seen once for each target.
#include <hwy/contrib/math/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

template <class F>
HWY_INLINE void map(const float* x, float* y, int64_t n, const F& f) {
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(f(hn::LoadU(d, x + i)), d, y + i);
  if (i == n) return;
  HWY_ALIGN float rest[hn::MaxLanes(D())] = {};
  for (int64_t k = i; k < n; ++k) rest[k - i] = x[k];
  hn::Store(f(hn::Load(d, rest)), d, rest);
  for (int64_t k = i; k < n; ++k) y[k] = rest[k - i];
}

// Highway's logarithm is for normal positive numbers.
HWY_INLINE V log_of(D d, V x) {
  const V smallest = hn::Set(d, std::numeric_limits<float>::min());
  const auto denormal = hn::Lt(x, smallest);
  const V scaled = hn::IfThenElse(denormal, hn::Mul(x, hn::Set(d, 8388608.0f)), x);
  V y = hn::Log(d, scaled);
  y = hn::IfThenElse(denormal, hn::Sub(y, hn::Set(d, 15.942385152878742f)), y);
  const V infinity = hn::Set(d, std::numeric_limits<float>::infinity());
  y = hn::IfThenElse(hn::Eq(x, infinity), infinity, y);
  y = hn::IfThenElse(hn::Eq(x, hn::Zero(d)), hn::Neg(infinity), y);
  const V nan = hn::Set(d, std::numeric_limits<float>::quiet_NaN());
  y = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), nan, y);
  return hn::IfThenElse(hn::IsNaN(x), x, y);
}

void unary(Unary op, const float* x, float* y, int64_t n) {
  const D d;
  switch (op) {
    case Unary::kAbs: return map(x, y, n, [](V v) HWY_ATTR { return hn::Abs(v); });
    case Unary::kNeg: return map(x, y, n, [](V v) HWY_ATTR { return hn::Neg(v); });
    case Unary::kSqrt: return map(x, y, n, [](V v) HWY_ATTR { return hn::Sqrt(v); });
    case Unary::kReciprocal: return map(x, y, n, [d](V v) HWY_ATTR { return hn::Div(hn::Set(d, 1.0f), v); });
    case Unary::kExp: return map(x, y, n, [d](V v) HWY_ATTR { return v_exp(d, v); });
    case Unary::kLog: return map(x, y, n, [d](V v) HWY_ATTR { return log_of(d, v); });
    case Unary::kErf: return map(x, y, n, [d](V v) HWY_ATTR { return v_erf(d, v); });
    case Unary::kSign:
      return map(x, y, n, [d](V v) HWY_ATTR {
        const V zero = hn::Zero(d), one = hn::Set(d, 1.0f);
        const V sign = hn::IfThenElse(hn::Eq(v, zero), zero, hn::CopySign(one, v));
        return hn::IfThenElse(hn::IsNaN(v), v, sign);
      });
    case Unary::kFloor: return map(x, y, n, [](V v) HWY_ATTR { return hn::Floor(v); });
    case Unary::kCeil: return map(x, y, n, [](V v) HWY_ATTR { return hn::Ceil(v); });
    case Unary::kRound: return map(x, y, n, [](V v) HWY_ATTR { return hn::Round(v); });
    case Unary::kSquare: return map(x, y, n, [](V v) HWY_ATTR { return hn::Mul(v, v); });
    // Highway's are exact to a few ulp up to about 39000 only.
    case Unary::kSin:
    case Unary::kCos: {
      const bool sine = op == Unary::kSin;
      return map(x, y, n, [d, sine](V v) HWY_ATTR {
        const V limit = hn::Set(d, 1000.0f);
        if (hn::AllTrue(d, hn::Le(hn::Abs(v), limit))) return sine ? hn::Sin(d, v) : hn::Cos(d, v);
        HWY_ALIGN float lanes[hn::MaxLanes(D())];
        hn::Store(v, d, lanes);
        for (size_t k = 0; k < hn::Lanes(d); ++k) lanes[k] = sine ? std::sin(lanes[k]) : std::cos(lanes[k]);
        return hn::Load(d, lanes);
      });
    }
  }
}

void activation(const FusedActivation& f, const float* x, float* y, int64_t n) { activate_range(D(), f, x, y, n); }

}  // namespace
}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anyrt::cpu {
namespace {

HWY_EXPORT(unary);
HWY_EXPORT(activation);

using Bound = Expected<std::unique_ptr<BoundStep>>;
using State = std::shared_ptr<const void>;

constexpr int64_t kGrain = 1 << 15, kCostlyGrain = 1 << 12;

template <class F>
void over(int64_t n, int64_t grain, int threads, const F& f) {
  if (n <= grain) return f(0, n);
  parallel_for(n, grain, f, threads);
}

template <Unary kOp>
Bound bind_unary(const BindQuery& q, const State&) {
  const bool costly =
      kOp == Unary::kExp || kOp == Unary::kLog || kOp == Unary::kErf || kOp == Unary::kSin || kOp == Unary::kCos;
  return bound_step([n = q.output(0).count(), grain = costly ? kCostlyGrain : kGrain,
                     f = HWY_DYNAMIC_DISPATCH(unary)](const StepArgs& args) {
    const float* x = args.input<float>(0);
    float* y = args.output<float>(0);
    over(n, grain, args.threads, [&](int64_t begin, int64_t end) { f(kOp, x + begin, y + begin, end - begin); });
    return Status();
  });
}

Bound activation_step(const BindQuery& q, FusedActivation a) {
  const bool cheap = a.kind == Activation::kRelu || a.kind == Activation::kClip || a.kind == Activation::kLeakyRelu ||
                     a.kind == Activation::kHardSigmoid || a.kind == Activation::kHardSwish;
  return bound_step([n = q.output(0).count(), a, grain = cheap ? kGrain : kCostlyGrain,
                     f = HWY_DYNAMIC_DISPATCH(activation)](const StepArgs& args) {
    const float* x = args.input<float>(0);
    float* y = args.output<float>(0);
    over(n, grain, args.threads, [&](int64_t begin, int64_t end) { f(a, x + begin, y + begin, end - begin); });
    return Status();
  });
}

Bound bind_activation(const BindQuery& q, const State&) {
  std::vector<float> params;
  if (q.has_attr("alpha")) params.push_back(q.f("alpha"));
  if (q.has_attr("beta")) params.push_back(q.f("beta"));
  if (q.has_attr("gamma")) params.push_back(q.f("gamma"));
  const bool tanh_gelu = q.node().op == "Gelu" && q.s("approximate") == "tanh";
  ANYRT_ASSIGN(const FusedActivation a, parse_activation(tanh_gelu ? "GeluTanh" : q.node().op, params));
  return activation_step(q, a);
}

Bound bind_clip(const BindQuery& q, const State&) {
  FusedActivation a{Activation::kClip, std::numeric_limits<float>::lowest(), std::numeric_limits<float>::max()};
  bool open_low = true, open_high = true;
  for (size_t k = 1; k <= 2; ++k) {
    if (!q.has_input(k)) continue;
    const Tensor* limit = q.input(k).constant;
    if (!limit || limit->size() != 1) return not_implemented("a limit is known only when it runs");
    (k == 1 ? a.a : a.b) = *limit->data<float>();
    (k == 1 ? open_low : open_high) = false;
  }
  if (open_low) a.a = -std::numeric_limits<float>::infinity();
  if (open_high) a.b = std::numeric_limits<float>::infinity();
  if (std::isnan(a.a) || std::isnan(a.b)) return not_implemented("a limit is NaN");
  return activation_step(q, a);
}

constexpr KernelRow kRows[] = {
    {.kernel = "f32_abs", .op = "Abs", .in_place = 1, .bind = bind_unary<Unary::kAbs>},
    {.kernel = "f32_neg", .op = "Neg", .in_place = 1, .bind = bind_unary<Unary::kNeg>},
    {.kernel = "f32_sqrt", .op = "Sqrt", .in_place = 1, .bind = bind_unary<Unary::kSqrt>},
    {.kernel = "f32_reciprocal", .op = "Reciprocal", .in_place = 1, .bind = bind_unary<Unary::kReciprocal>},
    {.kernel = "f32_exp", .op = "Exp", .in_place = 1, .bind = bind_unary<Unary::kExp>},
    {.kernel = "f32_log", .op = "Log", .in_place = 1, .bind = bind_unary<Unary::kLog>},
    {.kernel = "f32_erf", .op = "Erf", .in_place = 1, .bind = bind_unary<Unary::kErf>},
    {.kernel = "f32_sign", .op = "Sign", .in_place = 1, .bind = bind_unary<Unary::kSign>},
    {.kernel = "f32_floor", .op = "Floor", .in_place = 1, .bind = bind_unary<Unary::kFloor>},
    {.kernel = "f32_ceil", .op = "Ceil", .in_place = 1, .bind = bind_unary<Unary::kCeil>},
    {.kernel = "f32_round", .op = "Round", .in_place = 1, .bind = bind_unary<Unary::kRound>},
    {.kernel = "f32_sin", .op = "Sin", .in_place = 1, .bind = bind_unary<Unary::kSin>},
    {.kernel = "f32_cos", .op = "Cos", .in_place = 1, .bind = bind_unary<Unary::kCos>},
    {.kernel = "f32_clip", .op = "Clip", .in_place = 1, .bind = bind_clip},
    {.kernel = "f32_relu", .op = "Relu", .in_place = 1, .bind = bind_activation},
    {.kernel = "f32_leaky_relu", .op = "LeakyRelu", .in_place = 1, .bind = bind_activation},
    {.kernel = "f32_hard_sigmoid", .op = "HardSigmoid", .in_place = 1, .bind = bind_activation},
    {.kernel = "f32_hard_swish", .op = "HardSwish", .in_place = 1, .bind = bind_activation},
    {.kernel = "f32_sigmoid", .op = "Sigmoid", .in_place = 1, .bind = bind_activation},
    {.kernel = "f32_swish", .op = "Swish", .in_place = 1, .bind = bind_activation},
    {.kernel = "f32_tanh", .op = "Tanh", .in_place = 1, .bind = bind_activation},
    {.kernel = "f32_elu", .op = "Elu", .in_place = 1, .bind = bind_activation},
    {.kernel = "f32_selu", .op = "Selu", .in_place = 1, .bind = bind_activation},
    {.kernel = "f32_celu", .op = "Celu", .in_place = 1, .bind = bind_activation},
    {.kernel = "f32_gelu", .op = "Gelu", .in_place = 1, .bind = bind_activation},
    {.kernel = "f32_mish", .op = "Mish", .in_place = 1, .bind = bind_activation},
    {.kernel = "f32_softplus", .op = "Softplus", .in_place = 1, .bind = bind_activation},
    {.kernel = "f32_softsign", .op = "Softsign", .in_place = 1, .bind = bind_activation},
    {.kernel = "f32_thresholded_relu", .op = "ThresholdedRelu", .in_place = 1, .bind = bind_activation},
};

}  // namespace

extern const KernelTable kernels_unary = {kRows};

}  // namespace anyrt::cpu
#endif
