#include "devices/cpu/kernels/fft_lanes_common.h"

#include <algorithm>
#include <utility>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/fft_lanes_common.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

constexpr int64_t kRow = kFftLanes;
constexpr int64_t kMostRadix = 64;

using D = hn::CappedTag<float, kRow>;
using V = hn::Vec<D>;

// What a butterfly's outputs pass through on their way to memory.
struct Turn {
  const float *cos, *sin;  // of output 1; those of the next one lie `step` behind
  int64_t step;
  bool none;  // all of them are 1

  HWY_INLINE void store(int64_t j, V re, V im, float* to_re, float* to_im) const {
    const D d;
    if (!none && j > 0) {
      const V c = hn::Set(d, cos[(j - 1) * step]), s = hn::Set(d, sin[(j - 1) * step]);
      hn::StoreU(hn::Sub(hn::Mul(re, c), hn::Mul(im, s)), d, to_re);
      hn::StoreU(hn::Add(hn::Mul(re, s), hn::Mul(im, c)), d, to_im);
    } else {
      hn::StoreU(re, d, to_re);
      hn::StoreU(im, d, to_im);
    }
  }
};

HWY_INLINE void butterfly2(const float* re, const float* im, int64_t in, const Turn& w, float* to_re, float* to_im,
                           int64_t out) {
  const D d;
  const V a = hn::LoadU(d, re), b = hn::LoadU(d, re + in), p = hn::LoadU(d, im), q = hn::LoadU(d, im + in);
  w.store(0, hn::Add(a, b), hn::Add(p, q), to_re, to_im);
  w.store(1, hn::Sub(a, b), hn::Sub(p, q), to_re + out, to_im + out);
}

HWY_INLINE void butterfly4(const float* re, const float* im, int64_t in, const Turn& w, float* to_re, float* to_im,
                           int64_t out) {
  const D d;
  const V r0 = hn::LoadU(d, re), r1 = hn::LoadU(d, re + in), r2 = hn::LoadU(d, re + 2 * in),
          r3 = hn::LoadU(d, re + 3 * in);
  const V i0 = hn::LoadU(d, im), i1 = hn::LoadU(d, im + in), i2 = hn::LoadU(d, im + 2 * in),
          i3 = hn::LoadU(d, im + 3 * in);
  const V sr = hn::Add(r0, r2), si = hn::Add(i0, i2), dr = hn::Sub(r0, r2), di = hn::Sub(i0, i2);
  const V tr = hn::Add(r1, r3), ti = hn::Add(i1, i3), ur = hn::Sub(r1, r3), ui = hn::Sub(i1, i3);
  w.store(0, hn::Add(sr, tr), hn::Add(si, ti), to_re, to_im);
  w.store(1, hn::Add(dr, ui), hn::Sub(di, ur), to_re + out, to_im + out);
  w.store(2, hn::Sub(sr, tr), hn::Sub(si, ti), to_re + 2 * out, to_im + 2 * out);
  w.store(3, hn::Sub(dr, ui), hn::Add(di, ur), to_re + 3 * out, to_im + 3 * out);
}

// Odd: values j and radix - j share their cosines, and their sines but for the sign.
void butterfly_odd(int64_t radix, const float* cos, const float* sin, const float* re, const float* im, int64_t in,
                   const Turn& w, float* to_re, float* to_im, int64_t out) {
  const D d;
  HWY_ALIGN float r[kMostRadix * kRow], i[kMostRadix * kRow];
  const int64_t half = radix / 2;
  const V re0 = hn::LoadU(d, re), im0 = hn::LoadU(d, im);
  V sum_re = re0, sum_im = im0;
  for (int64_t j = 1; j <= half; ++j) {
    const V a = hn::LoadU(d, re + j * in), b = hn::LoadU(d, re + (radix - j) * in);
    const V p = hn::LoadU(d, im + j * in), q = hn::LoadU(d, im + (radix - j) * in);
    hn::StoreU(hn::Add(a, b), d, r + j * kRow);
    hn::StoreU(hn::Add(p, q), d, i + j * kRow);
    hn::StoreU(hn::Sub(a, b), d, r + (radix - j) * kRow);
    hn::StoreU(hn::Sub(p, q), d, i + (radix - j) * kRow);
    sum_re = hn::Add(sum_re, hn::Add(a, b));
    sum_im = hn::Add(sum_im, hn::Add(p, q));
  }
  w.store(0, sum_re, sum_im, to_re, to_im);
  for (int64_t k = 1; k <= half; ++k) {
    V ar = re0, ai = im0, br = hn::Zero(d), bi = br;
    int64_t at = 0;
    for (int64_t j = 1; j <= half; ++j) {
      at += k;
      if (at >= radix) at -= radix;
      const V c = hn::Set(d, cos[at]), s = hn::Set(d, sin[at]);
      ar = hn::Add(ar, hn::Mul(c, hn::LoadU(d, r + j * kRow)));
      ai = hn::Add(ai, hn::Mul(c, hn::LoadU(d, i + j * kRow)));
      br = hn::Add(br, hn::Mul(s, hn::LoadU(d, i + (radix - j) * kRow)));
      bi = hn::Add(bi, hn::Mul(s, hn::LoadU(d, r + (radix - j) * kRow)));
    }
    w.store(k, hn::Sub(ar, br), hn::Add(ai, bi), to_re + k * out, to_im + k * out);
    w.store(radix - k, hn::Add(ar, br), hn::Sub(ai, bi), to_re + (radix - k) * out, to_im + (radix - k) * out);
  }
}

void stage(const Fft<float>::Stage& s, const float* root_cos, const float* root_sin, const float* re, const float* im,
           float* to_re, float* to_im) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(D()));
  const int64_t in = s.after * kRow, out = s.before * s.after * kRow;
  for (int64_t k = 0; k < s.before; ++k) {
    for (int64_t i = 0; i < s.after; ++i) {
      const Turn w = {s.cos.data() + i, s.sin.data() + i, s.after, i == 0};
      const int64_t from = (i + s.after * s.radix * k) * kRow, to = (i + s.after * k) * kRow;
      for (int64_t l = 0; l < kRow; l += lanes) {
        const int64_t f = from + l, t = to + l;
        if (s.radix == 4) {
          butterfly4(re + f, im + f, in, w, to_re + t, to_im + t, out);
        } else if (s.radix == 2) {
          butterfly2(re + f, im + f, in, w, to_re + t, to_im + t, out);
        } else {
          butterfly_odd(s.radix, root_cos, root_sin, re + f, im + f, in, w, to_re + t, to_im + t, out);
        }
      }
    }
  }
}

}  // namespace
}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anyrt::cpu {
namespace {

HWY_EXPORT(stage);

}  // namespace

void fft_lanes(const Fft<float>& fft, float* re, float* im, bool inverse) {
  const int64_t n = fft.size(), count = n * kFftLanes;
  // The inverse is the forward transform with real and imaginary parts exchanged.
  float *from_re = inverse ? im : re, *from_im = inverse ? re : im;
  float *to_re = from_re + count, *to_im = from_im + count;
  const auto f = HWY_DYNAMIC_DISPATCH(stage);
  const float *cos = fft.root_cos().data(), *sin = fft.root_sin().data();
  for (const Fft<float>::Stage& s : fft.stages()) {
    f(s, cos, sin, from_re, from_im, to_re, to_im);
    std::swap(from_re, to_re);
    std::swap(from_im, to_im);
    cos += s.radix;
    sin += s.radix;
  }
  float *end_re = inverse ? from_im : from_re, *end_im = inverse ? from_re : from_im;
  const float scale = inverse ? 1 / static_cast<float>(n) : 1.0f;
  for (const auto& [from, to] : {std::pair(end_re, re), std::pair(end_im, im)}) {
    if (from == to && !inverse) continue;
    for (int64_t i = 0; i < count; ++i) to[i] = from[i] * scale;
  }
}

void fft_lanes_real(const Fft<float>& fft, float* re, float* im, bool inverse) {
  const int64_t n = fft.size();
  std::fill_n(im, n * kFftLanes, 0.0f);
  fft_lanes(fft, re, im, inverse);
  std::fill_n(im, kFftLanes, 0.0f);
  if (n % 2 == 0) std::fill_n(im + n / 2 * kFftLanes, kFftLanes, 0.0f);
  for (int64_t k = 1; k < n - k; ++k) {
    for (int64_t l = 0; l < kFftLanes; ++l) {
      re[(n - k) * kFftLanes + l] = re[k * kFftLanes + l];
      im[(n - k) * kFftLanes + l] = -im[k * kFftLanes + l];
    }
  }
}

}  // namespace anyrt::cpu
#endif
