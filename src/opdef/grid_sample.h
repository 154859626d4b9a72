#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "opdef/attrs.h"
#include "tensor/tensor.h"

namespace anyrt {

// Settings of GridSample for planes of `dims`.
struct GridSampler {
  enum class Padding : uint8_t { kZeros, kBorder, kReflection };
  enum class Mode : uint8_t { kNearest, kLinear, kCubic };

  Dims dims, strides;
  Mode mode = Mode::kLinear;
  Padding padding = Padding::kZeros;
  bool align = false;
  int64_t taps() const { return mode == Mode::kNearest ? 1 : mode == Mode::kLinear ? 2 : 4; }
};
Expected<GridSampler> read_grid_sampler(const AttrReader& c, Dims dims);

// Folds x back at the borders until it lies between them.
template <class G>
G reflect_on_grid(G x, G low, G high) {
  const G range = high - low;
  if (range <= 0) return low;
  if (x >= low && x <= high) return x;
  const G distance = x < low ? low - x : x - high;
  const G rest = std::fmod(distance, range);
  const bool even = std::fmod(std::floor(distance / range), G(2)) == 0;
  return (x < low) == even ? low + rest : high - rest;
}

template <class G>
void grid_cubic_weights(G t, G* w) {
  constexpr G a = G(-0.75);
  const G u = 1 - t;
  w[0] = ((a * (t + 1) - 5 * a) * (t + 1) + 8 * a) * (t + 1) - 4 * a;
  w[1] = ((a + 2) * t - (a + 3)) * t * t + 1;
  w[2] = ((a + 2) * u - (a + 3)) * u * u + 1;
  w[3] = ((a * (u + 1) - 5 * a) * (u + 1) + 8 * a) * (u + 1) - 4 * a;
}

// The elements of one axis that coordinate g reads: index[taps] (-1: zero) and weight[taps].
template <class G>
void place_on_grid(const GridSampler& s, size_t axis, G g, int64_t* index, G* weight) {
  const int64_t n = s.dims[axis];
  const G size = static_cast<G>(n), low = s.align ? G(0) : G(-0.5), high = s.align ? size - 1 : size - G(0.5);
  G x = s.align ? (g + 1) / 2 * (size - 1) : ((g + 1) * size - 1) / 2;
  if (s.mode == GridSampler::Mode::kNearest) x = std::nearbyint(x);
  if (std::isnan(x)) x = -size - 4;
  // Cubic windows stay where they are: their elements are clamped one by one.
  if (s.padding == GridSampler::Padding::kBorder && s.mode != GridSampler::Mode::kCubic)
    x = std::clamp(x, G(0), size - 1);
  if (s.padding == GridSampler::Padding::kReflection) x = std::isinf(x) ? low : reflect_on_grid(x, low, high);
  x = std::clamp(x, G(-4), size + 3);  // further out nothing changes
  const int64_t taps = s.taps(), base = static_cast<int64_t>(std::floor(x)), first = base - (taps == 4 ? 1 : 0);
  const G part = x - static_cast<G>(base);
  weight[0] = 1;
  if (s.mode == GridSampler::Mode::kLinear) {
    weight[0] = 1 - part;
    weight[1] = part;
  } else if (s.mode == GridSampler::Mode::kCubic) {
    grid_cubic_weights(part, weight);
  }
  for (int64_t k = 0; k < taps; ++k) {
    int64_t i = first + k;
    if (i < 0 || i >= n) {
      if (s.padding == GridSampler::Padding::kZeros) i = -1;
      if (s.padding == GridSampler::Padding::kBorder) i = std::clamp<int64_t>(i, 0, n - 1);
      if (s.padding == GridSampler::Padding::kReflection) {
        i = std::clamp<int64_t>(static_cast<int64_t>(reflect_on_grid(static_cast<G>(i), low, high)), 0, n - 1);
      }
    }
    index[k] = i;
  }
}

}  // namespace anyrt
