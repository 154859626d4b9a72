#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "opdef/attrs.h"
#include "tensor/dim.h"
#include "tensor/tensor.h"

// How Resize maps output positions to input positions, axis by axis.

namespace anyrt {

struct ResizeAxis {
  int64_t in = 1, out = 1;
  double scale = 1;  // out / in as given
  double roi_begin = 0, roi_end = 1;
};

// Sizes and scales of all axes. `scales` or `sizes` is empty; roi may be. All speak of attribute axes, or of every
// axis.
Expected<std::vector<ResizeAxis>> resize_axes(const AttrReader& a, const Dims& in, const std::vector<float>& scales,
                                              const std::vector<int64_t>& sizes, const std::vector<double>& roi);

enum class CoordinateMode : uint8_t {
  kHalfPixel,
  kHalfPixelSymmetric,
  kPytorchHalfPixel,
  kAlignCorners,
  kAsymmetric,
  kTfHalfPixel,
  kTfCropAndResize
};
Expected<CoordinateMode> read_coordinate_mode(const AttrReader& a);

// The elements of an axis that an output index is made of. One group of `taps` entries an output index; indices lie
// inside the input. `outside` marks indices that take the extrapolation value.
struct AxisFilter {
  int64_t taps = 1;
  std::vector<int64_t> index;
  std::vector<double> weight;
  std::vector<bool> outside;
};
struct FilterOptions {
  CoordinateMode coordinates = CoordinateMode::kHalfPixel;
  bool cubic = false, antialias = false, exclude_outside = false;
  double cubic_a = -0.75;
};
Expected<AxisFilter> make_filter(const ResizeAxis& axis, const FilterOptions& options);

// Which input index each output index copies; -1: the extrapolation value.
Expected<std::vector<int64_t>> nearest_map(const ResizeAxis& axis, CoordinateMode mode, const std::string& rounding);

}  // namespace anyrt
