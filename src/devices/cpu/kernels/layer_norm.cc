#include <cmath>

#include "base/threads.h"
#include "devices/cpu/kernel.h"
#include "opdef/shape_util.h"

// This file is compiled once for each instruction set.
#ifndef ANYRT_CPU_LAYER_NORM_ARGS_
#define ANYRT_CPU_LAYER_NORM_ARGS_
namespace anyrt::cpu {
namespace {

struct NormShape {
  int64_t rows = 0, n = 0;
  int64_t skip_rows = 0;  // rows of `skip`, which repeats
  double epsilon = 0;
  bool mean_off = true;                       // LayerNormalization; else RMSNormalization
  bool scale_all = false, shift_all = false;  // one scale, one shift for all elements
  bool wide_stats = false;                    // mean and inverse are f64
};

// Rows of elements; null where there is none. `sum` takes x + skip + bias.
struct NormData {
  const void *x, *skip, *bias, *scale, *shift;
  void *y, *sum, *mean, *inverse;
};

}  // namespace
}  // namespace anyrt::cpu
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/layer_norm.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "devices/cpu/kernels/row-inl.h"

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {
namespace {

void store_stat(void* to, int64_t row, bool wide, double v) {
  if (!to) return;
  if (wide) {
    static_cast<double*>(to)[row] = v;
  } else {
    static_cast<float*>(to)[row] = static_cast<float>(v);
  }
}

// s = x + skip + bias, rounded to T as it is stored.
template <class T>
void add_row(const T* x, const T* skip, const T* bias, T* s, int64_t n) {
  const ComputeTag<T> d;
  row_each(d, n, [&](int64_t i, int64_t count) V_LAMBDA {
    auto v = hn::Add(v_load_some(d, x + i, count), v_load_some(d, skip + i, count));
    if (bias) v = hn::Add(v, v_load_some(d, bias + i, count));
    v_store_some(v, d, s + i, count);
  });
}

template <class T>
void norm_row(const NormShape& p, const T* x, const T* scale, const T* shift, T* y, double& mean, double& inverse) {
  using C = ComputeOf<T>;
  const ComputeTag<T> d;
  const double n = static_cast<double>(p.n);
  C centre = 0;
  double square;
  if (p.mean_off) {
    mean = row_sum(d, x, p.n, [](auto v) V_LAMBDA { return v; }) / n;
    centre = static_cast<C>(mean);
    const auto c = hn::Set(d, centre);
    square = row_sum(d, x, p.n, [c](auto v) V_LAMBDA {
      const auto off = hn::Sub(v, c);
      return hn::Mul(off, off);
    });
    const double slip = mean - static_cast<double>(centre);
    square = square / n - slip * slip;
    if (square < 0) square = 0;
  } else {
    square = row_sum(d, x, p.n, [](auto v) V_LAMBDA { return hn::Mul(v, v); }) / n;
  }
  inverse = 1 / std::sqrt(square + p.epsilon);
  const auto c = hn::Set(d, centre), factor = hn::Set(d, static_cast<C>(inverse));
  const auto scale_set = p.scale_all ? hn::Set(d, static_cast<C>(scale[0])) : hn::Zero(d);
  const auto shift_set = shift && p.shift_all ? hn::Set(d, static_cast<C>(shift[0])) : hn::Zero(d);
  row_each(d, p.n, [&](int64_t i, int64_t count) V_LAMBDA {
    const auto v = hn::Mul(hn::Sub(v_load_some(d, x + i, count), c), factor);
    const auto k = p.scale_all ? scale_set : v_load_some(d, scale + i, count);
    if (!shift) return v_store_some(hn::Mul(v, k), d, y + i, count);
    v_store_some(hn::MulAdd(v, k, p.shift_all ? shift_set : v_load_some(d, shift + i, count)), d, y + i, count);
  });
}

template <class T>
HWY_INLINE void norm_rows(const NormShape& p, const NormData& a, int64_t begin, int64_t end) {
  const auto* scale = static_cast<const T*>(a.scale);
  const auto* shift = static_cast<const T*>(a.shift);
  for (int64_t r = begin; r < end; ++r) {
    const T* x = static_cast<const T*>(a.x) + r * p.n;
    T* y = static_cast<T*>(a.y) + r * p.n;
    if (a.skip) {
      T* sum = a.sum ? static_cast<T*>(a.sum) + r * p.n : y;
      add_row(x, static_cast<const T*>(a.skip) + r % p.skip_rows * p.n, static_cast<const T*>(a.bias), sum, p.n);
      x = sum;
    }
    double mean = 0, inverse = 0;
    norm_row(p, x, scale, shift, y, mean, inverse);
    store_stat(a.mean, r, p.wide_stats, mean);
    store_stat(a.inverse, r, p.wide_stats, inverse);
  }
}

void norm_f32(const NormShape& p, const NormData& a, int64_t begin, int64_t end) { norm_rows<float>(p, a, begin, end); }
void norm_f64(const NormShape& p, const NormData& a, int64_t begin, int64_t end) {
  norm_rows<double>(p, a, begin, end);
}
void norm_f16(const NormShape& p, const NormData& a, int64_t begin, int64_t end) {
  norm_rows<Float16>(p, a, begin, end);
}
void norm_bf16(const NormShape& p, const NormData& a, int64_t begin, int64_t end) {
  norm_rows<BFloat16>(p, a, begin, end);
}

}  // namespace
}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anyrt::cpu {
namespace {

HWY_EXPORT(norm_f32);
HWY_EXPORT(norm_f64);
HWY_EXPORT(norm_f16);
HWY_EXPORT(norm_bf16);

using NormFn = void (*)(const NormShape&, const NormData&, int64_t, int64_t);
using Bound = Expected<std::unique_ptr<BoundStep>>;
using State = std::shared_ptr<const void>;

constexpr int64_t kGrain = 1 << 14;

NormFn norm_of(DType dtype) {
  switch (dtype) {
    case DType::kFloat64: return HWY_DYNAMIC_DISPATCH(norm_f64);
    case DType::kFloat16: return HWY_DYNAMIC_DISPATCH(norm_f16);
    case DType::kBFloat16: return HWY_DYNAMIC_DISPATCH(norm_bf16);
    default: return HWY_DYNAMIC_DISPATCH(norm_f32);
  }
}

// Where the inputs and outputs of an operator stand; -1: it has none.
struct Places {
  int skip = -1, bias = -1, scale = 1, shift = -1;
  int mean = -1, inverse = -1, sum = -1;
};

// Whether a parameter holds one element for each of the last dims of x, or one for all of them.
Expected<bool> one_for_all(const BoundTensor& p, DType dtype, const Dims& x, int64_t axis) {
  if (p.dtype != dtype) return not_implemented("a parameter of another element type");
  if (p.count() == 1) return true;
  Dims dims = p.dims;
  while (static_cast<int64_t>(dims.size()) > static_cast<int64_t>(x.size()) - axis && dims.front() == 1)
    dims.erase(dims.begin());
  if (dims != Dims(x.begin() + axis, x.end())) return not_implemented("a parameter that broadcasts");
  return false;
}

Bound bind_norm(const BindQuery& q, const Places& at, bool mean_off, int64_t axis) {
  const BoundTensor& x = q.input(0);
  NormShape p;
  p.mean_off = mean_off;
  p.epsilon = static_cast<double>(q.f("epsilon"));
  ANYRT_ASSIGN(axis, normalize_axis(axis, x.rank()));
  p.rows = product(x.dims, 0, axis);
  p.n = product(x.dims, axis, x.rank());
  const auto in = [&](int i) -> const BoundTensor& { return q.input(i < 0 ? SIZE_MAX : static_cast<size_t>(i)); };
  ANYRT_ASSIGN(p.scale_all, one_for_all(in(at.scale), x.dtype, x.dims, axis));
  if (in(at.shift).present()) {
    ANYRT_ASSIGN(p.shift_all, one_for_all(in(at.shift), x.dtype, x.dims, axis));
  }
  if (in(at.skip).present()) {
    Dims skip = in(at.skip).dims;
    while (!skip.empty() && skip.front() == 1) skip.erase(skip.begin());
    if (skip.size() > x.dims.size() || !std::equal(skip.rbegin(), skip.rend(), x.dims.rbegin()) || p.n == 0 ||
        product(skip) % p.n != 0) {
      return not_implemented("a skip that broadcasts");
    }
    p.skip_rows = product(skip) / p.n;
  }
  if (in(at.bias).present()) {
    ANYRT_ASSIGN(const bool all, one_for_all(in(at.bias), x.dtype, x.dims, axis));
    if (all && p.n != 1) return not_implemented("a bias of one element");
  }
  for (const int i : {at.mean, at.inverse}) {
    if (i < 0 || !q.wants_output(static_cast<size_t>(i))) continue;
    const DType stats = q.output(static_cast<size_t>(i)).dtype;
    if (stats != DType::kFloat32 && stats != DType::kFloat64) return not_implemented("narrow statistics");
    p.wide_stats = stats == DType::kFloat64;
  }
  if (q.output(0).dtype != x.dtype) return not_implemented("a result of another element type");
  return bound_step([p, at, f = norm_of(x.dtype)](const StepArgs& args) {
    const auto input = [&](int i) { return i < 0 ? nullptr : args.in[i]; };
    const auto output = [&](int i) { return i < 0 ? nullptr : args.out[i]; };
    const NormData a = {args.in[0],  input(at.skip), input(at.bias),  input(at.scale),   input(at.shift),
                        args.out[0], output(at.sum), output(at.mean), output(at.inverse)};
    const int64_t grain = std::max<int64_t>(1, kGrain / std::max<int64_t>(1, p.n));
    if (p.rows <= grain) {
      f(p, a, 0, p.rows);
    } else {
      parallel_for(
          p.rows, grain, [&](int64_t begin, int64_t end) { f(p, a, begin, end); }, args.threads);
    }
    return Status();
  });
}

// The places that the node has; input() and output() of what lies beyond must not be asked for.
int present(const BindQuery& q, int input) { return q.has_input(static_cast<size_t>(input)) ? input : -1; }
int wanted(const BindQuery& q, int output) { return q.wants_output(static_cast<size_t>(output)) ? output : -1; }

Bound bind_layer_norm(const BindQuery& q, const State&) {
  return bind_norm(q, {.shift = present(q, 2), .mean = wanted(q, 1), .inverse = wanted(q, 2)}, true, q.i("axis"));
}

Bound bind_rms_norm(const BindQuery& q, const State&) { return bind_norm(q, {}, false, q.i("axis")); }

Bound bind_simplified(const BindQuery& q, const State&) {
  return bind_norm(q, {.inverse = wanted(q, 1)}, false, q.i("axis"));
}

Bound bind_skip_layer_norm(const BindQuery& q, const State&) {
  return bind_norm(q,
                   {.skip = 1,
                    .bias = present(q, 4),
                    .scale = 2,
                    .shift = present(q, 3),
                    .mean = wanted(q, 1),
                    .inverse = wanted(q, 2),
                    .sum = wanted(q, 3)},
                   true, -1);
}

Bound bind_skip_simplified(const BindQuery& q, const State&) {
  if (q.wants_output(1)) return not_implemented("the mean of a root mean square");
  return bind_norm(q, {.skip = 1, .bias = present(q, 3), .scale = 2, .inverse = wanted(q, 2), .sum = wanted(q, 3)},
                   false, -1);
}

constexpr KernelRow kRows[] = {
    {.kernel = "layer_norm", .op = "LayerNormalization", .dtypes = kFloats, .in_place = 1, .bind = bind_layer_norm},
    {.kernel = "rms_norm", .op = "RMSNormalization", .dtypes = kFloats, .in_place = 1, .bind = bind_rms_norm},
    {.kernel = "rms_norm",
     .op = "SimplifiedLayerNormalization",
     .dtypes = kFloats,
     .in_place = 1,
     .bind = bind_simplified},
    {.kernel = "skip_layer_norm",
     .op = "SkipLayerNormalization",
     .domain = "com.microsoft",
     .dtypes = kFloats,
     .in_place = 3,
     .bind = bind_skip_layer_norm},
    {.kernel = "skip_rms_norm",
     .op = "SkipSimplifiedLayerNormalization",
     .domain = "com.microsoft",
     .dtypes = kFloats,
     .in_place = 3,
     .bind = bind_skip_simplified},
};

}  // namespace

extern const KernelTable kernels_layer_norm = {kRows};

}  // namespace anyrt::cpu
#endif
