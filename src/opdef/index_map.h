#pragma once

#include <cstdint>
#include <vector>

#include "tensor/tensor.h"

namespace anyrt {

// For every axis of a result the input index that each of its indices reads, or -1 for the fill value.
using IndexMaps = std::vector<std::vector<int64_t>>;

// The tensor that `maps` describe; `fill` is one element of x's dtype, or undefined for zero. Any dtype.
Expected<Tensor> gather_by_maps(const Tensor& x, const IndexMaps& maps, const Tensor& fill);

}  // namespace anyrt
