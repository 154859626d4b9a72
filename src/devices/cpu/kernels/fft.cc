#include <algorithm>
#include <memory>

#include "base/threads.h"
#include "devices/cpu/gemm/slots.h"
#include "devices/cpu/kernel.h"
#include "devices/cpu/kernels/fft_lanes_common.h"
#include "opdef/shape_util.h"

// DFT and STFT in f32, eight signals at a time.

namespace anyrt::cpu {
namespace {

using Bound = Expected<std::unique_ptr<BoundStep>>;
using State = std::shared_ptr<const void>;

constexpr int64_t kLongest = 1 << 24;

// Calls load(i, lane, re, im), transforms, then store(i, lane, re, im) for signals [0, count); lanes beyond hold
// whatever finite numbers were there.
template <class Load, class Store>
void each_signal(const Fft<float>& fft, int64_t count, bool real, bool inverse, const StepArgs& args, size_t slots,
                 const Load& load, const Store& store) {
  const int64_t values = fft.size() * kFftLanes, tiles = (count + kFftLanes - 1) / kFftLanes;
  Slots free(slots);
  const int most = static_cast<int>(slots), threads = args.threads > 0 ? std::min(args.threads, most) : most;
  parallel_for(
      tiles, 1 + 4096 / values,
      [&](int64_t begin, int64_t end) {
        const size_t slot = free.take();
        float* re = reinterpret_cast<float*>(args.scratch) + slot * 4 * static_cast<size_t>(values);
        float* im = re + 2 * values;
        for (int64_t t = begin; t < end; ++t) {
          const int64_t first = t * kFftLanes, lanes = std::min(kFftLanes, count - first);
          if (lanes < kFftLanes || !real) {
            std::fill_n(re, values, 0.0f);
            std::fill_n(im, values, 0.0f);
          }
          for (int64_t l = 0; l < lanes; ++l) load(first + l, re + l, im + l);
          if (real) {
            fft_lanes_real(fft, re, im, inverse);
          } else {
            fft_lanes(fft, re, im, inverse);
          }
          for (int64_t l = 0; l < lanes; ++l) store(first + l, re + l, im + l);
        }
        free.give_back(slot);
      },
      threads);
}

size_t scratch_of(int64_t n, size_t slots) { return slots * 4 * static_cast<size_t>(n * kFftLanes) * sizeof(float); }

Expected<std::shared_ptr<const Fft<float>>> plan_of(int64_t n) {
  if (n < 2 || n > kLongest) return not_implemented("a length of {}", n);
  auto fft = std::make_shared<const Fft<float>>(n);
  if (fft->stages().empty()) return not_implemented("a length with large prime factors");
  return std::shared_ptr<const Fft<float>>(std::move(fft));
}

struct Signals {
  int64_t n, in, out, inner, in_parts, out_parts;
  bool complete;  // from one half
};

Bound bind_dft(const BindQuery& q, const State&) {
  const Dims &x = q.input(0).dims, &y = q.output(0).dims;
  if (x.size() < 2 || q.input(0).count() == 0 || q.output(0).count() == 0) return not_implemented("shapes");
  int64_t axis = -2;
  if (q.has_input(2)) {
    if (!q.input(2).ints || q.input(2).ints->size() != 1) return not_implemented("the axis is known only in a run");
    axis = (*q.input(2).ints)[0];
  }
  ANYRT_ASSIGN(axis, normalize_axis(axis, q.input(0).rank()));
  if (axis == q.input(0).rank() - 1) return not_implemented("the last axis");
  const bool inverse = q.i("inverse") != 0, onesided = q.i("onesided") != 0;
  Signals s = {0,
               x[static_cast<size_t>(axis)],
               y[static_cast<size_t>(axis)],
               product(x, axis + 1, q.input(0).rank() - 1),
               x.back(),
               y.back(),
               inverse && onesided};
  s.n = s.complete ? 2 * (s.in - 1) : s.in;
  if (q.has_input(1)) {
    if (!q.input(1).ints || q.input(1).ints->size() != 1) return not_implemented("the length is known only in a run");
    s.n = (*q.input(1).ints)[0];
  }
  if ((s.in_parts != 1 && s.in_parts != 2) || s.out != (onesided && !inverse ? s.n / 2 + 1 : s.n) ||
      s.out_parts != (s.complete ? 1 : 2))
    return not_implemented("shapes");
  ANYRT_ASSIGN(auto fft, plan_of(s.n));
  const int64_t count = product(x, 0, axis) * s.inner;
  const size_t slots = slot_count();
  return bound_step(
      [s, fft = std::move(fft), count, slots, inverse](const StepArgs& args) {
        const int64_t step = s.inner * s.in_parts, used = std::min(s.in, s.complete ? s.n / 2 + 1 : s.n);
        const auto load = [&](int64_t i, float* re, float* im) {
          const float* from = args.input<float>(0) + (i / s.inner * s.in * s.inner + i % s.inner) * s.in_parts;
          for (int64_t k = 0; k < used; ++k) re[k * kFftLanes] = from[k * step];
          for (int64_t k = used; k < s.n; ++k) re[k * kFftLanes] = 0;
          if (s.in_parts == 2) {
            for (int64_t k = 0; k < used; ++k) im[k * kFftLanes] = from[k * step + 1];
          }
          if (!s.complete) return;
          im[0] = 0;
          if (s.n % 2 == 0) im[s.n / 2 * kFftLanes] = 0;
          for (int64_t k = 1; k < s.n - k; ++k) {
            re[(s.n - k) * kFftLanes] = re[k * kFftLanes];
            im[(s.n - k) * kFftLanes] = -im[k * kFftLanes];
          }
        };
        const auto store = [&](int64_t i, const float* re, const float* im) {
          float* to = args.output<float>(0) + (i / s.inner * s.out * s.inner + i % s.inner) * s.out_parts;
          for (int64_t k = 0; k < s.out; ++k, to += s.inner * s.out_parts) {
            to[0] = re[k * kFftLanes];
            if (s.out_parts == 2) to[1] = im[k * kFftLanes];
          }
        };
        each_signal(*fft, count, s.in_parts == 1, inverse, args, slots, load, store);
        return Status();
      },
      scratch_of(s.n, slots));
}

Bound bind_stft(const BindQuery& q, const State&) {
  const Dims &x = q.input(0).dims, &y = q.output(0).dims;
  if ((x.size() != 2 && x.size() != 3) || y.size() != 4 || q.output(0).count() == 0) return not_implemented("shapes");
  if (!q.input(1).ints || q.input(1).ints->size() != 1 || (q.has_input(3) && !q.input(3).ints))
    return not_implemented("frames are known only in a run");
  const int64_t parts = x.size() == 3 ? x[2] : 1, length = x[1], step = (*q.input(1).ints)[0], frames = y[1];
  const int64_t window = q.has_input(2) ? q.input(2).count() : 0;
  int64_t n = q.has_input(2) ? window : length;
  if (q.has_input(3) && q.input(3).ints->size() == 1) n = (*q.input(3).ints)[0];
  if (n < 2 || n > length || step < 1 || (parts != 1 && parts != 2) || frames != (length - n) / step + 1 ||
      window > n || (q.has_input(2) && (q.input(2).rank() != 1 || q.input(2).dtype != DType::kFloat32)))
    return not_implemented("frames of {} every {}", n, step);
  const int64_t bins = q.i("onesided") != 0 ? n / 2 + 1 : n, count = x[0] * frames;
  if (y[2] != bins) return not_implemented("shapes");
  ANYRT_ASSIGN(auto fft, plan_of(n));
  const size_t slots = slot_count();
  return bound_step(
      [=, has_window = q.has_input(2)](const StepArgs& args) {
        const float* w = has_window ? args.input<float>(2) : nullptr;
        const int64_t used = w ? window : n;
        const auto load = [&](int64_t i, float* re, float* im) {
          const float* from = args.input<float>(0) + (i / frames * length + i % frames * step) * parts;
          for (int64_t k = 0; k < used; ++k) re[k * kFftLanes] = w ? from[k * parts] * w[k] : from[k * parts];
          for (int64_t k = used; k < n; ++k) re[k * kFftLanes] = 0;
          if (parts == 1) return;
          for (int64_t k = 0; k < used; ++k) im[k * kFftLanes] = w ? from[k * 2 + 1] * w[k] : from[k * 2 + 1];
        };
        const auto store = [&](int64_t i, const float* re, const float* im) {
          float* to = args.output<float>(0) + i * bins * 2;
          for (int64_t k = 0; k < bins; ++k) {
            to[2 * k] = re[k * kFftLanes];
            to[2 * k + 1] = im[k * kFftLanes];
          }
        };
        each_signal(*fft, count, parts == 1, false, args, slots, load, store);
        return Status();
      },
      scratch_of(n, slots));
}

constexpr KernelRow kRows[] = {{.kernel = "fft", .op = "DFT", .bind = bind_dft},
                               {.kernel = "fft", .op = "STFT", .bind = bind_stft}};

}  // namespace

extern const KernelTable kernels_fft = {kRows};

}  // namespace anyrt::cpu
