#include "opdef/fft.h"

#include <cmath>
#include <numbers>
#include <utility>

namespace anyrt {

Fft::Fft(int64_t n) : n_(n), m_(1) {
  const bool power = (n & (n - 1)) == 0;
  while (m_ < (power ? n : 2 * n - 1)) m_ *= 2;
  const size_t half = static_cast<size_t>(m_ / 2);
  cos_.resize(half);
  sin_.resize(half);
  for (size_t k = 0; k < half; ++k) {
    const double angle = -2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(m_);
    cos_[k] = std::cos(angle);
    sin_[k] = std::sin(angle);
  }
  if (power) return;
  // j * k = (j² + k² - (k - j)²) / 2 turns the transform into a convolution with exp(pi i j² / n).
  const size_t count = static_cast<size_t>(n), length = static_cast<size_t>(m_);
  chirp_re_.resize(count);
  chirp_im_.resize(count);
  filter_re_.assign(length, 0);
  filter_im_.assign(length, 0);
  for (size_t k = 0; k < count; ++k) {
    // k² modulo 2n keeps the angle small, and with it exact.
    const auto square = static_cast<unsigned __int128>(k) * k % static_cast<unsigned __int128>(2 * count);
    const double angle = std::numbers::pi * static_cast<double>(static_cast<uint64_t>(square)) / static_cast<double>(n);
    chirp_re_[k] = std::cos(angle);
    chirp_im_[k] = -std::sin(angle);
    filter_re_[k] = chirp_re_[k];
    filter_im_[k] = -chirp_im_[k];
    if (k > 0) {
      filter_re_[length - k] = filter_re_[k];
      filter_im_[length - k] = filter_im_[k];
    }
  }
  radix2(filter_re_.data(), filter_im_.data());
}

void Fft::radix2(double* re, double* im) const {
  for (int64_t i = 1, j = 0; i < m_; ++i) {
    int64_t bit = m_ >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      std::swap(re[i], re[j]);
      std::swap(im[i], im[j]);
    }
  }
  for (int64_t length = 2; length <= m_; length *= 2) {
    const int64_t half = length / 2, step = m_ / length;
    for (int64_t base = 0; base < m_; base += length) {
      for (int64_t k = 0; k < half; ++k) {
        const double wr = cos_[static_cast<size_t>(k * step)], wi = sin_[static_cast<size_t>(k * step)];
        const int64_t a = base + k, b = a + half;
        const double tr = re[b] * wr - im[b] * wi, ti = re[b] * wi + im[b] * wr;
        re[b] = re[a] - tr;
        im[b] = im[a] - ti;
        re[a] += tr;
        im[a] += ti;
      }
    }
  }
}

void Fft::chirp(double* re, double* im) const {
  const size_t count = static_cast<size_t>(n_), length = static_cast<size_t>(m_);
  std::vector<double> ar(length, 0), ai(length, 0);
  for (size_t k = 0; k < count; ++k) {
    ar[k] = re[k] * chirp_re_[k] - im[k] * chirp_im_[k];
    ai[k] = re[k] * chirp_im_[k] + im[k] * chirp_re_[k];
  }
  radix2(ar.data(), ai.data());
  for (size_t k = 0; k < length; ++k) {
    const double r = ar[k] * filter_re_[k] - ai[k] * filter_im_[k];
    // The conjugate, so that the next transform is an inverse one.
    ai[k] = -(ar[k] * filter_im_[k] + ai[k] * filter_re_[k]);
    ar[k] = r;
  }
  radix2(ar.data(), ai.data());
  const double scale = 1 / static_cast<double>(m_);
  for (size_t k = 0; k < count; ++k) {
    const double r = ar[k] * scale, i = -ai[k] * scale;
    re[k] = r * chirp_re_[k] - i * chirp_im_[k];
    im[k] = r * chirp_im_[k] + i * chirp_re_[k];
  }
}

void Fft::transform(double* re, double* im, bool inverse) const {
  // The inverse is the forward transform with real and imaginary parts exchanged.
  if (inverse) std::swap(re, im);
  if (n_ == m_) {
    radix2(re, im);
  } else {
    chirp(re, im);
  }
  if (!inverse) return;
  const double scale = 1 / static_cast<double>(n_);
  for (int64_t k = 0; k < n_; ++k) {
    re[k] *= scale;
    im[k] *= scale;
  }
}

}  // namespace anyrt
