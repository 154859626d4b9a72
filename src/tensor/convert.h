#pragma once

#include <cstddef>

#include "tensor/dtype.h"

namespace anyrt {

// Converts `n` elements with the semantics of ONNX Cast. Neither dtype may be string or undefined; a complex number
// loses its imaginary part on the way to a real type. `from` and `to` must not overlap.
void convert_elements(DType from_dtype, const void* from, DType to_dtype, void* to, size_t n, bool saturate = true,
                      F8Round round = F8Round::kNearest);

}  // namespace anyrt
