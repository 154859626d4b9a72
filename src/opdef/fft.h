#pragma once

#include <cstdint>
#include <vector>

namespace anyrt {

// Discrete Fourier transforms of one length n >= 1, in double precision: powers of two by halving, other lengths as a
// convolution of a power of two. Const calls may run on several threads with buffers of their own.
class Fft {
 public:
  explicit Fft(int64_t n);
  int64_t size() const { return n_; }
  // X[k] = sum over j of x[j] * exp(-2 pi i j k / n); with `inverse` the sign is + and the result is divided by n.
  void transform(double* re, double* im, bool inverse) const;

 private:
  void radix2(double* re, double* im) const;                         // length m_
  void chirp(double* re, double* im) const;                          // length n_ by convolution
  int64_t n_, m_;                                                    // m_: the power of two in use
  std::vector<double> cos_, sin_;                                    // twiddles of m_
  std::vector<double> chirp_re_, chirp_im_, filter_re_, filter_im_;  // empty when n_ == m_
};

}  // namespace anyrt
