#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/status.h"
#include "tensor/tensor.h"

namespace anyrt {

// How ScatterElements and ScatterND combine an update with the element it falls on.
enum class ScatterReduction { kNone, kAdd, kMul, kMin, kMax };

Expected<ScatterReduction> parse_scatter_reduction(std::string_view name);

// Run k of `updates` (`length` elements) goes to y's elements from offsets[k] on, in the order of k. Narrow types round
// after each update; strings can be added (joined).
Status scatter_runs(Tensor& y, const Tensor& updates, std::span<const int64_t> offsets, int64_t length,
                    ScatterReduction reduction);

// The same for elements that are not strings, of dtype `dtype`, wherever they lie.
Status scatter_runs(DType dtype, void* y, const void* updates, std::span<const int64_t> offsets, int64_t length,
                    ScatterReduction reduction);

}  // namespace anyrt
