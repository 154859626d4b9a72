#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace anyrt {

// A buffer of `bytes` that is live from step `first` to step `last`, both included.
struct Lifetime {
  size_t bytes = 0;
  uint32_t first = 0;
  uint32_t last = 0;
};

struct Placement {
  std::vector<size_t> offsets;  // one a lifetime
  size_t total = 0;             // size of the arena
};

// Gives every buffer an offset so that buffers that are live at the same time do not overlap: largest first, each into
// the smallest gap that fits (best fit by decreasing size). Offsets are multiples of `alignment`.
Placement place_buffers(std::span<const Lifetime> lifetimes, size_t alignment = 64);

// The bytes live at the busiest step: no placement can do with less.
size_t peak_live_bytes(std::span<const Lifetime> lifetimes, size_t alignment = 64);

}  // namespace anyrt
