#pragma once

#include <string_view>
#include <vector>

#include "base/status.h"
#include "tensor/tensor.h"

namespace anyrt {

enum class Resample : uint8_t { kNearest, kBox, kBilinear, kBicubic, kLanczos };

// "nearest", "box" or "area", "bilinear" or "linear", "bicubic" or "cubic", "lanczos".
Expected<Resample> parse_resample(std::string_view name);

struct ResizeOptions {
  Resample filter = Resample::kBilinear;
  // true: as Pillow. Where the picture shrinks the filter is as much wider, so that every pixel counts; weights beyond
  // the
  //   border are dropped and the others scaled to sum 1; cubic a = -0.5; rows first, then columns, each rounded to
  //   uint8.
  // false: as OpenCV. The filter always spans its two or four nearest pixels, the border repeats; cubic a = -0.75.
  bool antialias = true;
};

// Pictures are [H, W, C], uint8 or float32. Pixel centres map as (i + 0.5) * in / out - 0.5; nearest takes the pixel
// floor((i + 0.5) * in / out).
Expected<Tensor> resize_image(const Tensor& image, int64_t height, int64_t width, const ResizeOptions& options = {});

// The shorter side becomes `size`, the longer one size * longer / shorter, rounded down.
Expected<Tensor> resize_shorter_side(const Tensor& image, int64_t size, const ResizeOptions& options = {});

struct Letterbox {
  Tensor image;
  // Where the picture lies: pixel (x, y) of the original is at (left + x * scale, top + y * scale).
  int64_t left = 0, top = 0;
  double scale = 1;
};

// Resizes as large as fits into height x width with its proportions, sides rounded to nearest, and fills the rest with
// `colour` (one value or one for each channel), half of it on either side, or all right and below when not `centred`.
Expected<Letterbox> letterbox_image(const Tensor& image, int64_t height, int64_t width,
                                    const std::vector<float>& colour, bool centred = true,
                                    const ResizeOptions& options = {});

// The middle height x width pixels, which must be there; odd margins are split to even offsets.
Expected<Tensor> centre_crop(const Tensor& image, int64_t height, int64_t width);

Status check_picture(const Tensor& image);  // InvalidArgument unless uint8 or float32 [H, W, C] with H, W, C > 0

}  // namespace anyrt
