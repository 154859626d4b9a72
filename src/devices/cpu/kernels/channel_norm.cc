#include <cmath>

#include "base/threads.h"
#include "devices/cpu/kernel.h"
#include "opdef/shape_util.h"

// This file is compiled once for each instruction set.
#ifndef ANYRT_CPU_CHANNEL_NORM_ARGS_
#define ANYRT_CPU_CHANNEL_NORM_ARGS_
namespace anyrt::cpu {
namespace {

// [N, C, …] as planes of `inner` elements; statistics are those of `together` neighbouring planes, or given.
struct PlaneShape {
  int64_t batch = 0, channels = 0, inner = 0, together = 1;
  double epsilon = 0;
};

// Vectors of channels; `mean` and `variance` are null where the planes' own ones count.
struct PlaneData {
  const void *x, *scale, *shift, *mean, *variance;
  void* y;
};

}  // namespace
}  // namespace anyrt::cpu
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/channel_norm.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "devices/cpu/kernels/row-inl.h"

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {
namespace {

// y = (x - centre) * factor + shift.
template <class T>
void shift_plane(const T* x, int64_t n, ComputeOf<T> centre, ComputeOf<T> factor, ComputeOf<T> shift, T* y) {
  const ComputeTag<T> d;
  const auto c = hn::Set(d, centre), f = hn::Set(d, factor), s = hn::Set(d, shift);
  row_each(d, n, [&](int64_t i, int64_t count) V_LAMBDA {
    v_store_some(hn::MulAdd(hn::Sub(v_load_some(d, x + i, count), c), f, s), d, y + i, count);
  });
}

// Sets of planes [begin, end) with statistics of their own.
template <class T>
void own_planes(const PlaneShape& p, const PlaneData& a, int64_t begin, int64_t end) {
  using C = ComputeOf<T>;
  const ComputeTag<T> d;
  const int64_t n = p.together * p.inner, sets = p.channels / p.together;
  const double count = static_cast<double>(n);
  for (int64_t g = begin; g < end; ++g) {
    const T* x = static_cast<const T*>(a.x) + g * n;
    T* y = static_cast<T*>(a.y) + g * n;
    const double mean = row_sum(d, x, n, [](auto v) V_LAMBDA { return v; }) / count;
    const C centre = static_cast<C>(mean);
    const auto c = hn::Set(d, centre);
    double square = row_sum(d, x, n, [c](auto v) V_LAMBDA {
      const auto off = hn::Sub(v, c);
      return hn::Mul(off, off);
    });
    const double slip = mean - static_cast<double>(centre);
    square = square / count - slip * slip;
    if (square < 0) square = 0;
    const double inverse = 1 / std::sqrt(square + p.epsilon);
    const int64_t first = g % sets * p.together;
    for (int64_t k = 0; k < p.together; ++k) {
      const C scale = static_cast<C>(static_cast<const T*>(a.scale)[first + k]);
      shift_plane(x + k * p.inner, p.inner, centre, static_cast<C>(static_cast<double>(scale) * inverse),
                  static_cast<C>(static_cast<const T*>(a.shift)[first + k]), y + k * p.inner);
    }
  }
}

// Planes [begin, end) with statistics that are given.
template <class T>
void given_planes(const PlaneShape& p, const PlaneData& a, int64_t begin, int64_t end) {
  using C = ComputeOf<T>;
  const auto at = [](const void* v, int64_t i) { return static_cast<C>(static_cast<const T*>(v)[i]); };
  for (int64_t k = begin; k < end; ++k) {
    const int64_t c = k % p.channels;
    const double root = std::sqrt(static_cast<double>(at(a.variance, c)) + p.epsilon);
    shift_plane(static_cast<const T*>(a.x) + k * p.inner, p.inner, at(a.mean, c),
                static_cast<C>(static_cast<double>(at(a.scale, c)) / root), at(a.shift, c),
                static_cast<T*>(a.y) + k * p.inner);
  }
}

template <class T>
HWY_INLINE void norm_planes(const PlaneShape& p, const PlaneData& a, int64_t begin, int64_t end) {
  if (a.mean) {
    given_planes<T>(p, a, begin, end);
  } else {
    own_planes<T>(p, a, begin, end);
  }
}

void planes_f32(const PlaneShape& p, const PlaneData& a, int64_t begin, int64_t end) {
  norm_planes<float>(p, a, begin, end);
}
void planes_f64(const PlaneShape& p, const PlaneData& a, int64_t begin, int64_t end) {
  norm_planes<double>(p, a, begin, end);
}
void planes_f16(const PlaneShape& p, const PlaneData& a, int64_t begin, int64_t end) {
  norm_planes<Float16>(p, a, begin, end);
}
void planes_bf16(const PlaneShape& p, const PlaneData& a, int64_t begin, int64_t end) {
  norm_planes<BFloat16>(p, a, begin, end);
}

}  // namespace
}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

// InstanceNormalization, GroupNormalization and BatchNormalization that no convolution has taken in.

namespace anyrt::cpu {
namespace {

HWY_EXPORT(planes_f32);
HWY_EXPORT(planes_f64);
HWY_EXPORT(planes_f16);
HWY_EXPORT(planes_bf16);

using PlanesFn = void (*)(const PlaneShape&, const PlaneData&, int64_t, int64_t);
using Bound = Expected<std::unique_ptr<BoundStep>>;
using State = std::shared_ptr<const void>;

constexpr int64_t kGrain = 1 << 14;

PlanesFn planes_of(DType dtype) {
  switch (dtype) {
    case DType::kFloat64: return HWY_DYNAMIC_DISPATCH(planes_f64);
    case DType::kFloat16: return HWY_DYNAMIC_DISPATCH(planes_f16);
    case DType::kBFloat16: return HWY_DYNAMIC_DISPATCH(planes_bf16);
    default: return HWY_DYNAMIC_DISPATCH(planes_f32);
  }
}

Expected<PlaneShape> shape_of(const BindQuery& q, size_t parameters) {
  const BoundTensor& x = q.input(0);
  if (x.rank() < 2 || x.count() == 0) return not_implemented("no planes");
  const PlaneShape p = {x.dims[0], x.dims[1], product(x.dims, 2, x.rank()), 1, static_cast<double>(q.f("epsilon"))};
  for (size_t i = 1; i <= parameters; ++i) {
    if (q.input(i).dtype != x.dtype) return not_implemented("a parameter of another element type");
    if (q.input(i).dims != Dims{p.channels})
      return invalid_argument("input {} has shape {}, expected {}", i, shape_string(q.input(i).dims),
                              shape_string(Dims{p.channels}));
  }
  return p;
}

Bound planes_step(const PlaneShape& p, DType dtype, bool given) {
  return bound_step([p, given, f = planes_of(dtype)](const StepArgs& args) {
    const PlaneData a = {args.in[0], args.in[1], args.in[2], given ? args.in[3] : nullptr, given ? args.in[4] : nullptr,
                         args.out[0]};
    const int64_t tasks = p.batch * p.channels / p.together, grain = 1 + kGrain / (p.together * p.inner);
    if (tasks <= grain) {
      f(p, a, 0, tasks);
    } else {
      parallel_for(
          tasks, grain, [&](int64_t begin, int64_t end) { f(p, a, begin, end); }, args.threads);
    }
    return Status();
  });
}

Bound bind_instance(const BindQuery& q, const State&) {
  ANYRT_ASSIGN(const PlaneShape p, shape_of(q, 2));
  return planes_step(p, q.input(0).dtype, false);
}

Bound bind_group(const BindQuery& q, const State&) {
  ANYRT_ASSIGN(PlaneShape p, shape_of(q, 2));
  const int64_t groups = q.i("num_groups");
  if (groups < 1 || p.channels % groups != 0)
    return invalid_argument("{} channels cannot be split into {} groups", p.channels, groups);
  p.together = p.channels / groups;
  return planes_step(p, q.input(0).dtype, false);
}

Bound bind_batch(const BindQuery& q, const State&) {
  if (q.i("training_mode") != 0 || q.wants_output(1) || q.wants_output(2)) return not_implemented("training");
  ANYRT_ASSIGN(const PlaneShape p, shape_of(q, 4));
  return planes_step(p, q.input(0).dtype, true);
}

constexpr KernelRow kRows[] = {
    {.kernel = "instance_norm", .op = "InstanceNormalization", .dtypes = kFloats, .in_place = 1, .bind = bind_instance},
    {.kernel = "group_norm", .op = "GroupNormalization", .dtypes = kFloats, .in_place = 1, .bind = bind_group},
    {.kernel = "batch_norm", .op = "BatchNormalization", .dtypes = kFloats, .in_place = 1, .bind = bind_batch},
};

}  // namespace

extern const KernelTable kernels_channel_norm = {kRows};

}  // namespace anyrt::cpu
#endif
