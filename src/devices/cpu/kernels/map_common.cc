#include "devices/cpu/kernels/map_common.h"

#include <cmath>
#include <iterator>
#include <string_view>
#include <vector>

#include "opdef/fused_activation.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/map_common.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "devices/cpu/kernels/math-inl.h"
#include "devices/cpu/kernels/vector_io-inl.h"

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {
namespace {

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// --- functions ---

#define ANYRT_MAP1(Name, expression)            \
  struct Name {                                 \
    static HWY_INLINE V f(D d, V x, V a, V b) { \
      (void)d, (void)a, (void)b;                \
      return expression;                        \
    }                                           \
  }
#define ANYRT_MAP2(Name, expression)       \
  struct Name {                            \
    static HWY_INLINE V f(D d, V x, V y) { \
      (void)d;                             \
      return expression;                   \
    }                                      \
  }

HWY_INLINE V truth(D d, hn::Mask<D> m) { return hn::IfThenElseZero(m, hn::Set(d, 1.0f)); }
HWY_INLINE hn::Mask<D> holds(D d, V x) { return hn::Ne(x, hn::Zero(d)); }

HWY_INLINE V sign(D d, V x) {
  const V y = hn::IfThenElse(hn::Eq(x, hn::Zero(d)), x, hn::CopySign(hn::Set(d, 1.0f), x));
  return hn::IfThenElse(hn::IsNaN(x), x, y);
}
HWY_INLINE V shrink(D d, V x, V bias, V lambd) {
  const V below = hn::IfThenElseZero(hn::Lt(x, hn::Neg(lambd)), hn::Add(x, bias));
  (void)d;
  return hn::IfThenElse(hn::Gt(x, lambd), hn::Sub(x, bias), below);
}
HWY_INLINE V is_infinite(D d, V x, V plus, V minus) {
  const V infinity = hn::Set(d, std::numeric_limits<float>::infinity());
  return hn::Add(hn::IfThenElseZero(hn::Eq(x, infinity), plus),
                 hn::IfThenElseZero(hn::Eq(x, hn::Neg(infinity)), minus));
}
// NaN on either side is the result, as numpy has it.
HWY_INLINE V larger(V x, V y) { return hn::IfThenElse(hn::Or(hn::Gt(x, y), hn::IsNaN(x)), x, y); }
HWY_INLINE V smaller(V x, V y) { return hn::IfThenElse(hn::Or(hn::Lt(x, y), hn::IsNaN(x)), x, y); }

HWY_INLINE V floor_of(D d, V x) {
#if HWY_TARGET == HWY_SCALAR
  return hn::IfThenElse(hn::Eq(x, hn::Zero(d)), x, hn::Floor(x));  // the sign of a zero stays
#else
  (void)d;
  return hn::Floor(x);
#endif
}

float mod(float x, float y) {
  const float r = std::fmod(x, y);
  return r != 0 && (r < 0) != (y < 0) ? r + y : r;
}

ANYRT_MAP1(Identity, x);
ANYRT_MAP1(Abs, hn::Abs(x));
ANYRT_MAP1(Neg, hn::Neg(x));
ANYRT_MAP1(Sqrt, hn::Sqrt(x));
ANYRT_MAP1(Reciprocal, hn::Div(hn::Set(d, 1.0f), x));
ANYRT_MAP1(Square, hn::Mul(x, x));
ANYRT_MAP1(Quotient, hn::Div(x, a));
ANYRT_MAP1(Exp, v_exp(d, x));
ANYRT_MAP1(Log, v_log(d, x));
ANYRT_MAP1(Erf, v_erf(d, x));
ANYRT_MAP1(Sign, sign(d, x));
ANYRT_MAP1(Floor, floor_of(d, x));
ANYRT_MAP1(Ceil, hn::Ceil(x));
ANYRT_MAP1(Round, hn::Round(x));
ANYRT_MAP1(Sin, v_sin(d, x));
ANYRT_MAP1(Cos, v_cos(d, x));
ANYRT_MAP1(Tan, v_tan(d, x));
ANYRT_MAP1(Asin, v_asin(d, x));
ANYRT_MAP1(Acos, v_acos(d, x));
ANYRT_MAP1(Atan, v_atan(d, x));
ANYRT_MAP1(Sinh, v_sinh(d, x));
ANYRT_MAP1(Cosh, v_cosh(d, x));
ANYRT_MAP1(Asinh, v_asinh(d, x));
ANYRT_MAP1(Acosh, v_acosh(d, x));
ANYRT_MAP1(Atanh, v_atanh(d, x));
ANYRT_MAP1(Shrink, shrink(d, x, a, b));
ANYRT_MAP1(Not, truth(d, hn::Eq(x, hn::Zero(d))));
ANYRT_MAP1(Truth, truth(d, holds(d, x)));
ANYRT_MAP1(IsNaN, truth(d, hn::IsNaN(x)));
ANYRT_MAP1(IsInf, is_infinite(d, x, a, b));
template <Activation kKind>
ANYRT_MAP1(Act, v_activate<kKind>(d, x, a, b));

ANYRT_MAP2(Add, hn::Add(x, y));
ANYRT_MAP2(Sub, hn::Sub(x, y));
ANYRT_MAP2(Mul, hn::Mul(x, y));
ANYRT_MAP2(Div, hn::Div(x, y));
ANYRT_MAP2(Max, larger(x, y));
ANYRT_MAP2(Min, smaller(x, y));
ANYRT_MAP2(Pow, v_pow(d, x, y));
ANYRT_MAP2(Mod, v_lanewise(d, x, y, mod));
ANYRT_MAP2(Fmod, v_lanewise(d, x, y, [](float u, float v) { return std::fmod(u, v); }));
ANYRT_MAP2(PRelu, hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Mul(x, y), x));
ANYRT_MAP2(Less, truth(d, hn::Lt(x, y)));
ANYRT_MAP2(LessOrEqual, truth(d, hn::Le(x, y)));
ANYRT_MAP2(Greater, truth(d, hn::Gt(x, y)));
ANYRT_MAP2(GreaterOrEqual, truth(d, hn::Ge(x, y)));
ANYRT_MAP2(Equal, truth(d, hn::Eq(x, y)));
ANYRT_MAP2(And, truth(d, hn::And(holds(d, x), holds(d, y))));
ANYRT_MAP2(Or, truth(d, hn::Or(holds(d, x), holds(d, y))));
ANYRT_MAP2(Xor, truth(d, hn::Xor(holds(d, x), holds(d, y))));

struct Where {
  static HWY_INLINE V f(D d, V x, V y, V z) { return hn::IfThenElse(holds(d, x), y, z); }
};
struct Limit {
  static HWY_INLINE V f(D, V x, V low, V high) {
    const V raised = hn::IfThenElse(hn::Lt(x, low), low, x);
    return hn::IfThenElse(hn::Gt(raised, high), high, raised);
  }
};

// --- loops ---

// each(i) for whole vectors of a row of n, last(i, count) for the rest.
template <class Each, class Last>
HWY_INLINE void along(int64_t n, const Each& each, const Last& last) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(D()));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) each(i);
  if (i < n) last(i, static_cast<size_t>(n - i));
}

template <class F>
void map1(const MapBlock& m) {
  const D d;
  const V a = hn::Set(d, m.a), b = hn::Set(d, m.b);
  const float* x = m.in[0];
  float* out = m.out;
  along(
      m.n, [&](int64_t i) V_LAMBDA { hn::StoreU(F::f(d, hn::LoadU(d, x + i), a, b), d, out + i); },
      [&](int64_t i, size_t count)
          V_LAMBDA { v_store_part(F::f(d, v_load_part(d, x + i, count), a, b), d, out + i, count); });
}

template <class F, bool kStepX, bool kStepY>
HWY_INLINE void map2_rows(const MapBlock& m) {
  const D d;
  const float *x = m.in[0], *y = m.in[1];
  float* out = m.out;
  for (int64_t r = 0; r < m.rows; ++r, x += m.row[0], y += m.row[1], out += m.out_row) {
    const V fixed_x = hn::Set(d, *x), fixed_y = hn::Set(d, *y);
    along(
        m.n,
        [&](int64_t i) V_LAMBDA {
          const V u = kStepX ? hn::LoadU(d, x + i) : fixed_x, v = kStepY ? hn::LoadU(d, y + i) : fixed_y;
          hn::StoreU(F::f(d, u, v), d, out + i);
        },
        [&](int64_t i, size_t count) V_LAMBDA {
          const V u = kStepX ? v_load_part(d, x + i, count) : fixed_x;
          const V v = kStepY ? v_load_part(d, y + i, count) : fixed_y;
          v_store_part(F::f(d, u, v), d, out + i, count);
        });
  }
}

// Rows of `kVectors` whole vectors whose second operand is the same in all of them: channels of blocked values.
template <class F, int kVectors>
HWY_INLINE void map2_same(const MapBlock& m) {
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const float* x = m.in[0];
  float* out = m.out;
  const V y0 = hn::LoadU(d, m.in[1]), y1 = hn::LoadU(d, m.in[1] + (kVectors > 1 ? lanes : 0));
  for (int64_t r = 0; r < m.rows; ++r, x += m.row[0], out += m.out_row) {
    hn::StoreU(F::f(d, hn::LoadU(d, x), y0), d, out);
    if (kVectors > 1) hn::StoreU(F::f(d, hn::LoadU(d, x + lanes), y1), d, out + lanes);
  }
}

template <class F>
void map2(const MapBlock& m) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(D()));
  if (m.step[0] == m.step[1]) {  // neither steps: there is one element
    if (m.rows > 1 && m.row[1] == 0) {
      if (m.n == lanes) return map2_same<F, 1>(m);
      if (m.n == 2 * lanes) return map2_same<F, 2>(m);
    }
    return map2_rows<F, true, true>(m);
  }
  return m.step[0] ? map2_rows<F, true, false>(m) : map2_rows<F, false, true>(m);
}

// What takes long, with one loop for all forms.
template <class F>
void map2_long(const MapBlock& m) {
  const D d;
  const float *x = m.in[0], *y = m.in[1];
  float* out = m.out;
  const auto load = [d](const float* p, int64_t step, int64_t i, int64_t count) V_LAMBDA {
    if (!step) return hn::Set(d, *p);
    return count == static_cast<int64_t>(hn::Lanes(d)) ? hn::LoadU(d, p + i)
                                                       : v_load_part(d, p + i, static_cast<size_t>(count));
  };
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const bool one = m.n == 1;
  for (int64_t r = 0; r < m.rows; ++r, x += m.row[0], y += m.row[1], out += m.out_row) {
    for (int64_t i = 0; i < m.n; i += lanes) {
      const int64_t count = std::min(lanes, m.n - i);
      const V v = F::f(d, load(x, one || m.step[0], i, count), load(y, one || m.step[1], i, count));
      if (count == lanes) {
        hn::StoreU(v, d, out + i);
      } else {
        v_store_part(v, d, out + i, static_cast<size_t>(count));
      }
    }
  }
}

template <class F>
void map3(const MapBlock& m) {
  const D d;
  const float *x = m.in[0], *y = m.in[1], *z = m.in[2];
  float* out = m.out;
  const int64_t sx = m.step[0], sy = m.step[1], sz = m.step[2];
  for (int64_t r = 0; r < m.rows; ++r, x += m.row[0], y += m.row[1], z += m.row[2], out += m.out_row) {
    const V fx = hn::Set(d, *x), fy = hn::Set(d, *y), fz = hn::Set(d, *z);
    along(
        m.n,
        [&](int64_t i) V_LAMBDA {
          const V u = sx ? hn::LoadU(d, x + i) : fx, v = sy ? hn::LoadU(d, y + i) : fy;
          hn::StoreU(F::f(d, u, v, sz ? hn::LoadU(d, z + i) : fz), d, out + i);
        },
        [&](int64_t i, size_t count) V_LAMBDA {
          const V u = sx ? v_load_part(d, x + i, count) : fx, v = sy ? v_load_part(d, y + i, count) : fy;
          v_store_part(F::f(d, u, v, sz ? v_load_part(d, z + i, count) : fz), d, out + i, count);
        });
  }
}

MapFn function_of(Map op) {
  switch (op) {
    case Map::kIdentity: return map1<Identity>;
    case Map::kAbs: return map1<Abs>;
    case Map::kNeg: return map1<Neg>;
    case Map::kSqrt: return map1<Sqrt>;
    case Map::kReciprocal: return map1<Reciprocal>;
    case Map::kSquare: return map1<Square>;
    case Map::kQuotient: return map1<Quotient>;
    case Map::kExp: return map1<Exp>;
    case Map::kLog: return map1<Log>;
    case Map::kErf: return map1<Erf>;
    case Map::kSign: return map1<Sign>;
    case Map::kFloor: return map1<Floor>;
    case Map::kCeil: return map1<Ceil>;
    case Map::kRound: return map1<Round>;
    case Map::kSin: return map1<Sin>;
    case Map::kCos: return map1<Cos>;
    case Map::kTan: return map1<Tan>;
    case Map::kAsin: return map1<Asin>;
    case Map::kAcos: return map1<Acos>;
    case Map::kAtan: return map1<Atan>;
    case Map::kSinh: return map1<Sinh>;
    case Map::kCosh: return map1<Cosh>;
    case Map::kAsinh: return map1<Asinh>;
    case Map::kAcosh: return map1<Acosh>;
    case Map::kAtanh: return map1<Atanh>;
    case Map::kShrink: return map1<Shrink>;
    case Map::kNot: return map1<Not>;
    case Map::kTruth: return map1<Truth>;
    case Map::kIsNaN: return map1<IsNaN>;
    case Map::kIsInf: return map1<IsInf>;
    case Map::kRelu: return map1<Act<Activation::kRelu>>;
    case Map::kClip: return map1<Act<Activation::kClip>>;
    case Map::kLeakyRelu: return map1<Act<Activation::kLeakyRelu>>;
    case Map::kHardSigmoid: return map1<Act<Activation::kHardSigmoid>>;
    case Map::kHardSwish: return map1<Act<Activation::kHardSwish>>;
    case Map::kSigmoid: return map1<Act<Activation::kSigmoid>>;
    case Map::kSwish: return map1<Act<Activation::kSwish>>;
    case Map::kTanh: return map1<Act<Activation::kTanh>>;
    case Map::kElu: return map1<Act<Activation::kElu>>;
    case Map::kSelu: return map1<Act<Activation::kSelu>>;
    case Map::kCelu: return map1<Act<Activation::kCelu>>;
    case Map::kGelu: return map1<Act<Activation::kGelu>>;
    case Map::kGeluTanh: return map1<Act<Activation::kGeluTanh>>;
    case Map::kMish: return map1<Act<Activation::kMish>>;
    case Map::kSoftplus: return map1<Act<Activation::kSoftplus>>;
    case Map::kSoftsign: return map1<Act<Activation::kSoftsign>>;
    case Map::kThresholdedRelu: return map1<Act<Activation::kThresholdedRelu>>;
    case Map::kAdd: return map2<Add>;
    case Map::kSub: return map2<Sub>;
    case Map::kMul: return map2<Mul>;
    case Map::kDiv: return map2<Div>;
    case Map::kMax: return map2<Max>;
    case Map::kMin: return map2<Min>;
    case Map::kPow: return map2_long<Pow>;
    case Map::kMod: return map2_long<Mod>;
    case Map::kFmod: return map2_long<Fmod>;
    case Map::kPRelu: return map2<PRelu>;
    case Map::kLess: return map2<Less>;
    case Map::kLessOrEqual: return map2<LessOrEqual>;
    case Map::kGreater: return map2<Greater>;
    case Map::kGreaterOrEqual: return map2<GreaterOrEqual>;
    case Map::kEqual: return map2<Equal>;
    case Map::kAnd: return map2<And>;
    case Map::kOr: return map2<Or>;
    case Map::kXor: return map2<Xor>;
    case Map::kWhere: return map3<Where>;
    case Map::kLimit: return map3<Limit>;
  }
  return nullptr;
}

}  // namespace
}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anyrt::cpu {
namespace {

HWY_EXPORT(function_of);

struct Named {
  std::string_view op;
  Map map;
};

constexpr Named kNamed[] = {
    {"Identity", Map::kIdentity}, {"Abs", Map::kAbs},     {"Neg", Map::kNeg},
    {"Sqrt", Map::kSqrt},         {"Exp", Map::kExp},     {"Log", Map::kLog},
    {"Erf", Map::kErf},           {"Sign", Map::kSign},   {"Reciprocal", Map::kReciprocal},
    {"Floor", Map::kFloor},       {"Ceil", Map::kCeil},   {"Round", Map::kRound},
    {"Sin", Map::kSin},           {"Cos", Map::kCos},     {"Tan", Map::kTan},
    {"Asin", Map::kAsin},         {"Acos", Map::kAcos},   {"Atan", Map::kAtan},
    {"Sinh", Map::kSinh},         {"Cosh", Map::kCosh},   {"Asinh", Map::kAsinh},
    {"Acosh", Map::kAcosh},       {"Atanh", Map::kAtanh}, {"Not", Map::kNot},
    {"IsNaN", Map::kIsNaN},       {"Add", Map::kAdd},     {"Sub", Map::kSub},
    {"Mul", Map::kMul},           {"Div", Map::kDiv},     {"Pow", Map::kPow},
    {"PRelu", Map::kPRelu},       {"Less", Map::kLess},   {"LessOrEqual", Map::kLessOrEqual},
    {"Greater", Map::kGreater},   {"Equal", Map::kEqual}, {"GreaterOrEqual", Map::kGreaterOrEqual},
    {"And", Map::kAnd},           {"Or", Map::kOr},       {"Xor", Map::kXor},
    {"Where", Map::kWhere},
};

Map map_of_activation(Activation kind) {
  static_assert(static_cast<int>(Map::kThresholdedRelu) - static_cast<int>(Map::kRelu) ==
                static_cast<int>(Activation::kThresholdedRelu) - static_cast<int>(Activation::kRelu));
  return static_cast<Map>(static_cast<int>(Map::kRelu) + static_cast<int>(kind) - static_cast<int>(Activation::kRelu));
}

}  // namespace

MapFn map_function(Map op) { return HWY_DYNAMIC_DISPATCH(function_of)(op); }

bool map_is_truth(Map op) { return (op >= Map::kNot && op <= Map::kIsInf) || (op >= Map::kLess && op <= Map::kXor); }

int map_cost(Map op) {
  switch (op) {
    case Map::kSqrt:
    case Map::kReciprocal:
    case Map::kQuotient:
    case Map::kDiv:
    case Map::kSoftsign: return 3;
    case Map::kExp:
    case Map::kLog:
    case Map::kErf:
    case Map::kSin:
    case Map::kCos:
    case Map::kTan:
    case Map::kAsin:
    case Map::kAcos:
    case Map::kAtan:
    case Map::kSinh:
    case Map::kCosh:
    case Map::kAsinh:
    case Map::kAcosh:
    case Map::kAtanh:
    case Map::kSigmoid:
    case Map::kSwish:
    case Map::kTanh:
    case Map::kElu:
    case Map::kSelu:
    case Map::kCelu:
    case Map::kGelu:
    case Map::kGeluTanh:
    case Map::kMish:
    case Map::kSoftplus: return 8;
    case Map::kPow: return 30;
    case Map::kMod:
    case Map::kFmod: return 100;
    default: return 1;
  }
}

std::optional<MapCall> map_call(const AttrReader& c) {
  const std::string_view op = c.node().op;
  if (!c.node().domain.empty()) return std::nullopt;
  for (const Named& n : kNamed) {
    if (n.op == op) return MapCall{n.map};
  }
  if (op == "Clip") return std::nullopt;
  if (op == "Mod") return MapCall{c.i("fmod") != 0 ? Map::kFmod : Map::kMod};
  if (op == "Shrink") return MapCall{Map::kShrink, c.f("bias"), c.f("lambd")};
  if (op == "IsInf") {
    return MapCall{Map::kIsInf, c.i("detect_positive") != 0 ? 1.0f : 0.0f, c.i("detect_negative") != 0 ? 1.0f : 0.0f};
  }
  std::vector<float> params;
  for (const char* name : {"alpha", "beta", "gamma"}) {
    if (c.has_attr(name)) params.push_back(c.f(name));
  }
  const bool tanh_gelu = op == "Gelu" && c.s("approximate") == "tanh";
  const auto activation = parse_activation(tanh_gelu ? "GeluTanh" : op, params);
  if (!activation.ok() || activation->kind == Activation::kNone) return std::nullopt;
  return MapCall{map_of_activation(activation->kind), activation->a, activation->b};
}

}  // namespace anyrt::cpu
#endif
