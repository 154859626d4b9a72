#include <algorithm>
#include <cstring>

#include "base/threads.h"
#include "devices/cpu/gemm/slots.h"
#include "devices/cpu/kernels/conv_common.h"
#include "devices/cpu/kernels/planes_common.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/conv_depthwise_common.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "devices/cpu/kernels/planes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {
namespace {

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

template <int64_t kTaps>
HWY_INLINE void sums(const WindowPlanes& s, const float* planes, const float* kernel, float* y) {
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
void depthwise(const WindowPlanes& s, const float* x, const float* kernel, float* y, float* scratch) {
  scatter_planes(s, x, 0.0f, scratch);
  float* sum = scratch + s.planes() * s.plane + kPlaneSlack;
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
  if (plan.g.axes[0].stride > 64 || plan.g.axes[1].stride > 64) return bind_unfolded(std::move(plan));
  WindowPlanes s(plan.g.axes[0], plan.g.axes[1]);
  const size_t each = static_cast<size_t>(s.planes() * s.plane + kPlaneSlack + s.count + kPlaneSlack),
               slots = slot_count();
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
