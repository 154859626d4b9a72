#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "opdef/eval.h"
#include "opdef/shape_util.h"

// Linear quantisation: how scales and zero points spread over a tensor, and the arithmetic on integers less their zero
// points that the quantised operators share.

namespace anyrt {

// Where the parameter of element [outer, axis position, inner] lies: one for all, one an axis position, or one a block.
struct QuantGrid {
  int64_t outer = 1, axis = 1, inner = 1;  // the tensor as three axes
  int64_t block = 1;                       // axis positions that share a parameter
  int64_t outer_step = 0, axis_step = 0, inner_step = 0;
  int64_t param(int64_t o, int64_t a) const { return o * outer_step + a / block * axis_step; }  // + i * inner_step
};

// `scale` dims against `x` dims; block_size 0 means whole tensor or axis.
Expected<QuantGrid> quant_grid(const Dims& x, const Dims& scale, int64_t axis, int64_t block_size);

// Smallest and largest value of an integer type up to 32 bits.
struct IntRange {
  int64_t low, high;
};
IntRange int_range(DType dtype);

// int32 tensor of x less its zero point: none, one element, one an index of `axis` (where axis >= 0), or of a shape
// that broadcasts to x's.
Expected<Tensor> subtract_zero_point(const Tensor& x, const Tensor& zero_point, int axis);

// Round half to even, add the zero point, clamp. NaN gives the low end.
inline int64_t requantize(double v, int64_t zero_point, IntRange range) {
  constexpr double kBig = 1e15;  // beyond any clamp, and exact as int64
  const double r = std::nearbyint(v);
  if (!(r > -kBig)) return range.low;
  return std::clamp(static_cast<int64_t>(std::min(r, kBig)) + zero_point, range.low, range.high);
}

}  // namespace anyrt
