#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "opdef/eval.h"

namespace anyrt {

// A stream of random numbers that is the same on every machine (SplitMix64).
class RandomStream {
 public:
  explicit RandomStream(uint64_t seed) : state_(seed) {}

  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15ull;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }
  // In [0, 1), 53 random bits.
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  // Mean 0, variance 1, by Box and Muller.
  double normal() {
    constexpr double kTau = 6.283185307179586;
    const double radius = std::sqrt(-2 * std::log(1 - uniform()));
    return radius * std::cos(kTau * uniform());
  }

 private:
  uint64_t state_;
};

// Seeded by the node's attribute `seed` (INT or FLOAT), else by the run.
inline RandomStream random_stream(EvalContext& c) {
  if (!c.has_attr("seed")) return RandomStream(c.random_seed());
  const float f = c.f("seed");
  uint32_t bits = 0;
  std::memcpy(&bits, &f, sizeof bits);
  return RandomStream(static_cast<uint64_t>(c.i("seed")) ^ bits);
}

}  // namespace anyrt
