#include "codec/image.h"

#include <algorithm>

#include "codec/image_formats.h"
#include "tensor/file.h"

namespace anyrt {

namespace {

struct Format {
  std::string_view name;
  bool (*matches)(std::string_view head);
  Expected<Raster> (*decode)(Bytes file, int64_t max_pixels);
  bool always_upright = false;
};

constexpr std::string_view kJp2Signature("\0\0\0\x0cjP  \r\n\x87\n", 12);

constexpr Format kFormats[] = {
    {"jpeg", [](std::string_view h) { return h.starts_with("\xff\xd8\xff"); }, decode_jpeg},
    {"png", [](std::string_view h) { return h.starts_with("\x89PNG\r\n\x1a\n"); }, decode_png},
    {"webp", [](std::string_view h) { return h.size() > 11 && h.starts_with("RIFF") && h.substr(8, 4) == "WEBP"; },
     decode_webp},
    {"bmp", [](std::string_view h) { return h.starts_with("BM"); }, decode_bmp},
    {"tiff",
     [](std::string_view h) {
       const std::string_view magic = h.substr(0, 4);
       return magic == std::string_view("II*\0", 4) || magic == std::string_view("MM\0*", 4) ||
              magic == std::string_view("II+\0", 4) || magic == std::string_view("MM\0+", 4);
     },
     decode_tiff, true},
    {"pnm", [](std::string_view h) { return h.size() > 2 && h[0] == 'P' && h[1] >= '1' && h[1] <= '6'; }, decode_pnm},
    {"jpeg2000", [](std::string_view h) { return h.starts_with(kJp2Signature) || h.starts_with("\xff\x4f\xff\x51"); },
     decode_jpeg2000},
};

const Format* find_format(Bytes file) {
  const std::string_view head = as_text(file.first(std::min<size_t>(file.size(), 16)));
  const auto* it =
      std::find_if(std::begin(kFormats), std::end(kFormats), [&](const Format& f) { return f.matches(head); });
  return it == std::end(kFormats) ? nullptr : it;
}

// Turns the stored picture into the upright one: transposes for orientations 5 to 8, mirrors for the others.
Expected<Raster> oriented(Raster in) {
  const int o = in.orientation;
  if (o <= 1 || o > 8) return in;
  const bool transpose = o >= 5;
  const bool flip_x = o == 2 || o == 3 || o == 7 || o == 8;  // in the stored picture
  const bool flip_y = o == 3 || o == 4 || o == 6 || o == 7;
  Raster out;
  out.width = transpose ? in.height : in.width;
  out.height = transpose ? in.width : in.height;
  out.channels = in.channels;
  ANYRT_ASSIGN(out.pixels, Tensor::make(DType::kUInt8, {out.height, out.width, out.channels}));
  const size_t c = static_cast<size_t>(in.channels);
  for (int64_t y = 0; y < out.height; ++y) {
    uint8_t* to = out.row(y);
    for (int64_t x = 0; x < out.width; ++x, to += c) {
      // Stored coordinates of the pixel shown at (x, y).
      const int64_t u = transpose ? y : x, v = transpose ? x : y;
      const uint8_t* from = in.row(flip_y ? in.height - 1 - v : v) + (flip_x ? in.width - 1 - u : u) * in.channels;
      std::copy_n(from, c, to);
    }
  }
  return out;
}

uint8_t luminance(const uint8_t* rgb) {
  return static_cast<uint8_t>((rgb[0] * 19595 + rgb[1] * 38470 + rgb[2] * 7471 + 0x8000) >> 16);
}

Expected<Tensor> in_format(Raster in, PixelFormat format) {
  const int64_t count = in.width * in.height;
  const int channels = format == PixelFormat::kGrayscale ? 1 : 3;
  if (in.channels == channels) {
    if (format == PixelFormat::kBgr) {
      uint8_t* p = in.pixels.mutable_data<uint8_t>();
      for (int64_t i = 0; i < count; ++i, p += 3) std::swap(p[0], p[2]);
    }
    return std::move(in.pixels);
  }
  ANYRT_ASSIGN(Tensor out, Tensor::make(DType::kUInt8, {in.height, in.width, channels}));
  const uint8_t* from = in.pixels.data<uint8_t>();
  uint8_t* to = out.mutable_data<uint8_t>();
  if (channels == 1) {
    for (int64_t i = 0; i < count; ++i, from += 3) to[i] = luminance(from);
  } else {
    for (int64_t i = 0; i < count; ++i, to += 3) std::fill_n(to, 3, from[i]);
  }
  return out;
}

}  // namespace

Status check_image_size(uint64_t width, uint64_t height, size_t file_size, int64_t max_pixels) {
  if (width == 0 || height == 0) return invalid_argument("the picture is {} x {} pixels", width, height);
  if (width > INT32_MAX || height > INT32_MAX || width * height > static_cast<uint64_t>(max_pixels)) {
    return make_error(Code::kResourceExhausted, "the picture has {} x {} pixels, at most {} are allowed", width, height,
                      max_pixels);
  }
  // No format packs more than this, blank fax pages included.
  constexpr uint64_t kPixelsPerByte = 16384;
  if (width * height / kPixelsPerByte > file_size + 4096) {
    return invalid_argument("{} bytes cannot hold {} x {} pixels", file_size, width, height);
  }
  return ok_status();
}

Expected<Raster> make_raster(uint64_t width, uint64_t height, int channels, size_t file_size, int64_t max_pixels) {
  ANYRT_TRY(check_image_size(width, height, file_size, max_pixels));
  Raster r;
  r.width = static_cast<int64_t>(width);
  r.height = static_cast<int64_t>(height);
  r.channels = channels;
  ANYRT_ASSIGN(r.pixels, Tensor::make(DType::kUInt8, {r.height, r.width, channels}));
  return r;
}

std::string_view image_format_of(Bytes file) {
  const Format* format = find_format(file);
  return format ? format->name : "";
}

Expected<Tensor> decode_image(Bytes file, const ImageOptions& options) {
  const Format* format = find_format(file);
  if (!format) {
    return invalid_argument("not a JPEG, PNG, WebP, BMP, TIFF, PNM or JPEG 2000 picture ({} bytes)", file.size());
  }
  auto raster = format->decode(file, options.max_pixels);
  if (!raster.ok()) return std::move(raster).status().with_context(format->name);
  if (options.orient || format->always_upright) {
    raster = oriented(*std::move(raster));
    if (!raster.ok()) return std::move(raster).status();
  }
  return in_format(*std::move(raster), options.format);
}

Expected<Tensor> read_image(const std::string& path, const ImageOptions& options) {
  ANYRT_ASSIGN(const auto file, load_file(path));
  auto image = decode_image({file->data(), file->size()}, options);
  if (!image.ok()) return std::move(image).status().with_context(path);
  return image;
}

Status write_png(const std::string& path, const Tensor& pixels) {
  return encode_to_file(path, [&](ByteSink& sink) { return encode_png(pixels, sink); });
}

}  // namespace anyrt
