#include <cmath>

#include "base/threads.h"
#include "devices/cpu/kernel.h"
#include "opdef/shape_util.h"

// This file is compiled once for each instruction set.
#ifndef ANYRT_CPU_SOFTMAX_SHAPE_
#define ANYRT_CPU_SOFTMAX_SHAPE_
namespace anyrt::cpu {
namespace {

// Entries k of a softmax lie `inner` elements apart.
struct SoftmaxShape {
  int64_t outer = 0, n = 0, inner = 0;
  bool log = false;
};

}  // namespace
}  // namespace anyrt::cpu
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/softmax.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "devices/cpu/kernels/activation-inl.h"
#include "devices/cpu/kernels/row-inl.h"

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {
namespace {

template <class D, class F>
HWY_INLINE hn::Vec<D> v_lanewise(D d, hn::Vec<D> v, F f) {
  HWY_ALIGN hn::TFromD<D> lanes[hn::MaxLanes(D())];
  hn::Store(v, d, lanes);
  for (size_t i = 0; i < hn::Lanes(d); ++i) lanes[i] = f(lanes[i]);
  return hn::Load(d, lanes);
}

template <class D>
HWY_INLINE hn::Vec<D> exp_of(D d, hn::Vec<D> v) {
  if constexpr (std::is_same_v<hn::TFromD<D>, float>) {
    return v_exp(d, v);
  } else {
    return v_lanewise(d, v, [](double x) { return std::exp(x); });
  }
}

// Whether exp(x - top) can wait in y without loss.
template <class T>
inline constexpr bool kKeeps = std::is_same_v<T, ComputeOf<T>>;

template <class T>
void softmax_row(const T* x, T* y, int64_t n, bool log) {
  using C = ComputeOf<T>;
  const ComputeTag<T> d;
  const auto top = hn::Set(d, row_top(d, x, n));
  const bool keep = kKeeps<T> && !log;
  const double sum = row_sum_of(d, n, [&](int64_t i, int64_t count) V_LAMBDA {
    const auto e = exp_of(d, hn::Sub(v_load_some(d, x + i, count), top));
    if (keep) v_store_some(e, d, y + i, count);
    return e;
  });
  if (log) {
    const auto shift = hn::Set(d, static_cast<C>(std::log(sum)));
    row_each(d, n, [&](int64_t i, int64_t count) V_LAMBDA {
      v_store_some(hn::Sub(hn::Sub(v_load_some(d, x + i, count), top), shift), d, y + i, count);
    });
    return;
  }
  const auto factor = hn::Set(d, static_cast<C>(1 / sum));
  row_each(d, n, [&](int64_t i, int64_t count) V_LAMBDA {
    auto e = v_load_some(d, (keep ? y : x) + i, count);
    if (!keep) e = exp_of(d, hn::Sub(e, top));
    v_store_some(hn::Mul(e, factor), d, y + i, count);
  });
}

// `count` columns, at most one vector.
template <class T>
HWY_INLINE void softmax_column(const T* x, T* y, int64_t n, int64_t inner, int64_t count, bool log) {
  using C = ComputeOf<T>;
  constexpr int64_t kRun = 256;  // entries that are summed before their sum joins the others
  const ComputeTag<T> d;
  auto top = hn::Set(d, -std::numeric_limits<C>::infinity());
  for (int64_t k = 0; k < n; ++k) top = hn::Max(top, v_load_some(d, x + k * inner, count));
  const bool keep = kKeeps<T> && !log;
  auto sum = hn::Zero(d);
  for (int64_t from = 0; from < n; from += kRun) {
    auto part = hn::Zero(d);
    for (int64_t k = from; k < std::min(n, from + kRun); ++k) {
      const auto e = exp_of(d, hn::Sub(v_load_some(d, x + k * inner, count), top));
      if (keep) v_store_some(e, d, y + k * inner, count);
      part = hn::Add(part, e);
    }
    sum = hn::Add(sum, part);
  }
  if (log) {
    const auto shift = v_lanewise(d, sum, [](C v) { return std::log(v); });
    for (int64_t k = 0; k < n; ++k) {
      const auto off = hn::Sub(v_load_some(d, x + k * inner, count), top);
      v_store_some(hn::Sub(off, shift), d, y + k * inner, count);
    }
    return;
  }
  const auto factor = hn::Div(hn::Set(d, C(1)), sum);
  for (int64_t k = 0; k < n; ++k) {
    auto e = v_load_some(d, (keep ? y : x) + k * inner, count);
    if (!keep) e = exp_of(d, hn::Sub(e, top));
    v_store_some(hn::Mul(e, factor), d, y + k * inner, count);
  }
}

// Parts [begin, end) of outer * blocks, where a block is `width` columns.
template <class T>
HWY_INLINE void softmax_parts(const SoftmaxShape& s, const void* from, void* to, int64_t width, int64_t begin,
                              int64_t end) {
  const auto* x = static_cast<const T*>(from);
  auto* y = static_cast<T*>(to);
  if (s.inner == 1) {
    for (int64_t r = begin; r < end; ++r) softmax_row(x + r * s.n, y + r * s.n, s.n, s.log);
    return;
  }
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(ComputeTag<T>()));
  const int64_t blocks = (s.inner + width - 1) / width;
  for (int64_t p = begin; p < end; ++p) {
    const int64_t at = p / blocks * s.n * s.inner, last = std::min(s.inner, (p % blocks + 1) * width);
    int64_t i = p % blocks * width;
    for (; i + lanes <= last; i += lanes) softmax_column(x + at + i, y + at + i, s.n, s.inner, lanes, s.log);
    if (i < last) softmax_column(x + at + i, y + at + i, s.n, s.inner, last - i, s.log);
  }
}

void softmax_f32(const SoftmaxShape& s, const void* x, void* y, int64_t width, int64_t begin, int64_t end) {
  softmax_parts<float>(s, x, y, width, begin, end);
}
#if ANYRT_FLOAT64_KERNELS
void softmax_f64(const SoftmaxShape& s, const void* x, void* y, int64_t width, int64_t begin, int64_t end) {
  softmax_parts<double>(s, x, y, width, begin, end);
}
#endif
#if ANYRT_FLOAT16_KERNELS
void softmax_f16(const SoftmaxShape& s, const void* x, void* y, int64_t width, int64_t begin, int64_t end) {
  softmax_parts<Float16>(s, x, y, width, begin, end);
}
void softmax_bf16(const SoftmaxShape& s, const void* x, void* y, int64_t width, int64_t begin, int64_t end) {
  softmax_parts<BFloat16>(s, x, y, width, begin, end);
}
#endif

}  // namespace
}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anyrt::cpu {
namespace {

HWY_EXPORT(softmax_f32);
#if ANYRT_FLOAT64_KERNELS
HWY_EXPORT(softmax_f64);
#endif
#if ANYRT_FLOAT16_KERNELS
HWY_EXPORT(softmax_f16);
HWY_EXPORT(softmax_bf16);
#endif

using SoftmaxFn = void (*)(const SoftmaxShape&, const void*, void*, int64_t, int64_t, int64_t);

constexpr int64_t kGrain = 1 << 13;
constexpr int64_t kWidth = 64;  // columns that are worked on while their lines are near

SoftmaxFn softmax_of(DType dtype) {
  switch (dtype) {
#if ANYRT_FLOAT64_KERNELS
    case DType::kFloat64: return HWY_DYNAMIC_DISPATCH(softmax_f64);
#endif
#if ANYRT_FLOAT16_KERNELS
    case DType::kFloat16: return HWY_DYNAMIC_DISPATCH(softmax_f16);
    case DType::kBFloat16: return HWY_DYNAMIC_DISPATCH(softmax_bf16);
#endif
    default: return HWY_DYNAMIC_DISPATCH(softmax_f32);
  }
}

template <bool kLog>
Expected<std::unique_ptr<BoundStep>> bind(const BindQuery& q, const std::shared_ptr<const void>&) {
  const BoundTensor& x = q.input(0);
  ANYRT_ASSIGN(const int64_t axis, normalize_axis(q.i("axis"), x.rank()));
  SoftmaxShape s = {product(x.dims, 0, axis), x.dims[static_cast<size_t>(axis)], product(x.dims, axis + 1, x.rank()),
                    kLog};
  const int64_t width = s.inner == 1 ? 1 : kWidth;
  const int64_t parts = x.count() == 0 ? 0 : s.outer * ((s.inner + width - 1) / width);
  const int64_t grain = std::max<int64_t>(1, kGrain / std::max<int64_t>(1, s.n * std::min(width, s.inner)));
  return bound_step([s, width, parts, grain, f = softmax_of(x.dtype)](const StepArgs& args) {
    const void* from = args.in[0];
    void* to = args.out[0];
    if (parts <= grain) {
      if (parts > 0) f(s, from, to, width, 0, parts);
    } else {
      parallel_for(
          parts, grain, [&](int64_t begin, int64_t end) { f(s, from, to, width, begin, end); }, args.threads);
    }
    return Status();
  });
}

constexpr KernelRow kRows[] = {
    {.kernel = "softmax", .op = "Softmax", .dtypes = kFloats, .in_place = 1, .bind = bind<false>},
    {.kernel = "log_softmax", .op = "LogSoftmax", .dtypes = kFloats, .in_place = 1, .bind = bind<true>},
};

}  // namespace

extern const KernelTable kernels_softmax = {kRows};

}  // namespace anyrt::cpu
#endif
