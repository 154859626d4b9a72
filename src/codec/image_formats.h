#pragma once

#include "base/status.h"
#include "codec/bytes.h"
#include "tensor/tensor.h"

namespace anyrt {

// What each format's decoder gives: gray or RGB pixels, uint8 [height, width, channels].
struct Raster {
  int64_t width = 0, height = 0;
  int channels = 0;
  int orientation = 1;  // EXIF, 1 to 8
  Tensor pixels;

  uint8_t* row(int64_t y) { return pixels.mutable_data<uint8_t>() + y * width * channels; }
};

// Checks the size against the limit, and against what a file of that many bytes can hold at best.
Status check_image_size(uint64_t width, uint64_t height, size_t file_size, int64_t max_pixels);
// The same, then allocates the pixels (not initialised).
Expected<Raster> make_raster(uint64_t width, uint64_t height, int channels, size_t file_size, int64_t max_pixels);

Expected<Raster> decode_jpeg(Bytes file, int64_t max_pixels);
Expected<Raster> decode_png(Bytes file, int64_t max_pixels);
Expected<Raster> decode_webp(Bytes file, int64_t max_pixels);
Expected<Raster> decode_bmp(Bytes file, int64_t max_pixels);
Expected<Raster> decode_tiff(Bytes file, int64_t max_pixels);
Expected<Raster> decode_pnm(Bytes file, int64_t max_pixels);
Expected<Raster> decode_jpeg2000(Bytes file, int64_t max_pixels);

// The orientation tag of an EXIF block ("II*\0…" or "MM\0*…"); 1 when it has none or is broken.
int exif_orientation(Bytes exif);

// a*b/255, rounded.
inline int mul_div_255(int a, int b) {
  const int t = a * b + 128;
  return ((t >> 8) + t) >> 8;
}

}  // namespace anyrt
