#include "devices/cpu/kernel.h"
#include "devices/cpu/kernels/broadcast_common.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/binary.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
using Block = BroadcastLoops<2>::Block;

template <bool kStepA, bool kStepB, class F>
HWY_INLINE void rows(const Block& block, const float* a, const float* b, float* y, const F& f) {
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), whole = block.n / lanes * lanes;
  const auto load = [d](const float* p, int64_t i, bool step)
                        HWY_ATTR { return step ? hn::LoadU(d, p + i) : hn::Set(d, *p); };
  for (int64_t r = 0; r < block.rows; ++r, a += block.row[0], b += block.row[1], y += block.out_row) {
    for (int64_t i = 0; i < whole; i += lanes) hn::StoreU(f(load(a, i, kStepA), load(b, i, kStepB)), d, y + i);
    if (whole == block.n) continue;
    HWY_ALIGN float rest_a[hn::MaxLanes(D())] = {}, rest_b[hn::MaxLanes(D())] = {};
    for (int64_t k = whole; k < block.n; ++k) {
      rest_a[k - whole] = a[kStepA ? k : 0];
      rest_b[k - whole] = b[kStepB ? k : 0];
    }
    hn::Store(f(hn::Load(d, rest_a), hn::Load(d, rest_b)), d, rest_a);
    for (int64_t k = whole; k < block.n; ++k) y[k] = rest_a[k - whole];
  }
}

template <class F>
HWY_INLINE void binary(const Block& block, const float* a, const float* b, float* y, const F& f) {
  if (block.step[0] && block.step[1]) return rows<true, true>(block, a, b, y, f);
  if (block.step[0]) return rows<true, false>(block, a, b, y, f);
  if (block.step[1]) return rows<false, true>(block, a, b, y, f);
  return rows<false, false>(block, a, b, y, f);
}

void add(const Block& l, const float* a, const float* b, float* y) {
  binary(l, a, b, y, [](V u, V v) HWY_ATTR { return hn::Add(u, v); });
}
void sub(const Block& l, const float* a, const float* b, float* y) {
  binary(l, a, b, y, [](V u, V v) HWY_ATTR { return hn::Sub(u, v); });
}
void mul(const Block& l, const float* a, const float* b, float* y) {
  binary(l, a, b, y, [](V u, V v) HWY_ATTR { return hn::Mul(u, v); });
}
void div(const Block& l, const float* a, const float* b, float* y) {
  binary(l, a, b, y, [](V u, V v) HWY_ATTR { return hn::Div(u, v); });
}
// NaN in either operand is the result, as numpy has it.
void max(const Block& l, const float* a, const float* b, float* y) {
  binary(l, a, b, y, [](V u, V v) HWY_ATTR { return hn::IfThenElse(hn::Or(hn::Gt(u, v), hn::IsNaN(u)), u, v); });
}
void min(const Block& l, const float* a, const float* b, float* y) {
  binary(l, a, b, y, [](V u, V v) HWY_ATTR { return hn::IfThenElse(hn::Or(hn::Lt(u, v), hn::IsNaN(u)), u, v); });
}
void prelu(const Block& l, const float* a, const float* b, float* y) {
  const D d;
  binary(l, a, b, y, [d](V u, V v) HWY_ATTR { return hn::IfThenElse(hn::Lt(u, hn::Zero(d)), hn::Mul(u, v), u); });
}

}  // namespace
}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anyrt::cpu {
namespace {

HWY_EXPORT(add);
HWY_EXPORT(sub);
HWY_EXPORT(mul);
HWY_EXPORT(div);
HWY_EXPORT(max);
HWY_EXPORT(min);
HWY_EXPORT(prelu);

using Bound = Expected<std::unique_ptr<BoundStep>>;
using State = std::shared_ptr<const void>;
using Loops = BroadcastLoops<2>;
using BlockFn = void (*)(const Loops::Block&, const float*, const float*, float*);

constexpr int64_t kGrain = 1 << 15;

Bound bind_f32(const BindQuery& q, BlockFn f) {
  if (q.num_inputs() != 2) return not_implemented("{} operands", q.num_inputs());
  Loops loops(q.output(0).dims, {&q.input(0).dims, &q.input(1).dims});
  return bound_step([loops = std::move(loops), f](const StepArgs& args) {
    const float *a = args.input<float>(0), *b = args.input<float>(1);
    float* y = args.output<float>(0);
    loops.run(kGrain, args.threads, [&](const Loops::Block& block, const Loops::Offsets& at, int64_t out) {
      f(block, a + at[0], b + at[1], y + out);
    });
    return Status();
  });
}

Bound bind_add(const BindQuery& q, const State&) { return bind_f32(q, HWY_DYNAMIC_DISPATCH(add)); }
Bound bind_sub(const BindQuery& q, const State&) { return bind_f32(q, HWY_DYNAMIC_DISPATCH(sub)); }
Bound bind_mul(const BindQuery& q, const State&) { return bind_f32(q, HWY_DYNAMIC_DISPATCH(mul)); }
Bound bind_div(const BindQuery& q, const State&) { return bind_f32(q, HWY_DYNAMIC_DISPATCH(div)); }
Bound bind_max(const BindQuery& q, const State&) { return bind_f32(q, HWY_DYNAMIC_DISPATCH(max)); }
Bound bind_min(const BindQuery& q, const State&) { return bind_f32(q, HWY_DYNAMIC_DISPATCH(min)); }
Bound bind_prelu(const BindQuery& q, const State&) { return bind_f32(q, HWY_DYNAMIC_DISPATCH(prelu)); }

// Everything else, one element at a time as the compiler makes of it: `f` of two T gives an R.
template <class T, class R, class F>
Bound bind_plain(const BindQuery& q, F f) {
  if (q.num_inputs() != 2) return not_implemented("{} operands", q.num_inputs());
  Loops loops(q.output(0).dims, {&q.input(0).dims, &q.input(1).dims});
  return bound_step([loops = std::move(loops), f](const StepArgs& args) {
    const T *a = args.input<T>(0), *b = args.input<T>(1);
    R* y = args.output<R>(0);
    loops.run(kGrain, args.threads, [&](const Loops::Block& block, const Loops::Offsets& at, int64_t out) {
      const T *pa = a + at[0], *pb = b + at[1];
      R* py = y + out;
      for (int64_t r = 0; r < block.rows; ++r, pa += block.row[0], pb += block.row[1], py += block.out_row) {
        for (int64_t i = 0; i < block.n; ++i) py[i] = f(pa[i * block.step[0]], pb[i * block.step[1]]);
      }
    });
    return Status();
  });
}

// Signed numbers wrap, as they do in numpy.
template <class T>
struct Wrapping {
  static auto wide(T v) {
    if constexpr (std::is_integral_v<T>) {
      return static_cast<std::make_unsigned_t<T>>(v);
    } else {
      return v;
    }
  }
};

enum class Arithmetic : uint8_t { kAdd, kSub, kMul };

template <class T>
Bound bind_arithmetic_of(const BindQuery& q, Arithmetic op) {
  using W = Wrapping<T>;
  switch (op) {
    case Arithmetic::kAdd: return bind_plain<T, T>(q, [](T a, T b) { return static_cast<T>(W::wide(a) + W::wide(b)); });
    case Arithmetic::kSub: return bind_plain<T, T>(q, [](T a, T b) { return static_cast<T>(W::wide(a) - W::wide(b)); });
    case Arithmetic::kMul: break;
  }
  return bind_plain<T, T>(q, [](T a, T b) { return static_cast<T>(W::wide(a) * W::wide(b)); });
}

template <Arithmetic kOp>
Bound bind_arithmetic(const BindQuery& q, const State&) {
  switch (q.input(0).dtype) {
    case DType::kFloat64: return bind_arithmetic_of<double>(q, kOp);
    case DType::kInt32: return bind_arithmetic_of<int32_t>(q, kOp);
    case DType::kInt64: return bind_arithmetic_of<int64_t>(q, kOp);
    default: return not_implemented("element type");
  }
}

enum class Compare : uint8_t { kLess, kLessOrEqual, kGreater, kGreaterOrEqual, kEqual };

template <class T>
Bound bind_compare_of(const BindQuery& q, Compare op) {
  switch (op) {
    case Compare::kLess: return bind_plain<T, uint8_t>(q, [](T a, T b) { return static_cast<uint8_t>(a < b); });
    case Compare::kLessOrEqual: return bind_plain<T, uint8_t>(q, [](T a, T b) { return static_cast<uint8_t>(a <= b); });
    case Compare::kGreater: return bind_plain<T, uint8_t>(q, [](T a, T b) { return static_cast<uint8_t>(a > b); });
    case Compare::kGreaterOrEqual:
      return bind_plain<T, uint8_t>(q, [](T a, T b) { return static_cast<uint8_t>(a >= b); });
    case Compare::kEqual: break;
  }
  return bind_plain<T, uint8_t>(q, [](T a, T b) { return static_cast<uint8_t>(a == b); });
}

template <Compare kOp>
Bound bind_compare(const BindQuery& q, const State&) {
  switch (q.input(0).dtype) {
    case DType::kFloat32: return bind_compare_of<float>(q, kOp);
    case DType::kFloat64: return bind_compare_of<double>(q, kOp);
    case DType::kInt32: return bind_compare_of<int32_t>(q, kOp);
    case DType::kInt64: return bind_compare_of<int64_t>(q, kOp);
    default: return not_implemented("element type");
  }
}

enum class Logic : uint8_t { kAnd, kOr, kXor };

template <Logic kOp>
Bound bind_logic(const BindQuery& q, const State&) {
  return bind_plain<uint8_t, uint8_t>(q, [](uint8_t a, uint8_t b) {
    const int v = kOp == Logic::kAnd ? a & b : kOp == Logic::kOr ? a | b : a ^ b;
    return static_cast<uint8_t>(v);
  });
}

constexpr DTypeSet kOthers = DTypeSet(DType::kFloat64) | DType::kInt32 | DType::kInt64;
constexpr DTypeSet kCompared = kOthers | DType::kFloat32;

constexpr KernelRow kRows[] = {
    {.kernel = "f32_add", .op = "Add", .in_place = 3, .bind = bind_add},
    {.kernel = "f32_sub", .op = "Sub", .in_place = 3, .bind = bind_sub},
    {.kernel = "f32_mul", .op = "Mul", .in_place = 3, .bind = bind_mul},
    {.kernel = "f32_div", .op = "Div", .in_place = 3, .bind = bind_div},
    {.kernel = "f32_max", .op = "Max", .in_place = 3, .bind = bind_max},
    {.kernel = "f32_min", .op = "Min", .in_place = 3, .bind = bind_min},
    {.kernel = "f32_prelu", .op = "PRelu", .in_place = 1, .bind = bind_prelu},
    {.kernel = "add", .op = "Add", .dtypes = kOthers, .in_place = 3, .bind = bind_arithmetic<Arithmetic::kAdd>},
    {.kernel = "sub", .op = "Sub", .dtypes = kOthers, .in_place = 3, .bind = bind_arithmetic<Arithmetic::kSub>},
    {.kernel = "mul", .op = "Mul", .dtypes = kOthers, .in_place = 3, .bind = bind_arithmetic<Arithmetic::kMul>},
    {.kernel = "less", .op = "Less", .dtypes = kCompared, .bind = bind_compare<Compare::kLess>},
    {.kernel = "less_or_equal", .op = "LessOrEqual", .dtypes = kCompared, .bind = bind_compare<Compare::kLessOrEqual>},
    {.kernel = "greater", .op = "Greater", .dtypes = kCompared, .bind = bind_compare<Compare::kGreater>},
    {.kernel = "greater_or_equal",
     .op = "GreaterOrEqual",
     .dtypes = kCompared,
     .bind = bind_compare<Compare::kGreaterOrEqual>},
    {.kernel = "equal", .op = "Equal", .dtypes = kCompared, .bind = bind_compare<Compare::kEqual>},
    {.kernel = "and", .op = "And", .dtypes = DType::kBool, .bind = bind_logic<Logic::kAnd>},
    {.kernel = "or", .op = "Or", .dtypes = DType::kBool, .bind = bind_logic<Logic::kOr>},
    {.kernel = "xor", .op = "Xor", .dtypes = DType::kBool, .bind = bind_logic<Logic::kXor>},
};

}  // namespace

extern const KernelTable kernels_binary = {kRows};

}  // namespace anyrt::cpu
#endif
