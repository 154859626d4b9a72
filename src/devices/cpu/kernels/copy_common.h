#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"
#include "tensor/tensor.h"

namespace anyrt::cpu {

// Copies of elements between two regular arrangements: every element of a box of `dims`, read at `from` strides and
// written at `to` strides (in elements; 0 repeats, negative walks backwards). Transpose, Slice, Expand, Tile, Concat
// and the like are such copies. What can be merged is, and the innermost loop is chosen, when it is made.
class StridedCopy {
 public:
  StridedCopy() = default;
  StridedCopy(size_t element_bytes, const Dims& dims, const Dims& from, const Dims& to);
  // `source` and `target` point to the first element of the box; they do not overlap.
  void run(const void* source, void* target, int threads) const;

 private:
  struct Axis {
    int64_t size, from, to;  // strides in bytes
  };
  enum class Inner : uint8_t { kBytes, kElements, kTranspose };

  void run_part(const std::byte* source, std::byte* target, int64_t begin, int64_t end) const;
  void run_inner(const std::byte* source, std::byte* target) const;

  std::vector<Axis> outer_;  // outermost first
  Axis rows_{1, 0, 0}, columns_{1, 0, 0};
  Inner inner_ = Inner::kBytes;
  size_t element_ = 1;
  int64_t outer_count_ = 0, inner_bytes_ = 0;
};

}  // namespace anyrt::cpu
