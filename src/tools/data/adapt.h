#pragma once

#include "base/status.h"
#include "tensor/tensor.h"
#include "tensor/type.h"

namespace anyrt {

// To another element type without changing a value, but for the rounding of narrower floats: an element that the type
// cannot hold is an error that names it.
Expected<Tensor> convert_exactly(const Tensor& x, DType to);

// True when the shape is possible for the type: same rank, fixed dimensions agree.
bool fits_shape(const Type& type, const Dims& dims);

// Makes a tensor fit a tensor type: element type by convert_exactly; axes of size 1 are added or dropped in front, or
// one dropped at the end. What then does not fit is an error that shows both.
Expected<Tensor> adapt_tensor(const Tensor& x, const Type& type);

}  // namespace anyrt
