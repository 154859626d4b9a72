#include "opdef/fft.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

namespace anyrt {
namespace {

constexpr int64_t kMaxRadix = 61;  // beyond, a convolution is faster

// exp(-2 pi i k / n)
std::pair<double, double> root(int64_t k, int64_t n) {
  const double angle = -2 * std::numbers::pi * static_cast<double>(k % n) / static_cast<double>(n);
  return {std::cos(angle), std::sin(angle)};
}

// Factors of n, twos (as fours, one two first) before odd primes. Empty when a prime exceeds kMaxRadix.
std::vector<int64_t> factorize(int64_t n) {
  std::vector<int64_t> factors;
  int twos = 0;
  for (; n % 2 == 0; n /= 2) ++twos;
  if (twos % 2 == 1) factors.push_back(2);
  factors.insert(factors.end(), static_cast<size_t>(twos / 2), 4);
  for (int64_t p = 3; p <= kMaxRadix && n > 1; p += 2) {
    for (; n % p == 0; n /= p) factors.push_back(p);
  }
  if (n > 1) factors.clear();
  return factors;
}

// The transform of one column of `radix` values in place; r and i are scratch of that length where radix is odd.
template <class T>
void butterfly(int64_t radix, T* re, T* im, const T* cos, const T* sin, T* r, T* i) {
  if (radix == 2) {
    const T a = re[1], b = im[1];
    re[1] = re[0] - a;
    im[1] = im[0] - b;
    re[0] += a;
    im[0] += b;
    return;
  }
  if (radix == 4) {
    const T sr = re[0] + re[2], si = im[0] + im[2], dr = re[0] - re[2], di = im[0] - im[2];
    const T tr = re[1] + re[3], ti = im[1] + im[3], ur = re[1] - re[3], ui = im[1] - im[3];
    re[0] = sr + tr, im[0] = si + ti;
    re[1] = dr + ui, im[1] = di - ur;
    re[2] = sr - tr, im[2] = si - ti;
    re[3] = dr - ui, im[3] = di + ur;
    return;
  }
  // Odd: values j and radix - j share their cosines, and their sines but for the sign.
  const int64_t half = radix / 2;
  for (int64_t j = 1; j <= half; ++j) {
    r[j] = re[j] + re[radix - j], i[j] = im[j] + im[radix - j];
    r[radix - j] = re[j] - re[radix - j], i[radix - j] = im[j] - im[radix - j];
  }
  const T re0 = re[0], im0 = im[0];
  for (int64_t j = 1; j <= half; ++j) re[0] += r[j], im[0] += i[j];
  for (int64_t k = 1; k <= half; ++k) {
    T ar = re0, ai = im0, br = 0, bi = 0;
    for (int64_t j = 1; j <= half; ++j) {
      const int64_t at = j * k % radix;
      ar += cos[at] * r[j];
      ai += cos[at] * i[j];
      br += sin[at] * i[radix - j];
      bi += sin[at] * r[radix - j];
    }
    re[k] = ar - br, im[k] = ai + bi;
    re[radix - k] = ar + br, im[radix - k] = ai - bi;
  }
}

}  // namespace

template <class T>
Fft<T>::Fft(int64_t n) : n_(n) {
  const std::vector<int64_t> factors = factorize(n);
  int64_t before = 1;
  for (int64_t radix : factors) {
    Stage s{radix, before, n / before / radix, {}, {}};
    for (int64_t j = 1; j < radix; ++j) {
      for (int64_t i = 0; i < s.after; ++i) {
        const auto [c, v] = root(j * i, radix * s.after);
        s.cos.push_back(static_cast<T>(c));
        s.sin.push_back(static_cast<T>(v));
      }
    }
    for (int64_t k = 0; k < radix; ++k) {
      const auto [c, v] = root(k, radix);
      root_cos_.push_back(static_cast<T>(c));
      root_sin_.push_back(static_cast<T>(v));
    }
    before *= radix;
    stages_.push_back(std::move(s));
  }
  if (n == 1 || !factors.empty()) return;
  // j * k = (j² + k² - (k - j)²) / 2 turns the transform into a convolution.
  int64_t length = 1;
  while (length < 2 * n - 1) length *= 2;
  const size_t count = static_cast<size_t>(n), size = static_cast<size_t>(length);
  convolution_ = std::make_unique<Fft<double>>(length);
  chirp_re_.resize(count);
  chirp_im_.resize(count);
  filter_re_.assign(size, 0);
  filter_im_.assign(size, 0);
  for (size_t k = 0; k < count; ++k) {
    // k² modulo 2n keeps the angle small, and with it exact.
    const auto square = static_cast<unsigned __int128>(k) * k % (2 * count);
    const auto [c, v] = root(static_cast<int64_t>(square), 2 * n);
    chirp_re_[k] = filter_re_[k] = c;
    chirp_im_[k] = v;
    filter_im_[k] = -v;
    if (k > 0) {
      filter_re_[size - k] = c;
      filter_im_[size - k] = -v;
    }
  }
  convolution_->transform(filter_re_.data(), filter_im_.data(), false);
}

template <class T>
void Fft<T>::split(T* re, T* im) const {
  const size_t n = static_cast<size_t>(n_);
  std::vector<T> out_re(n), out_im(n);
  T column_re[kMaxRadix], column_im[kMaxRadix], scratch_re[kMaxRadix], scratch_im[kMaxRadix];
  const T *root_cos = root_cos_.data(), *root_sin = root_sin_.data();
  for (const Stage& s : stages_) {
    for (int64_t k = 0; k < s.before; ++k) {
      for (int64_t i = 0; i < s.after; ++i) {
        for (int64_t j = 0; j < s.radix; ++j) {
          column_re[j] = re[i + s.after * (j + s.radix * k)];
          column_im[j] = im[i + s.after * (j + s.radix * k)];
        }
        butterfly(s.radix, column_re, column_im, root_cos, root_sin, scratch_re, scratch_im);
        for (int64_t j = 0; j < s.radix; ++j) {
          const size_t at = static_cast<size_t>(i + s.after * (k + s.before * j));
          if (i == 0 || j == 0) {
            out_re[at] = column_re[j];
            out_im[at] = column_im[j];
            continue;
          }
          const size_t w = static_cast<size_t>((j - 1) * s.after + i);
          out_re[at] = column_re[j] * s.cos[w] - column_im[j] * s.sin[w];
          out_im[at] = column_re[j] * s.sin[w] + column_im[j] * s.cos[w];
        }
      }
    }
    std::copy(out_re.begin(), out_re.end(), re);
    std::copy(out_im.begin(), out_im.end(), im);
    root_cos += s.radix;
    root_sin += s.radix;
  }
}

template <class T>
void Fft<T>::convolve(T* re, T* im) const {
  const size_t count = static_cast<size_t>(n_), size = filter_re_.size();
  std::vector<double> ar(size, 0), ai(size, 0);
  for (size_t k = 0; k < count; ++k) {
    ar[k] = re[k] * chirp_re_[k] - im[k] * chirp_im_[k];
    ai[k] = re[k] * chirp_im_[k] + im[k] * chirp_re_[k];
  }
  convolution_->transform(ar.data(), ai.data(), false);
  for (size_t k = 0; k < size; ++k) {
    const double r = ar[k] * filter_re_[k] - ai[k] * filter_im_[k];
    ai[k] = ar[k] * filter_im_[k] + ai[k] * filter_re_[k];
    ar[k] = r;
  }
  convolution_->transform(ar.data(), ai.data(), true);
  for (size_t k = 0; k < count; ++k) {
    re[k] = static_cast<T>(ar[k] * chirp_re_[k] - ai[k] * chirp_im_[k]);
    im[k] = static_cast<T>(ar[k] * chirp_im_[k] + ai[k] * chirp_re_[k]);
  }
}

template <class T>
void Fft<T>::transform(T* re, T* im, bool inverse) const {
  // The inverse is the forward transform with real and imaginary parts exchanged.
  if (inverse) std::swap(re, im);
  if (convolution_) {
    convolve(re, im);
  } else {
    split(re, im);
  }
  if (!inverse) return;
  const T scale = 1 / static_cast<T>(n_);
  for (int64_t k = 0; k < n_; ++k) {
    re[k] *= scale;
    im[k] *= scale;
  }
}

template <class T>
void Fft<T>::transform_real(T* re, T* im, bool inverse) const {
  transform(re, im, inverse);
  im[0] = 0;
  if (n_ % 2 == 0) im[n_ / 2] = 0;
  for (int64_t k = 1; k < n_ - k; ++k) {
    re[n_ - k] = re[k];
    im[n_ - k] = -im[k];
  }
}

template class Fft<float>;
template class Fft<double>;

}  // namespace anyrt
