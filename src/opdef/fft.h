#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace anyrt {

// Discrete Fourier transforms of one length n >= 1, computed in T (float or double). Lengths whose prime factors are
// small are split by them; others become a convolution of a power of two in double. Const calls may run on several
// threads with buffers of their own.
template <class T>
class Fft {
 public:
  explicit Fft(int64_t n);
  int64_t size() const { return n_; }
  // X[k] = sum over j of x[j] * exp(-2 pi i j k / n); with `inverse` the sign is + and the result is divided by n.
  void transform(T* re, T* im, bool inverse) const;
  // The same where im is zero on entry: the result has the symmetry X[n - k] = conj(X[k]) to the last bit.
  void transform_real(T* re, T* im, bool inverse) const;

  struct Stage {
    int64_t radix, before, after;  // n = before * radix * after
    std::vector<T> cos, sin;       // of the outputs 1 … radix - 1 at positions 0 … after - 1
  };
  // None for a length that becomes a convolution.
  const std::vector<Stage>& stages() const { return stages_; }
  // Roots of unity of each stage's radix, stage after stage.
  const std::vector<T>& root_cos() const { return root_cos_; }
  const std::vector<T>& root_sin() const { return root_sin_; }

 private:
  void split(T* re, T* im) const;
  void convolve(T* re, T* im) const;

  int64_t n_;
  std::vector<Stage> stages_;
  std::vector<T> root_cos_, root_sin_;
  // Convolution: exp(-pi i k² / n), and the transform of its conjugate continued periodically.
  std::vector<double> chirp_re_, chirp_im_, filter_re_, filter_im_;
  std::unique_ptr<Fft<double>> convolution_;
};

}  // namespace anyrt
