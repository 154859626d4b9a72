#include "devices/cpu/kernels/pool_lanes_common.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/threads.h"
#include "devices/cpu/gemm/slots.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/pool_lanes_common.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// A row of `count` windows with the same taps: y[o] = the largest, or the sum, of x[o * step + taps]; NaN wins.
template <bool kSum>
void pool_row(const float* x, int64_t step, const int64_t* taps, int64_t tap_count, int64_t lanes, int64_t count,
              float* y) {
  const hn::ScalableTag<float> d;
  using V = hn::Vec<decltype(d)>;
  const int64_t width = static_cast<int64_t>(hn::Lanes(d));
  constexpr float kStart = kSum ? 0.0f : -std::numeric_limits<float>::infinity();
  const auto both = [](V a, V b) HWY_ATTR {
    if constexpr (kSum) return hn::Add(a, b);
    return hn::IfThenElse(hn::Or(hn::Gt(a, b), hn::IsNaN(a)), a, b);
  };
  for (int64_t o = 0; o < count; ++o, x += step, y += lanes) {
    int64_t i = 0;
    for (; i + width <= lanes; i += width) {
      V a = hn::Set(d, kStart), b = a;
      int64_t t = 0;
      for (; t + 1 < tap_count; t += 2) {
        a = both(a, hn::LoadU(d, x + taps[t] + i));
        b = both(b, hn::LoadU(d, x + taps[t + 1] + i));
      }
      if (t < tap_count) a = both(a, hn::LoadU(d, x + taps[t] + i));
      hn::StoreU(both(a, b), d, y + i);
    }
    for (; i < lanes; ++i) {
      float best = kStart;
      for (int64_t t = 0; t < tap_count; ++t) {
        const float v = x[taps[t] + i];
        best = kSum ? best + v : best > v || std::isnan(best) ? best : v;
      }
      y[i] = best;
    }
  }
}

void largest_row(const float* x, int64_t step, const int64_t* taps, int64_t tap_count, int64_t lanes, int64_t count,
                 float* y) {
  pool_row<false>(x, step, taps, tap_count, lanes, count, y);
}
void sum_row(const float* x, int64_t step, const int64_t* taps, int64_t tap_count, int64_t lanes, int64_t count,
             float* y) {
  pool_row<true>(x, step, taps, tap_count, lanes, count, y);
}

}  // namespace
}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anyrt::cpu {
namespace {

HWY_EXPORT(largest_row);
HWY_EXPORT(sum_row);

constexpr int64_t kManyTaps = 12;  // from which on windows are taken along one axis after the other

// Outputs of one axis that see the same taps are done at once: those inside, and each one near the border.
struct Part {
  int64_t from, to;
  TapRange taps;
};

class PoolLanes final : public BoundStep {
 public:
  PoolLanes(int64_t planes, const WindowAxes& axes, int64_t lanes, std::vector<float> divisors)
      : planes_(planes), lanes_(lanes), h_(axes[0]), v_(axes[1]), divisors_(std::move(divisors)) {
    f_ = divisors_.empty() ? HWY_DYNAMIC_DISPATCH(largest_row) : HWY_DYNAMIC_DISPATCH(sum_row);
    for (int64_t o = 0; o < v_.out; ++o) {
      const TapRange t = taps_inside(v_, o, v_.in);
      if (!parts_.empty() && parts_.back().taps.begin == t.begin && parts_.back().taps.end == t.end) {
        parts_.back().to = o + 1;
      } else {
        parts_.push_back({o, o + 1, t});
      }
    }
    separate_ = h_.kernel * v_.kernel > kManyTaps && h_.kernel > 1 && v_.kernel > 1;
    for (const Part& p : parts_) {
      first_.push_back(offsets_.size());
      for (int64_t y = 0; y < (separate_ ? 1 : h_.kernel); ++y) {
        for (int64_t x = p.taps.begin; x < p.taps.end; ++x)
          offsets_.push_back((y * h_.dilation * v_.in + x * v_.dilation) * lanes);
      }
    }
    for (int64_t y = 0; y < h_.kernel; ++y) down_.push_back(y * h_.dilation * v_.out * lanes);
    if (!separate_) return;
    slots_ = slot_count();
    each_ = static_cast<size_t>(h_.in * v_.out * lanes);
    scratch_bytes = slots_ * each_ * sizeof(float);
  }

  Status run(const StepArgs& args) const override {
    const float* x = args.input<float>(0);
    float* y = args.output<float>(0);
    if (!separate_) {
      parallel_for(
          planes_ * h_.out, 1 + 6000 / (v_.out * h_.kernel * v_.kernel + 1),
          [&](int64_t begin, int64_t end) {
            for (int64_t i = begin; i < end; ++i) {
              // First all planes of the rows above, as convolutions have written them.
              const int64_t row = i / planes_, plane = i % planes_;
              const TapRange rows = taps_inside(h_, row, h_.in);
              float* to = y + (plane * h_.out + row) * v_.out * lanes_;
              across(x + (plane * h_.in + h_.start(row)) * v_.in * lanes_, rows, to);
              divide(row, to);
            }
          },
          args.threads);
      return {};
    }
    const int threads = std::min(args.threads > 0 ? args.threads : static_cast<int>(slots_), static_cast<int>(slots_));
    Slots free(slots_);
    parallel_for(
        planes_, 1,
        [&](int64_t begin, int64_t end) {
          const size_t slot = free.take();
          float* temp = reinterpret_cast<float*>(args.scratch) + slot * each_;
          for (int64_t i = begin; i < end; ++i)
            plane(x + i * h_.in * v_.in * lanes_, temp, y + i * h_.out * v_.out * lanes_);
          free.give_back(slot);
        },
        threads);
    return {};
  }

 private:
  // One row of windows; `x` is where the first row of taps begins.
  void across(const float* x, TapRange rows, float* y) const {
    x -= v_.pad_begin * lanes_;
    for (size_t k = 0; k < parts_.size(); ++k) {
      const Part& p = parts_[k];
      const int64_t columns = p.taps.end - p.taps.begin;
      f_(x + p.from * v_.stride * lanes_, v_.stride * lanes_,
         offsets_.data() + first_[k] + static_cast<size_t>(rows.begin * columns), (rows.end - rows.begin) * columns,
         lanes_, p.to - p.from, y + p.from * lanes_);
    }
  }

  void plane(const float* x, float* temp, float* y) const {
    for (int64_t r = 0; r < h_.in; ++r) across(x + r * v_.in * lanes_, {0, 1}, temp + r * v_.out * lanes_);
    for (int64_t row = 0; row < h_.out; ++row) {
      const TapRange rows = taps_inside(h_, row, h_.in);
      f_(temp + h_.start(row) * v_.out * lanes_, lanes_, down_.data() + rows.begin, rows.end - rows.begin, lanes_,
         v_.out, y + row * v_.out * lanes_);
      divide(row, y + row * v_.out * lanes_);
    }
  }

  void divide(int64_t row, float* y) const {
    for (int64_t o = 0; !divisors_.empty() && o < v_.out; ++o) {
      const float by = divisors_[static_cast<size_t>(row * v_.out + o)];
      for (int64_t i = 0; i < lanes_; ++i) y[o * lanes_ + i] /= by;
    }
  }

  int64_t planes_, lanes_;
  WindowAxis h_, v_;
  std::vector<float> divisors_;
  void (*f_)(const float*, int64_t, const int64_t*, int64_t, int64_t, int64_t, float*) = nullptr;
  std::vector<Part> parts_;
  std::vector<int64_t> offsets_, down_;  // of taps: by part and row; by row of what across() has made
  std::vector<size_t> first_;            // of each part's offsets
  bool separate_ = false;
  size_t slots_ = 0, each_ = 0;
};

}  // namespace

std::unique_ptr<BoundStep> pool_lanes(int64_t planes, const WindowAxes& axes, int64_t lanes,
                                      std::vector<float> divisors) {
  return std::make_unique<PoolLanes>(planes, axes, lanes, std::move(divisors));
}

}  // namespace anyrt::cpu
#endif
