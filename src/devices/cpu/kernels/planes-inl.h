// Taking planes apart for sliding windows, compiled once per instruction set: included inside foreach_target.

#if defined(ANYRT_CPU_PLANES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ANYRT_CPU_PLANES_INL_H_
#undef ANYRT_CPU_PLANES_INL_H_
#else
#define ANYRT_CPU_PLANES_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstring>

#include "devices/cpu/kernels/planes_common.h"

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Columns of one row of the image, every second of them, from column `x` on.
HWY_INLINE void every_second(const float* row, float* to, int64_t n) {
  int64_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::ScalableTag<float> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (; i + lanes < n; i += lanes) {
    hn::Vec<decltype(d)> even, odd;
    hn::LoadInterleaved2(d, row + 2 * i, even, odd);
    hn::StoreU(even, d, to + i);
  }
#endif
  for (; i < n; ++i) to[i] = row[2 * i];
}

// The planes of one channel; what lies outside of the image is `fill`.
HWY_INLINE void scatter_planes(const WindowPlanes& s, const float* x, float fill, float* planes) {
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
          std::fill_n(to, s.pitch, fill);
          continue;
        }
        const float* row = x + iy * s.w.in + shift;
        std::fill_n(to, begin, fill);
        if (stride == 1) {
          std::memcpy(to + begin, row + begin, static_cast<size_t>(end - begin) * sizeof(float));
        } else if (stride == 2) {
          every_second(row + 2 * begin, to + begin, end - begin);
        } else {
          for (int64_t i = begin; i < end; ++i) to[i] = row[i * stride];
        }
        std::fill(to + end, to + s.pitch, fill);
      }
    }
  }
}

}  // namespace
}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
