#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "codec/bytes.h"
#include "codec/sink.h"
#include "tensor/tensor.h"

namespace anyrt {

enum class PixelFormat : uint8_t { kRgb, kBgr, kGrayscale };

struct ImageOptions {
  PixelFormat format = PixelFormat::kRgb;
  bool orient = false;  // turn the picture upright as its EXIF data say
  int64_t max_pixels = int64_t{1} << 30;
};

// Decodes a JPEG, PNG, WebP, BMP, TIFF, PNM (P1 to P6) or JPEG 2000 file, told apart by its first bytes, to uint8 [H,
// W, C], C = 3 or 1.
//
// Pixels are those that Pillow gives: JPEG by the accurate integer DCT with smooth chroma upsampling; alpha is dropped,
// not blended; samples of 16 bits lose the low 8 (JPEG 2000: are rounded); gray from colour is (19595 R + 38470 G +
// 7471 B + 32768) >> 16; CMYK is taken as Adobe stores it. Of animations and multi-page files the first picture is
// read. TIFF pictures are always upright. Truncated data are an error. Formats that the build leaves out give
// NotImplemented.
Expected<Tensor> decode_image(Bytes file, const ImageOptions& options = {});
Expected<Tensor> read_image(const std::string& path, const ImageOptions& options = {});

// "jpeg", "png", "webp", "bmp", "tiff", "pnm", "jpeg2000", or "" when the first bytes are none of these.
std::string_view image_format_of(Bytes file);

// `pixels` is uint8 [H, W] or [H, W, C], C = 1 (gray), 2 (gray, alpha), 3 (RGB), 4 (RGB, alpha).
Status encode_png(const Tensor& pixels, ByteSink& sink);
Status write_png(const std::string& path, const Tensor& pixels);

}  // namespace anyrt
