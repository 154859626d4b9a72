#include "devices/cpu/kernels/pool_lanes_common.h"

#include <cmath>
#include <limits>

#include "base/threads.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/pool_lanes_common.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// A row of `count` windows with the same taps: y[o] = the largest, or the sum divided, of x[o * step + taps].
void pool_row(const float* x, int64_t step, const int64_t* taps, int64_t tap_count, int64_t lanes, int64_t count,
              float* y, const float* divisors) {
  const hn::ScalableTag<float> d;
  const int64_t width = static_cast<int64_t>(hn::Lanes(d));
  constexpr float kLowest = -std::numeric_limits<float>::infinity();
  for (int64_t o = 0; o < count; ++o, x += step, y += lanes) {
    int64_t i = 0;
    for (; i + width <= lanes; i += width) {
      auto best = hn::Set(d, divisors ? 0.0f : kLowest);
      for (int64_t t = 0; t < tap_count; ++t) {
        const auto v = hn::LoadU(d, x + taps[t] + i);
        // NaN wins.
        best = divisors ? hn::Add(best, v) : hn::IfThenElse(hn::Or(hn::Gt(best, v), hn::IsNaN(best)), best, v);
      }
      hn::StoreU(divisors ? hn::Div(best, hn::Set(d, divisors[o])) : best, d, y + i);
    }
    for (; i < lanes; ++i) {
      float best = divisors ? 0.0f : kLowest;
      for (int64_t t = 0; t < tap_count; ++t) {
        const float v = x[taps[t] + i];
        best = divisors ? best + v : best > v || std::isnan(best) ? best : v;
      }
      y[i] = divisors ? best / divisors[o] : best;
    }
  }
}

}  // namespace
}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anyrt::cpu {

HWY_EXPORT(pool_row);

std::unique_ptr<BoundStep> pool_lanes(int64_t planes, const WindowAxes& axes, int64_t lanes,
                                      std::vector<float> divisors) {
  const WindowAxis h = axes[0], v = axes[1];
  // Columns that see the same taps are done at once: those inside, and each one near the border.
  struct Part {
    int64_t from, to;
    TapRange taps;
  };
  std::vector<Part> parts;
  for (int64_t o = 0; o < v.out; ++o) {
    const TapRange t = taps_inside(v, o, v.in);
    if (!parts.empty() && parts.back().taps.begin == t.begin && parts.back().taps.end == t.end) {
      parts.back().to = o + 1;
    } else {
      parts.push_back({o, o + 1, t});
    }
  }
  std::vector<int64_t> offsets;  // by part, then by row of taps
  std::vector<size_t> first;
  for (const Part& p : parts) {
    first.push_back(offsets.size());
    for (int64_t y = 0; y < h.kernel; ++y) {
      for (int64_t x = p.taps.begin; x < p.taps.end; ++x)
        offsets.push_back((y * h.dilation * v.in + x * v.dilation) * lanes);
    }
  }
  return bound_step([=, parts = std::move(parts), offsets = std::move(offsets), first = std::move(first),
                     divisors = std::move(divisors), f = HWY_DYNAMIC_DISPATCH(pool_row)](const StepArgs& args) {
    const float* x = args.input<float>(0);
    float* y = args.output<float>(0);
    parallel_for(
        planes * h.out, 1 + 20000 / (v.out * h.kernel * v.kernel + 1),
        [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) {
            const int64_t plane = i / h.out, row = i % h.out;
            const TapRange rows = taps_inside(h, row, h.in);
            const float* from = x + (plane * h.in * v.in + h.start(row) * v.in - v.pad_begin) * lanes;
            for (size_t k = 0; k < parts.size(); ++k) {
              const Part& p = parts[k];
              const int64_t columns = p.taps.end - p.taps.begin;
              f(from + p.from * v.stride * lanes, v.stride * lanes,
                offsets.data() + first[k] + static_cast<size_t>(rows.begin * columns),
                (rows.end - rows.begin) * columns, lanes, p.to - p.from, y + (i * v.out + p.from) * lanes,
                divisors.empty() ? nullptr : divisors.data() + row * v.out + p.from);
            }
          }
        },
        args.threads);
    return Status();
  });
}

}  // namespace anyrt::cpu
#endif
