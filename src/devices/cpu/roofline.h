#pragma once

namespace anyrt::cpu {

// What this machine reaches, measured in some milliseconds: multiply-adds of floats in registers (two operations each)
// and reading a buffer that lies in the last-level cache.
struct Roofline {
  double flops_per_second = 0;
  double bytes_per_second = 0;

  // Seconds that this work takes at least.
  double bound(double flops, double bytes) const {
    const double a = flops / flops_per_second, b = bytes / bytes_per_second;
    return a > b ? a : b;
  }
};
Roofline measure_roofline(int threads);

}  // namespace anyrt::cpu
