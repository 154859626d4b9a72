#include <algorithm>
#include <limits>

#include "base/threads.h"
#include "devices/cpu/gemm/slots.h"
#include "devices/cpu/kernel.h"
#include "devices/cpu/kernels/planes_common.h"
#include "devices/cpu/kernels/pool_lanes_common.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/pool.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "devices/cpu/kernels/planes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {
namespace {

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

struct Largest {  // NaN wins
  static constexpr float kFill = -std::numeric_limits<float>::infinity();
  HWY_INLINE V operator()(V a, V b) const { return hn::IfThenElse(hn::Or(hn::Gt(a, b), hn::IsNaN(a)), a, b); }
};
struct Sum {
  static constexpr float kFill = 0;
  HWY_INLINE V operator()(V a, V b) const { return hn::Add(a, b); }
};

// y[j] = the `n` values at x + offset(i) + j taken together.
template <class Op, class Offset>
HWY_INLINE void together(const float* x, int64_t n, const Offset& offset, float* y, int64_t count, const Op& op) {
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t j = 0; j < count; j += 2 * lanes) {
    const float* p = x + offset(0) + j;
    V a = hn::LoadU(d, p), b = hn::LoadU(d, p + lanes);
    for (int64_t i = 1; i < n; ++i) {
      p = x + offset(i) + j;
      a = op(a, hn::LoadU(d, p));
      b = op(b, hn::LoadU(d, p + lanes));
    }
    hn::StoreU(a, d, y + j);
    hn::StoreU(b, d, y + j + lanes);
  }
}

// One channel: along rows, then along columns. Scratch: the planes, as many planes of rows, the result with its gaps.
template <class Op>
HWY_INLINE float* pool(const WindowPlanes& s, const float* x, float* scratch, const Op& op) {
  scatter_planes(s, x, Op::kFill, scratch);
  const int64_t group = s.w.stride * s.plane;
  float* rows = scratch + s.planes() * s.plane + kPlaneSlack;
  const int64_t rows_plane = s.plane + kPlaneSlack;
  for (int64_t py = 0; py < s.h.stride; ++py) {
    together(
        scratch + py * group, s.w.kernel,
        [&](int64_t k) { return k * s.w.dilation % s.w.stride * s.plane + k * s.w.dilation / s.w.stride; },
        rows + py * rows_plane, s.plane, op);
  }
  float* y = rows + s.h.stride * rows_plane;
  together(
      rows, s.h.kernel,
      [&](int64_t k) { return k * s.h.dilation % s.h.stride * rows_plane + k * s.h.dilation / s.h.stride * s.pitch; },
      y, s.count, op);
  return y;
}

void max_pool(const WindowPlanes& s, const float* x, const float*, const float*, float* y, float* scratch) {
  const float* from = pool(s, x, scratch, Largest());
  for (int64_t r = 0; r < s.h.out; ++r) std::copy_n(from + r * s.pitch, s.w.out, y + r * s.w.out);
}

// `rows` and `columns`: how many taps count.
void average_pool(const WindowPlanes& s, const float* x, const float* rows, const float* columns, float* y,
                  float* scratch) {
  const float* from = pool(s, x, scratch, Sum());
  for (int64_t r = 0; r < s.h.out; ++r) {
    for (int64_t c = 0; c < s.w.out; ++c) y[r * s.w.out + c] = from[r * s.pitch + c] / (rows[r] * columns[c]);
  }
}

template <class Op>
HWY_INLINE float whole(const float* x, int64_t n, const Op& op) {
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  V a = hn::Set(d, Op::kFill), b = a, c = a, e = a;
  int64_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    a = op(a, hn::LoadU(d, x + i));
    b = op(b, hn::LoadU(d, x + i + lanes));
    c = op(c, hn::LoadU(d, x + i + 2 * lanes));
    e = op(e, hn::LoadU(d, x + i + 3 * lanes));
  }
  for (; i + lanes <= n; i += lanes) a = op(a, hn::LoadU(d, x + i));
  HWY_ALIGN float rest[hn::MaxLanes(D())];
  for (int64_t k = 0; k < lanes; ++k) rest[k] = i + k < n ? x[i + k] : Op::kFill;
  b = op(b, hn::Load(d, rest));
  hn::Store(op(op(a, b), op(c, e)), d, rest);
  V all = hn::Set(d, rest[0]);
  for (int64_t k = 1; k < lanes; ++k) all = op(all, hn::Set(d, rest[k]));
  return hn::GetLane(all);
}

void global_max(const float* x, int64_t n, float* y) { *y = whole(x, n, Largest()); }
void global_average(const float* x, int64_t n, float* y) { *y = whole(x, n, Sum()) / static_cast<float>(n); }

}  // namespace
}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anyrt::cpu {
namespace {

HWY_EXPORT(max_pool);
HWY_EXPORT(average_pool);
HWY_EXPORT(global_max);
HWY_EXPORT(global_average);

using Bound = Expected<std::unique_ptr<BoundStep>>;
using State = std::shared_ptr<const void>;

std::vector<float> counts(const WindowAxis& w, bool with_pad) {
  std::vector<float> out;
  for (int64_t o = 0; o < w.out; ++o) {
    const TapRange inside = taps_inside(w, o, w.in);
    const int64_t n = with_pad ? taps_inside(w, o, w.in + w.pad_end).end : inside.end - inside.begin;
    out.push_back(static_cast<float>(n));
  }
  return out;
}

Bound bind_pool(const BindQuery& q, bool average) {
  if (q.wants_output(1)) return not_implemented("indices");
  if (q.output(0).count() == 0) return not_implemented("an empty result");
  ANYRT_ASSIGN(WindowAxes axes, pool_windows(q, q.input(0).dims));
  if (axes.size() == 1) axes.insert(axes.begin(), WindowAxis());
  const auto idle = [](const WindowAxis& a) {
    return a.kernel == 1 && a.stride == 1 && a.pad_begin == 0 && a.pad_end == 0;
  };
  const bool lanes = axes.size() == 3 && idle(axes[2]);  // channels in blocks
  if (axes.size() != 2 && !lanes) return not_implemented("{} spatial axes", axes.size());
  for (const WindowAxis& a : axes) {
    if (a.stride > 16 && !lanes) return not_implemented("a stride of {}", a.stride);
    // A window that lies outside altogether has no largest element; the reference decides.
    for (int64_t o = 0; o < a.out; ++o) {
      const TapRange inside = taps_inside(a, o, a.in);
      if (inside.end <= inside.begin) return not_implemented("a window outside of the input");
    }
  }
  const bool with_pad = q.i("count_include_pad") != 0;
  if (lanes) {
    std::vector<float> divisors;
    if (average) {
      for (const float r : counts(axes[0], with_pad)) {
        for (const float c : counts(axes[1], with_pad)) divisors.push_back(r * c);
      }
    }
    return pool_lanes(q.input(0).dims[0] * q.input(0).dims[1], axes, axes[2].in, std::move(divisors));
  }
  WindowPlanes s(axes[0], axes[1]);
  std::vector<float> rows, columns;
  if (average) {
    rows = counts(axes[0], with_pad);
    columns = counts(axes[1], with_pad);
  }
  const int64_t planes = q.input(0).dims[0] * q.input(0).dims[1];
  const int64_t in_size = axes[0].in * axes[1].in, out_size = axes[0].out * axes[1].out;
  const size_t each = static_cast<size_t>(s.planes() * s.plane + kPlaneSlack + s.h.stride * (s.plane + kPlaneSlack) +
                                          s.count + kPlaneSlack);
  const size_t slots = slot_count();
  const auto f = average ? HWY_DYNAMIC_DISPATCH(average_pool) : HWY_DYNAMIC_DISPATCH(max_pool);
  return bound_step(
      [=, s = std::move(s), rows = std::move(rows), columns = std::move(columns)](const StepArgs& args) {
        const float* x = args.input<float>(0);
        float* y = args.output<float>(0);
        auto* scratch = reinterpret_cast<float*>(args.scratch);
        Slots free(slots);
        const int threads =
            std::min(args.threads > 0 ? args.threads : static_cast<int>(slots), static_cast<int>(slots));
        parallel_for(
            planes, 1 + 50000 / (s.plane * (s.w.kernel + s.h.kernel)),
            [&](int64_t begin, int64_t end) {
              const size_t slot = free.take();
              for (int64_t i = begin; i < end; ++i)
                f(s, x + i * in_size, rows.data(), columns.data(), y + i * out_size, scratch + slot * each);
              free.give_back(slot);
            },
            threads);
        return Status();
      },
      slots * each * sizeof(float));
}

Bound bind_max(const BindQuery& q, const State&) { return bind_pool(q, false); }
Bound bind_average(const BindQuery& q, const State&) { return bind_pool(q, true); }

Bound bind_global(const BindQuery& q, void (*f)(const float*, int64_t, float*)) {
  const Dims& in = q.input(0).dims;
  if (in.size() < 3 || q.input(0).count() == 0) return not_implemented("an empty input");
  const int64_t planes = in[0] * in[1], size = product(in, 2, q.input(0).rank());
  return bound_step([=](const StepArgs& args) {
    const float* x = args.input<float>(0);
    float* y = args.output<float>(0);
    const auto run = [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) f(x + i * size, size, y + i);
    };
    if (planes * size < (1 << 16)) {
      run(0, planes);
    } else {
      parallel_for(planes, 1 + (1 << 15) / size, run, args.threads);
    }
    return Status();
  });
}

Bound bind_global_max(const BindQuery& q, const State&) { return bind_global(q, HWY_DYNAMIC_DISPATCH(global_max)); }
Bound bind_global_average(const BindQuery& q, const State&) {
  return bind_global(q, HWY_DYNAMIC_DISPATCH(global_average));
}

constexpr KernelRow kRows[] = {
    {.kernel = "f32_max_pool", .op = "MaxPool", .bind = bind_max},
    {.kernel = "f32_average_pool", .op = "AveragePool", .bind = bind_average},
    {.kernel = "f32_global_max_pool", .op = "GlobalMaxPool", .bind = bind_global_max},
    {.kernel = "f32_global_average_pool", .op = "GlobalAveragePool", .bind = bind_global_average},
};

}  // namespace

extern const KernelTable kernels_pool = {kRows};

}  // namespace anyrt::cpu
#endif
