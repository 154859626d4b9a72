#include <algorithm>
#include <cstring>

#include "base/threads.h"
#include "devices/cpu/gemm/slots.h"
#include "devices/cpu/kernels/conv_common.h"

#ifndef ANYRT_CPU_DEPTHWISE_SHAPE_
#define ANYRT_CPU_DEPTHWISE_SHAPE_
namespace anyrt::cpu {
namespace {

constexpr int64_t kSlack = 64;  // floats that vectors may read or write beyond a plane

// One channel: its padded plane is taken apart into stride x stride planes of every stride-th row and column, in which
// all windows of one tap lie side by side; so sums run over whole planes, and the columns between rows are dropped.
struct DepthwiseShape {
  WindowAxis h, w;
  int64_t pitch = 0;          // of the planes and of the sums
  int64_t plane = 0;          // floats of one plane
  int64_t count = 0;          // sums
  std::vector<int64_t> taps;  // where each tap's windows begin, from the first plane
  int64_t planes() const { return h.stride * w.stride; }
};

}  // namespace
}  // namespace anyrt::cpu
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/conv_depthwise_common.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// Columns of one row of the image, every second of them, from column `x` on.
HWY_INLINE void every_second(const float* row, float* to, int64_t n) {
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  for (; i + lanes < n; i += lanes) {
    V even, odd;
    hn::LoadInterleaved2(d, row + 2 * i, even, odd);
    hn::StoreU(even, d, to + i);
  }
#endif
  for (; i < n; ++i) to[i] = row[2 * i];
}

void scatter(const DepthwiseShape& s, const float* x, float* planes) {
  const int64_t rows = s.plane / s.pitch;
  for (int64_t py = 0; py < s.h.stride; ++py) {
    for (int64_t px = 0; px < s.w.stride; ++px) {
      float* plane = planes + (py * s.w.stride + px) * s.plane;
      // Column i of the plane is column i * stride + px - pad of the image.
      const int64_t shift = px - s.w.pad_begin, stride = s.w.stride;
      const int64_t begin = std::clamp<int64_t>(shift >= 0 ? 0 : (-shift + stride - 1) / stride, 0, s.pitch);
      const int64_t end = std::clamp<int64_t>(s.w.in <= shift ? 0 : (s.w.in - 1 - shift) / stride + 1, begin, s.pitch);
      for (int64_t r = 0; r < rows; ++r) {
        float* to = plane + r * s.pitch;
        const int64_t iy = r * s.h.stride + py - s.h.pad_begin;
        if (iy < 0 || iy >= s.h.in) {
          std::fill_n(to, s.pitch, 0.0f);
          continue;
        }
        const float* row = x + iy * s.w.in + shift;
        std::fill_n(to, begin, 0.0f);
        if (stride == 1) {
          std::memcpy(to + begin, row + begin, static_cast<size_t>(end - begin) * sizeof(float));
        } else if (stride == 2) {
          every_second(row + 2 * begin, to + begin, end - begin);
        } else {
          for (int64_t i = begin; i < end; ++i) to[i] = row[i * stride];
        }
        std::fill(to + end, to + s.pitch, 0.0f);
      }
    }
  }
}

template <int64_t kTaps>
HWY_INLINE void sums(const DepthwiseShape& s, const float* planes, const float* kernel, float* y) {
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t taps = kTaps ? kTaps : static_cast<int64_t>(s.taps.size());
  int64_t j = 0;
  for (; j + 3 * lanes < s.count; j += 4 * lanes) {
    V a = hn::Zero(d), b = a, c = a, e = a;
    for (int64_t t = 0; t < taps; ++t) {
      const float* p = planes + s.taps[static_cast<size_t>(t)] + j;
      const V k = hn::Set(d, kernel[t]);
      a = hn::MulAdd(k, hn::LoadU(d, p), a);
      b = hn::MulAdd(k, hn::LoadU(d, p + lanes), b);
      c = hn::MulAdd(k, hn::LoadU(d, p + 2 * lanes), c);
      e = hn::MulAdd(k, hn::LoadU(d, p + 3 * lanes), e);
    }
    hn::StoreU(a, d, y + j);
    hn::StoreU(b, d, y + j + lanes);
    hn::StoreU(c, d, y + j + 2 * lanes);
    hn::StoreU(e, d, y + j + 3 * lanes);
  }
  for (; j < s.count; j += lanes) {
    V a = hn::Zero(d);
    for (int64_t t = 0; t < taps; ++t)
      a = hn::MulAdd(hn::Set(d, kernel[t]), hn::LoadU(d, planes + s.taps[static_cast<size_t>(t)] + j), a);
    hn::StoreU(a, d, y + j);
  }
}

// One channel; scratch holds the planes and then the sums.
void depthwise(const DepthwiseShape& s, const float* x, const float* kernel, float* y, float* scratch) {
  scatter(s, x, scratch);
  float* sum = scratch + s.planes() * s.plane + kSlack;
  if (s.taps.size() == 9) {
    sums<9>(s, scratch, kernel, sum);
  } else if (s.taps.size() == 25) {
    sums<25>(s, scratch, kernel, sum);
  } else {
    sums<0>(s, scratch, kernel, sum);
  }
  for (int64_t r = 0; r < s.h.out; ++r)
    std::memcpy(y + r * s.w.out, sum + r * s.pitch, static_cast<size_t>(s.w.out) * sizeof(float));
}

}  // namespace
}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anyrt::cpu {

HWY_EXPORT(depthwise);

ConvBound bind_depthwise(ConvPlan plan) {
  DepthwiseShape s;
  s.h = plan.g.axes[0];
  s.w = plan.g.axes[1];
  const auto planes_of = [](const WindowAxis& a) {  // rows or columns of a plane that the taps reach
    return a.out + (a.kernel - 1) * a.dilation / a.stride + 1;
  };
  if (s.h.stride > 64 || s.w.stride > 64) return bind_unfolded(std::move(plan));
  s.pitch = planes_of(s.w);
  s.plane = planes_of(s.h) * s.pitch;
  s.count = (s.h.out - 1) * s.pitch + s.w.out;
  for (int64_t ky = 0; ky < s.h.kernel; ++ky) {
    for (int64_t kx = 0; kx < s.w.kernel; ++kx) {
      const int64_t dy = ky * s.h.dilation, dx = kx * s.w.dilation;
      s.taps.push_back((dy % s.h.stride * s.w.stride + dx % s.w.stride) * s.plane + dy / s.h.stride * s.pitch +
                       dx / s.w.stride);
    }
  }
  const size_t each = static_cast<size_t>(s.planes() * s.plane + kSlack + s.count + kSlack), slots = slot_count();
  const auto f = HWY_DYNAMIC_DISPATCH(depthwise);
  return bound_step(
      [=, plan = std::move(plan), s = std::move(s)](const StepArgs& args) {
        const float *x = args.input<float>(0), *w = args.input<float>(1);
        float* y = args.output<float>(0);
        const EpilogueRun<float> run{&plan.epilogue, plan.bias(args), plan.residual(args), y};
        const GemmFinish finish = plan.epilogue.needed() ? epilogue_finish(run) : GemmFinish();
        auto* scratch = reinterpret_cast<float*>(args.scratch);
        Slots free(slots);
        const int threads =
            std::min(args.threads > 0 ? args.threads : static_cast<int>(slots), static_cast<int>(slots));
        const int64_t work = s.count * static_cast<int64_t>(s.taps.size());
        parallel_for(
            plan.g.batch * plan.g.channels, 1 + 100000 / (work + 1),
            [&](int64_t begin, int64_t end) {
              const size_t slot = free.take();
              for (int64_t i = begin; i < end; ++i) {
                const int64_t channel = i % plan.g.channels;
                float* out = y + i * plan.out_size;
                f(s, x + i * plan.in_size, w + channel * plan.taps, out, scratch + slot * each);
                if (finish.fn) finish.fn(finish.context, out, plan.out_size, 0, channel, 1, 0, plan.out_size);
              }
              free.give_back(slot);
            },
            threads);
        return Status();
      },
      slots * each * sizeof(float));
}

}  // namespace anyrt::cpu
#endif
