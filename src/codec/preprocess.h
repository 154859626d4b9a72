#pragma once

#include <string_view>
#include <vector>

#include "base/status.h"
#include "tensor/tensor.h"

namespace anyrt {

// (x * scale - mean[c]) / std[c] in float32, c counting along the last axis of `x` (any real number type). `mean` and
// `std` have no value (0 and 1), one for all channels, or one for each.
struct Normalise {
  double scale = 1;
  std::vector<double> mean;
  std::vector<double> std;
};
Expected<Tensor> normalise(const Tensor& x, const Normalise& options);

// Order of the axes a model wants. Pictures are HWC; the others add a leading axis of 1 (N) or move the channels to the
// front.
enum class ImageLayout : uint8_t { kHwc, kChw, kNhwc, kNchw };
Expected<ImageLayout> parse_image_layout(std::string_view name);  // "HWC", "CHW", "NHWC", "NCHW", small letters too
Expected<Tensor> to_image_layout(const Tensor& hwc, ImageLayout layout);

// Axes permuted: axis i of the result is axis order[i] of `x`.
Expected<Tensor> permuted(const Tensor& x, const std::vector<int>& order);

// Swaps the first and third of three or four channels (RGB to BGR and back); the last axis counts the channels.
Expected<Tensor> swap_red_and_blue(const Tensor& hwc);

// To another element type for feeding a model: floats become integers by rounding to nearest even and clamping, NaN
// becomes 0; integers are clamped. Everything else is as cast_tensor.
Expected<Tensor> convert_elements(const Tensor& x, DType to);

}  // namespace anyrt
