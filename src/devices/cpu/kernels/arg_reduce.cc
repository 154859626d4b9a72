#include <algorithm>

#include "base/threads.h"
#include "devices/cpu/kernel.h"
#include "opdef/shape_util.h"

// This file is compiled once for each instruction set.
#ifndef ANYRT_CPU_ARG_REDUCE_SHAPE_
#define ANYRT_CPU_ARG_REDUCE_SHAPE_
namespace anyrt::cpu {
namespace {

// Entries k lie `inner` elements apart.
struct ArgShape {
  int64_t outer = 0, n = 0, inner = 0;
  bool lowest = false, last = false;  // ArgMin; the last of equal ones
};

}  // namespace
}  // namespace anyrt::cpu
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/arg_reduce.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "devices/cpu/kernels/activation-inl.h"
#include "devices/cpu/kernels/row-inl.h"

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {
namespace {

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// Where the extreme element of a row stands. NaN loses, but for one at the beginning, which nothing beats.
template <bool kLowest>
int64_t arg_row(const float* x, int64_t n, bool want_last) {
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  if (x[0] != x[0]) return 0;
  // The best so far is never NaN.
  const auto better = [d](V best, V v) V_LAMBDA { return kLowest ? v_at_most(d, best, v) : v_at_least(d, best, v); };
  V b0 = hn::Set(d, x[0]), b1 = b0, b2 = b0, b3 = b0;
  int64_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    b0 = better(b0, hn::LoadU(d, x + i));
    b1 = better(b1, hn::LoadU(d, x + i + lanes));
    b2 = better(b2, hn::LoadU(d, x + i + 2 * lanes));
    b3 = better(b3, hn::LoadU(d, x + i + 3 * lanes));
  }
  for (; i + lanes <= n; i += lanes) b0 = better(b0, hn::LoadU(d, x + i));
  const V b = better(better(b0, b1), better(b2, b3));
  // Not by MinOfLanes and MaxOfLanes, which do not give infinities on every target.
  HWY_ALIGN float lane[hn::MaxLanes(D())];
  hn::Store(b, d, lane);
  float best = lane[0];
  for (int64_t k = 1; k < lanes; ++k) best = (kLowest ? lane[k] < best : lane[k] > best) ? lane[k] : best;
  for (; i < n; ++i) best = (kLowest ? x[i] < best : x[i] > best) ? x[i] : best;
  if (want_last) {
    while (x[--n] != best) {
    }
    return n;
  }
  const V wanted = hn::Set(d, best);
  for (i = 0; i + lanes <= n; i += lanes) {
    const intptr_t at = hn::FindFirstTrue(d, hn::Eq(hn::LoadU(d, x + i), wanted));
    if (at >= 0) return i + at;
  }
  while (x[i] != best) ++i;
  return i;
}

template <bool kLowest>
HWY_INLINE void arg_column(const float* x, int64_t* y, int64_t n, int64_t inner, int64_t count, bool want_last) {
  const D d;
  const hn::RebindToSigned<D> di;
  V best = v_load_some(d, x, count);
  auto at = hn::Zero(di);
  for (int64_t k = 1; k < n; ++k) {
    const V v = v_load_some(d, x + k * inner, count);
    auto wins = kLowest ? hn::Lt(v, best) : hn::Gt(v, best);
    if (want_last) wins = hn::Or(wins, hn::Eq(v, best));
    best = hn::IfThenElse(wins, v, best);
    at = hn::IfThenElse(hn::RebindMask(di, wins), hn::Set(di, static_cast<int32_t>(k)), at);
  }
  HWY_ALIGN int32_t lanes[hn::MaxLanes(D())];
  hn::Store(at, di, lanes);
  for (int64_t i = 0; i < count; ++i) y[i] = lanes[i];
}

// Parts [begin, end) of outer * blocks, where a block is `width` columns.
template <bool kLowest>
HWY_INLINE void arg_parts(const ArgShape& s, const float* x, int64_t* y, int64_t width, int64_t begin, int64_t end) {
  if (s.inner == 1) {
    for (int64_t r = begin; r < end; ++r) y[r] = arg_row<kLowest>(x + r * s.n, s.n, s.last);
    return;
  }
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(D())), blocks = (s.inner + width - 1) / width;
  for (int64_t p = begin; p < end; ++p) {
    const int64_t o = p / blocks, last = std::min(s.inner, (p % blocks + 1) * width);
    for (int64_t i = p % blocks * width; i < last; i += lanes) {
      arg_column<kLowest>(x + o * s.n * s.inner + i, y + o * s.inner + i, s.n, s.inner, std::min(lanes, last - i),
                          s.last);
    }
  }
}

void arg_reduce(const ArgShape& s, const float* x, int64_t* y, int64_t width, int64_t begin, int64_t end) {
  if (s.lowest) {
    arg_parts<true>(s, x, y, width, begin, end);
  } else {
    arg_parts<false>(s, x, y, width, begin, end);
  }
}

}  // namespace
}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anyrt::cpu {
namespace {

HWY_EXPORT(arg_reduce);

constexpr int64_t kGrain = 1 << 15;
constexpr int64_t kWidth = 64;

using Bound = Expected<std::unique_ptr<BoundStep>>;

// f(begin, end) over `parts` parts.
template <class F>
Status run_parts(int64_t parts, int64_t grain, int threads, const F& f) {
  if (parts <= grain) {
    if (parts > 0) f(0, parts);
  } else {
    parallel_for(parts, grain, f, threads);
  }
  return {};
}

template <class T>
Bound bind_plain(const ArgShape& s) {
  using C = std::conditional_t<std::is_arithmetic_v<T>, T, float>;
  const int64_t grain = std::max<int64_t>(1, kGrain / std::max<int64_t>(1, s.n * s.inner));
  return bound_step([s, grain](const StepArgs& args) {
    return run_parts(s.outer, grain, args.threads, [&](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; ++o) {
        const T* x = args.input<T>(0) + o * s.n * s.inner;
        int64_t* y = args.output<int64_t>(0) + o * s.inner;
        for (int64_t i = 0; i < s.inner; ++i) {
          C best = static_cast<C>(x[i]);
          int64_t at = 0;
          for (int64_t k = 1; k < s.n; ++k) {
            const C v = static_cast<C>(x[k * s.inner + i]);
            if ((s.lowest ? v < best : v > best) || (s.last && v == best)) {
              best = v;
              at = k;
            }
          }
          y[i] = at;
        }
      }
    });
  });
}

template <bool kLowest>
Bound bind(const BindQuery& q, const std::shared_ptr<const void>&) {
  const BoundTensor& x = q.input(0);
  ANYRT_ASSIGN(const int64_t axis, normalize_axis(q.i("axis"), x.rank()));
  const ArgShape s = {product(x.dims, 0, axis), x.dims[static_cast<size_t>(axis)], product(x.dims, axis + 1, x.rank()),
                      kLowest, q.i("select_last_index") != 0};
  if (s.n == 0 && s.outer * s.inner > 0) return invalid_argument("axis {} has no elements", axis);
  if (s.n > INT32_MAX) return not_implemented("more elements than an int32 counts");
  switch (x.dtype) {
    case DType::kFloat32: break;
    case DType::kFloat64: return bind_plain<double>(s);
    case DType::kFloat16: return bind_plain<Float16>(s);
    case DType::kBFloat16: return bind_plain<BFloat16>(s);
    case DType::kInt8: return bind_plain<int8_t>(s);
    case DType::kInt16: return bind_plain<int16_t>(s);
    case DType::kInt32: return bind_plain<int32_t>(s);
    case DType::kInt64: return bind_plain<int64_t>(s);
    case DType::kUInt8: return bind_plain<uint8_t>(s);
    case DType::kUInt16: return bind_plain<uint16_t>(s);
    case DType::kUInt32: return bind_plain<uint32_t>(s);
    case DType::kUInt64: return bind_plain<uint64_t>(s);
    default: return not_implemented("element type");
  }
  const int64_t width = s.inner == 1 ? 1 : kWidth;
  const int64_t parts = x.count() == 0 ? 0 : s.outer * ((s.inner + width - 1) / width);
  const int64_t grain = std::max<int64_t>(1, kGrain / std::max<int64_t>(1, s.n * std::min(width, s.inner)));
  return bound_step([s, width, parts, grain, f = HWY_DYNAMIC_DISPATCH(arg_reduce)](const StepArgs& args) {
    return run_parts(parts, grain, args.threads, [&](int64_t begin, int64_t end) {
      f(s, args.input<float>(0), args.output<int64_t>(0), width, begin, end);
    });
  });
}

// 1 at the first maximum, 0 elsewhere.
template <class T>
Bound bind_hardmax_of(const ArgShape& s) {
  using C = std::conditional_t<std::is_same_v<T, double>, double, float>;
  const int64_t grain = std::max<int64_t>(1, kGrain / std::max<int64_t>(1, s.n * s.inner));
  return bound_step([s, grain](const StepArgs& args) {
    return run_parts(s.outer, grain, args.threads, [&](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; ++o) {
        const T* x = args.input<T>(0) + o * s.n * s.inner;
        T* y = args.output<T>(0) + o * s.n * s.inner;
        std::fill_n(y, s.n * s.inner, static_cast<T>(0.0f));
        for (int64_t i = 0; i < s.inner; ++i) {
          int64_t at = 0;
          for (int64_t k = 1; k < s.n; ++k) {
            if (static_cast<C>(x[k * s.inner + i]) > static_cast<C>(x[at * s.inner + i])) at = k;
          }
          y[at * s.inner + i] = static_cast<T>(1.0f);
        }
      }
    });
  });
}

Bound bind_hardmax(const BindQuery& q, const std::shared_ptr<const void>&) {
  const BoundTensor& x = q.input(0);
  ANYRT_ASSIGN(const int64_t axis, normalize_axis(q.i("axis"), x.rank()));
  const ArgShape s = {product(x.dims, 0, axis), x.dims[static_cast<size_t>(axis)], product(x.dims, axis + 1, x.rank())};
  if (x.count() == 0) return bound_step([](const StepArgs&) { return Status(); });
  switch (x.dtype) {
    case DType::kFloat64: return bind_hardmax_of<double>(s);
    case DType::kFloat16: return bind_hardmax_of<Float16>(s);
    case DType::kBFloat16: return bind_hardmax_of<BFloat16>(s);
    default: return bind_hardmax_of<float>(s);
  }
}

constexpr KernelRow kRows[] = {
    {.kernel = "arg_max", .op = "ArgMax", .dtypes = kNumeric, .bind = bind<false>},
    {.kernel = "arg_min", .op = "ArgMin", .dtypes = kNumeric, .bind = bind<true>},
    {.kernel = "hardmax", .op = "Hardmax", .dtypes = kFloats, .bind = bind_hardmax},
};

}  // namespace

extern const KernelTable kernels_arg_reduce = {kRows};

}  // namespace anyrt::cpu
#endif
