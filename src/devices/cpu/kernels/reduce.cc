#include "opdef/reduce.h"

#include <cmath>
#include <limits>

#include "base/threads.h"
#include "devices/cpu/kernel.h"
#include "devices/cpu/kernels/reduce_common.h"

// This file is compiled once for each instruction set.
#ifndef ANYRT_CPU_REDUCE_KINDS_
#define ANYRT_CPU_REDUCE_KINDS_
namespace anyrt::cpu {
namespace {

enum class Reduce : uint8_t { kSum, kMean, kSumSquare, kL1, kL2, kLogSum, kMax, kMin, kLogSumExp };

// The most results at a time, before they are finished: of one task, or of several tasks of plain rows.
constexpr int64_t kReduceWidth = 64;

// Tasks [begin, end), one of them unless rows are plain.
using ReduceFn = void (*)(const ReduceLoops&, Reduce, const void* x, int64_t begin, int64_t end, double* results);

}  // namespace
}  // namespace anyrt::cpu
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/reduce.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "devices/cpu/kernels/activation-inl.h"
#include "devices/cpu/kernels/row-inl.h"

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {
namespace {

template <class D>
HWY_INLINE hn::Vec<D> exp_of(D d, hn::Vec<D> v) {
  if constexpr (std::is_same_v<hn::TFromD<D>, float>) {
    return v_exp(d, v);
  } else {
    HWY_ALIGN double lanes[hn::MaxLanes(D())];
    hn::Store(v, d, lanes);
    for (size_t i = 0; i < hn::Lanes(d); ++i) lanes[i] = std::exp(lanes[i]);
    return hn::Load(d, lanes);
  }
}

// The larger, or the smaller one; NaN when either is.
template <bool kMax, class V>
HWY_INLINE V pick(V a, V b) {
  const auto better = kMax ? hn::Gt(a, b) : hn::Lt(a, b);
  return hn::IfThenElse(hn::Or(better, hn::IsNaN(a)), a, b);
}

// --- rows ---

template <class T, class F>
HWY_INLINE double sum_rows(const ReduceLoops& loops, const T* x, const ReduceLoops::Task& t, const F& f) {
  const ComputeTag<T> d;
  const int64_t stride = loops.row_stride();
  double total = 0;
  loops.each_piece(t, [&](int64_t offset, int64_t rows, int64_t n) HWY_ATTR {
    for (int64_t r = 0; r < rows; ++r) total += row_sum(d, x + offset + r * stride, n, f);
  });
  return total;
}

template <bool kMax, class T>
struct RowPicker {
  using C = ComputeOf<T>;
  using D = ComputeTag<T>;
  static constexpr C kWorst = kMax ? -std::numeric_limits<C>::infinity() : std::numeric_limits<C>::infinity();
  hn::Vec<D> m0, m1, m2, m3;

  HWY_INLINE RowPicker() : m0(hn::Set(D(), kWorst)), m1(m0), m2(m0), m3(m0) {}
  HWY_INLINE void take(const T* p, int64_t n) {
    const D d;
    const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
    int64_t i = 0;
    for (; i + 4 * lanes <= n; i += 4 * lanes) {
      m0 = pick<kMax>(m0, v_load(d, p + i));
      m1 = pick<kMax>(m1, v_load(d, p + i + lanes));
      m2 = pick<kMax>(m2, v_load(d, p + i + 2 * lanes));
      m3 = pick<kMax>(m3, v_load(d, p + i + 3 * lanes));
    }
    for (; i + lanes <= n; i += lanes) m0 = pick<kMax>(m0, v_load(d, p + i));
    if (i < n) {
      const size_t rest = static_cast<size_t>(n - i);
      m1 = pick<kMax>(m1, hn::IfThenElse(hn::FirstN(d, rest), v_load_part(d, p + i, rest), hn::Set(d, kWorst)));
    }
  }

  HWY_INLINE double result() const {
    const D d;
    const auto m = pick<kMax>(pick<kMax>(m0, m1), pick<kMax>(m2, m3));
    if (!hn::AllFalse(d, hn::IsNaN(m))) return std::numeric_limits<double>::quiet_NaN();
    // Not by MinOfLanes and MaxOfLanes, which do not give infinities on every target.
    using Lane = hn::TFromD<D>;
    HWY_ALIGN Lane lane[hn::MaxLanes(D())];
    hn::Store(m, d, lane);
    Lane best = lane[0];
    for (size_t k = 1; k < hn::Lanes(d); ++k) best = (kMax ? lane[k] > best : lane[k] < best) ? lane[k] : best;
    return static_cast<double>(best);
  }
};

template <bool kMax, class T>
HWY_INLINE double pick_rows(const ReduceLoops& loops, const T* x, const ReduceLoops::Task& t) {
  const int64_t stride = loops.row_stride();
  RowPicker<kMax, T> picker;
  loops.each_piece(t, [&](int64_t offset, int64_t rows, int64_t n) HWY_ATTR {
    for (int64_t r = 0; r < rows; ++r) picker.take(x + offset + r * stride, n);
  });
  return picker.result();
}

// --- columns ---

constexpr int64_t kFlush = 64;  // rows that are summed in the compute type before the sums go to f64

template <class D>
HWY_INLINE void add_lanes(D d, hn::Vec<D> v, double* to, int64_t count) {
  HWY_ALIGN hn::TFromD<D> lanes[hn::MaxLanes(D())];
  hn::Store(v, d, lanes);
  for (int64_t k = 0; k < count; ++k) to[k] += static_cast<double>(lanes[k]);
}

// `count` neighbouring columns, at most one vector: sums of f(v).
template <class T, class F>
HWY_INLINE void sum_column(const T* x, int64_t stride, int64_t rows, int64_t count, double* to, const F& f) {
  const ComputeTag<T> d;
  for (int64_t from = 0; from < rows; from += kFlush) {
    const int64_t last = std::min(rows, from + kFlush);
    auto s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0;
    int64_t r = from;
    for (; r + 4 <= last; r += 4) {
      const T* p = x + r * stride;
      s0 = hn::Add(s0, f(v_load_some(d, p, count)));
      s1 = hn::Add(s1, f(v_load_some(d, p + stride, count)));
      s2 = hn::Add(s2, f(v_load_some(d, p + 2 * stride, count)));
      s3 = hn::Add(s3, f(v_load_some(d, p + 3 * stride, count)));
    }
    for (; r < last; ++r) s0 = hn::Add(s0, f(v_load_some(d, x + r * stride, count)));
    add_lanes(d, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3)), to, count);
  }
}

// Four vectors of columns at a time: whole cache lines and their neighbours.
template <class T, class F>
HWY_INLINE void sum_wide(const T* x, int64_t stride, int64_t rows, double* to, const F& f) {
  const ComputeTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t from = 0; from < rows; from += kFlush) {
    const int64_t last = std::min(rows, from + kFlush);
    auto s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0;
    for (int64_t r = from; r < last; ++r) {
      const T* p = x + r * stride;
      s0 = hn::Add(s0, f(v_load(d, p)));
      s1 = hn::Add(s1, f(v_load(d, p + lanes)));
      s2 = hn::Add(s2, f(v_load(d, p + 2 * lanes)));
      s3 = hn::Add(s3, f(v_load(d, p + 3 * lanes)));
    }
    add_lanes(d, s0, to, lanes);
    add_lanes(d, s1, to + lanes, lanes);
    add_lanes(d, s2, to + 2 * lanes, lanes);
    add_lanes(d, s3, to + 3 * lanes, lanes);
  }
}

// f(i) gives the function for the columns from i on.
template <class T, class F>
HWY_INLINE void sum_columns(const ReduceLoops& loops, const T* x, const ReduceLoops::Task& t, double* to, const F& f) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(ComputeTag<T>())), stride = loops.row_stride();
  std::fill_n(to, t.width, 0.0);
  loops.each_piece(t, [&](int64_t offset, int64_t rows, int64_t) HWY_ATTR {
    const T* p = x + offset;
    int64_t i = 0;
    if constexpr (F::kSameEverywhere) {
      for (; i + 4 * lanes <= t.width; i += 4 * lanes) sum_wide(p + i, stride, rows, to + i, f.at(i, lanes));
    }
    for (; i + lanes <= t.width; i += lanes) sum_column(p + i, stride, rows, lanes, to + i, f.at(i, lanes));
    if (i < t.width) sum_column(p + i, stride, rows, t.width - i, to + i, f.at(i, t.width - i));
  });
}

template <bool kMax, class T>
HWY_INLINE void pick_columns(const ReduceLoops& loops, const T* x, const ReduceLoops::Task& t, double* to) {
  using C = ComputeOf<T>;
  const ComputeTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), stride = loops.row_stride();
  const C worst = kMax ? -std::numeric_limits<C>::infinity() : std::numeric_limits<C>::infinity();
  C best[kReduceWidth];
  std::fill_n(best, t.width, worst);
  loops.each_piece(t, [&](int64_t offset, int64_t rows, int64_t) HWY_ATTR {
    for (int64_t i = 0; i < t.width; i += lanes) {
      const int64_t count = std::min(lanes, t.width - i);
      const T* p = x + offset + i;
      auto m0 = v_load_some(d, best + i, count), m1 = m0;
      int64_t r = 0;
      if (count == lanes) {
        for (; r + 2 <= rows; r += 2) {
          m0 = pick<kMax>(m0, v_load(d, p + r * stride));
          m1 = pick<kMax>(m1, v_load(d, p + (r + 1) * stride));
        }
      }
      for (; r < rows; ++r) m0 = pick<kMax>(m0, v_load_some(d, p + r * stride, count));
      v_store_some(pick<kMax>(m0, m1), d, best + i, count);
    }
  });
  for (int64_t k = 0; k < t.width; ++k) to[k] = static_cast<double>(best[k]);
}

// --- both ---

template <class F>
struct Everywhere {
  static constexpr bool kSameEverywhere = true;
  F f;
  HWY_INLINE const F& at(int64_t, int64_t) const { return f; }
};
template <class F>
Everywhere(F) -> Everywhere<F>;

// exp(v - top) with a top of its own for every column.
template <class T>
struct ExpBelow {
  static constexpr bool kSameEverywhere = false;
  const ComputeOf<T>* tops;
  struct Of {
    hn::Vec<ComputeTag<T>> top;
    HWY_INLINE hn::Vec<ComputeTag<T>> operator()(hn::Vec<ComputeTag<T>> v) const {
      const ComputeTag<T> d;
      return exp_of(d, hn::Sub(v, top));
    }
  };
  HWY_INLINE Of at(int64_t i, int64_t count) const { return {v_load_some(ComputeTag<T>(), tops + i, count)}; }
};

template <class T>
HWY_INLINE void log_sum_exp(const ReduceLoops& loops, const T* x, const ReduceLoops::Task& t, double* to) {
  using C = ComputeOf<T>;
  const ComputeTag<T> d;
  C tops[kReduceWidth];
  if (loops.by_row()) {
    to[0] = pick_rows<true>(loops, x, t);
  } else {
    pick_columns<true>(loops, x, t, to);
  }
  for (int64_t k = 0; k < t.width; ++k) tops[k] = std::isfinite(to[k]) ? static_cast<C>(to[k]) : C(0);
  if (loops.by_row()) {
    to[0] = sum_rows(loops, x, t, typename ExpBelow<T>::Of{hn::Set(d, tops[0])});
  } else {
    sum_columns(loops, x, t, to, ExpBelow<T>{tops});
  }
  for (int64_t k = 0; k < t.width; ++k) to[k] = std::log(to[k]) + static_cast<double>(tops[k]);
}

template <bool kMax, class T>
HWY_INLINE void picks(const ReduceLoops& loops, const T* x, int64_t begin, int64_t end, double* to) {
  if (const int64_t n = loops.plain_row(); n > 0) {
    for (int64_t r = begin; r < end; ++r) {
      RowPicker<kMax, T> picker;
      picker.take(x + r * n, n);
      to[r - begin] = picker.result();
    }
    return;
  }
  const ReduceLoops::Task t = loops.task(begin);
  if (loops.by_row()) {
    to[0] = pick_rows<kMax>(loops, x, t);
  } else {
    pick_columns<kMax>(loops, x, t, to);
  }
}

template <class T, class F>
HWY_INLINE void sums(const ReduceLoops& loops, const T* x, int64_t begin, int64_t end, double* to, const F& f) {
  if (const int64_t n = loops.plain_row(); n > 0) {
    const ComputeTag<T> d;
    for (int64_t r = begin; r < end; ++r) to[r - begin] = row_sum(d, x + r * n, n, f);
    return;
  }
  const ReduceLoops::Task t = loops.task(begin);
  if (loops.by_row()) {
    to[0] = sum_rows(loops, x, t, f);
  } else {
    sum_columns(loops, x, t, to, Everywhere{f});
  }
}

template <class T>
HWY_INLINE void reduce(const ReduceLoops& loops, Reduce op, const void* from, int64_t begin, int64_t end, double* to) {
  const auto* x = static_cast<const T*>(from);
  switch (op) {
    case Reduce::kSum:
    case Reduce::kMean:
    case Reduce::kLogSum: return sums(loops, x, begin, end, to, [](auto v) V_LAMBDA { return v; });
    case Reduce::kSumSquare:
    case Reduce::kL2: return sums(loops, x, begin, end, to, [](auto v) V_LAMBDA { return hn::Mul(v, v); });
    case Reduce::kL1: return sums(loops, x, begin, end, to, [](auto v) V_LAMBDA { return hn::Abs(v); });
    case Reduce::kMax: return picks<true>(loops, x, begin, end, to);
    case Reduce::kMin: return picks<false>(loops, x, begin, end, to);
    case Reduce::kLogSumExp:
      for (int64_t i = begin; i < end; ++i) log_sum_exp(loops, x, loops.task(i), to + i - begin);
      return;
  }
}

void reduce_f32(const ReduceLoops& loops, Reduce op, const void* x, int64_t begin, int64_t end, double* to) {
  reduce<float>(loops, op, x, begin, end, to);
}
void reduce_f64(const ReduceLoops& loops, Reduce op, const void* x, int64_t begin, int64_t end, double* to) {
  reduce<double>(loops, op, x, begin, end, to);
}
void reduce_f16(const ReduceLoops& loops, Reduce op, const void* x, int64_t begin, int64_t end, double* to) {
  reduce<Float16>(loops, op, x, begin, end, to);
}
void reduce_bf16(const ReduceLoops& loops, Reduce op, const void* x, int64_t begin, int64_t end, double* to) {
  reduce<BFloat16>(loops, op, x, begin, end, to);
}

}  // namespace
}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anyrt::cpu {
namespace {

HWY_EXPORT(reduce_f32);
HWY_EXPORT(reduce_f64);
HWY_EXPORT(reduce_f16);
HWY_EXPORT(reduce_bf16);

constexpr int64_t kGrain = 1 << 15, kCostlyGrain = 1 << 13;

double finish(Reduce op, double v, double count) {
  switch (op) {
    case Reduce::kMean: return v / count;
    case Reduce::kL2: return std::sqrt(v);
    case Reduce::kLogSum: return std::log(v);
    default: return v;
  }
}

double join(Reduce op, double a, double b) {
  if (op == Reduce::kMax) return a > b || a != a ? a : b;
  if (op == Reduce::kMin) return a < b || a != a ? a : b;
  return a + b;
}

void store(DType dtype, void* y, int64_t i, double v) {
  switch (dtype) {
    case DType::kFloat64: static_cast<double*>(y)[i] = v; break;
    case DType::kFloat16: static_cast<Float16*>(y)[i] = Float16(static_cast<float>(v)); break;
    case DType::kBFloat16: static_cast<BFloat16*>(y)[i] = BFloat16(static_cast<float>(v)); break;
    default: static_cast<float*>(y)[i] = static_cast<float>(v); break;
  }
}

ReduceFn reduce_of(DType dtype) {
  switch (dtype) {
    case DType::kFloat64: return HWY_DYNAMIC_DISPATCH(reduce_f64);
    case DType::kFloat16: return HWY_DYNAMIC_DISPATCH(reduce_f16);
    case DType::kBFloat16: return HWY_DYNAMIC_DISPATCH(reduce_bf16);
    default: return HWY_DYNAMIC_DISPATCH(reduce_f32);
  }
}

class FloatReduce final : public BoundStep {
 public:
  FloatReduce(Reduce op, DType dtype, ReduceLoops loops)
      : op_(op), dtype_(dtype), loops_(std::move(loops)), f_(reduce_of(dtype)) {
    const int64_t grain = op == Reduce::kLogSumExp ? kCostlyGrain : kGrain;
    grain_ = std::max<int64_t>(1, grain / loops_.task_elements());
    if (loops_.parts() > 1) scratch_bytes = static_cast<size_t>(loops_.parts() * loops_.outputs()) * sizeof(double);
  }

  Status run(const StepArgs& args) const override {
    if (loops_.tasks() <= grain_) {
      run_tasks(args, 0, loops_.tasks());
    } else {
      parallel_for(
          loops_.tasks(), grain_, [&](int64_t begin, int64_t end) { run_tasks(args, begin, end); }, args.threads);
    }
    if (loops_.parts() == 1) return {};
    const auto* parts = reinterpret_cast<const double*>(args.scratch);
    for (int64_t o = 0; o < loops_.outputs(); ++o) {
      double v = parts[o];
      for (int64_t p = 1; p < loops_.parts(); ++p) v = join(op_, v, parts[p * loops_.outputs() + o]);
      store(dtype_, args.out[0], o, finish(op_, v, static_cast<double>(loops_.count())));
    }
    return {};
  }

 private:
  void run_tasks(const StepArgs& args, int64_t begin, int64_t end) const {
    double results[kReduceWidth];
    const auto count = static_cast<double>(loops_.count());
    if (loops_.plain_row() > 0) {
      for (int64_t i = begin; i < end; i += kReduceWidth) {
        const int64_t last = std::min(end, i + kReduceWidth);
        f_(loops_, op_, args.in[0], i, last, results);
        finish_all(args.out[0], i, last - i, results, count);
      }
      return;
    }
    auto* parts = reinterpret_cast<double*>(args.scratch);
    for (int64_t i = begin; i < end; ++i) {
      const ReduceLoops::Task t = loops_.task(i);
      f_(loops_, op_, args.in[0], i, i + 1, results);
      if (loops_.parts() > 1) {
        std::copy_n(results, t.width, parts + t.part * loops_.outputs() + t.out);
      } else {
        finish_all(args.out[0], t.out, t.width, results, count);
      }
    }
  }

  void finish_all(void* y, int64_t at, int64_t n, const double* results, double count) const {
    if (dtype_ == DType::kFloat32 && op_ == Reduce::kSum) {
      for (int64_t k = 0; k < n; ++k) static_cast<float*>(y)[at + k] = static_cast<float>(results[k]);
      return;
    }
    for (int64_t k = 0; k < n; ++k) store(dtype_, y, at + k, finish(op_, results[k], count));
  }

  Reduce op_;
  DType dtype_;
  ReduceLoops loops_;
  ReduceFn f_;
  int64_t grain_ = 1;
};

template <Reduce kOp>
Expected<std::unique_ptr<BoundStep>> bind(const BindQuery& q, const std::shared_ptr<const void>&) {
  ANYRT_ASSIGN(const Reduction r, bound_reduction(q));
  if (r.outputs == 0) return bound_step([](const StepArgs&) { return Status(); });
  ReduceLoops loops(r.groups, r.step, kReduceWidth, kOp != Reduce::kLogSumExp);
  return std::unique_ptr<BoundStep>(new FloatReduce(kOp, q.input(0).dtype, std::move(loops)));
}

constexpr KernelRow kRows[] = {
    {.kernel = "reduce_sum", .op = "ReduceSum", .dtypes = kFloats, .bind = bind<Reduce::kSum>},
    {.kernel = "reduce_mean", .op = "ReduceMean", .dtypes = kFloats, .bind = bind<Reduce::kMean>},
    {.kernel = "reduce_sum_square", .op = "ReduceSumSquare", .dtypes = kFloats, .bind = bind<Reduce::kSumSquare>},
    {.kernel = "reduce_l1", .op = "ReduceL1", .dtypes = kFloats, .bind = bind<Reduce::kL1>},
    {.kernel = "reduce_l2", .op = "ReduceL2", .dtypes = kFloats, .bind = bind<Reduce::kL2>},
    {.kernel = "reduce_log_sum", .op = "ReduceLogSum", .dtypes = kFloats, .bind = bind<Reduce::kLogSum>},
    {.kernel = "reduce_max", .op = "ReduceMax", .dtypes = kFloats, .bind = bind<Reduce::kMax>},
    {.kernel = "reduce_min", .op = "ReduceMin", .dtypes = kFloats, .bind = bind<Reduce::kMin>},
    {.kernel = "reduce_log_sum_exp", .op = "ReduceLogSumExp", .dtypes = kFloats, .bind = bind<Reduce::kLogSumExp>},
};

}  // namespace

extern const KernelTable kernels_reduce = {kRows};

}  // namespace anyrt::cpu
#endif
