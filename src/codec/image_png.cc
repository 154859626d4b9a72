#include "codec/image.h"
#include "codec/image_formats.h"

#if ANYRT_HAVE_PNG
#include <png.h>

#include <csetjmp>
#include <cstdio>
#endif

namespace anyrt {

#if ANYRT_HAVE_PNG

namespace {

struct Errors {
  char message[256] = {};
};

[[noreturn]] void on_error(png_structp png, png_const_charp message) {
  auto* errors = static_cast<Errors*>(png_get_error_ptr(png));
  std::snprintf(errors->message, sizeof(errors->message), "%s", message);
  png_longjmp(png, 1);
}
void on_warning(png_structp, png_const_charp) {}

// What must be destroyed lives here, outside of the functions that longjmp returns to.
struct Decoder {
  Bytes rest;
  Errors errors;
  png_structp png = nullptr;
  png_infop info = nullptr;
  Raster raster;
  std::vector<png_bytep> rows;
  Status status;

  ~Decoder() { png_destroy_read_struct(&png, &info, nullptr); }

  Status prepare(size_t file_size, int64_t max_pixels) {
    const int channels = png_get_channels(png, info);
    if (channels != 1 && channels != 3) return internal_error("{} channels after conversion", channels);
    ANYRT_ASSIGN(raster, make_raster(png_get_image_width(png, info), png_get_image_height(png, info), channels,
                                     file_size, max_pixels));
    const size_t stride = static_cast<size_t>(raster.width) * static_cast<size_t>(channels);
    if (png_get_rowbytes(png, info) != stride) return internal_error("rows of {} bytes", png_get_rowbytes(png, info));
    rows.resize(static_cast<size_t>(raster.height));
    for (size_t y = 0; y < rows.size(); ++y) rows[y] = raster.row(static_cast<int64_t>(y));
    return ok_status();
  }
};

void on_read(png_structp png, png_bytep out, size_t length) {
  auto* d = static_cast<Decoder*>(png_get_io_ptr(png));
  if (length > d->rest.size()) png_error(png, "the file is truncated");
  std::memcpy(out, d->rest.data(), length);
  d->rest = d->rest.subspan(length);
}

bool run(Decoder& d, size_t file_size, int64_t max_pixels) {
  png_structp png = d.png;
  png_infop info = d.info;
  if (setjmp(png_jmpbuf(png))) return false;
  png_set_read_fn(png, &d, on_read);
  png_set_user_limits(png, 0x7fffffff, 0x7fffffff);
  png_set_chunk_malloc_max(png, 64 << 20);
  png_set_chunk_cache_max(png, 256);
  png_read_info(png, info);
  // Before the library allocates anything by these numbers.
  d.status = check_image_size(png_get_image_width(png, info), png_get_image_height(png, info), file_size, max_pixels);
  if (!d.status.ok()) return false;
  png_set_palette_to_rgb(png);
  png_set_expand_gray_1_2_4_to_8(png);
  png_set_strip_16(png);
  png_set_strip_alpha(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
  d.status = d.prepare(file_size, max_pixels);
  if (!d.status.ok()) return false;
  png_read_image(png, d.rows.data());
  png_read_end(png, info);
  png_bytep exif = nullptr;
  png_uint_32 exif_size = 0;
  if (png_get_eXIf_1(png, info, &exif_size, &exif)) {
    d.raster.orientation = exif_orientation({reinterpret_cast<const std::byte*>(exif), exif_size});
  }
  return true;
}

struct Encoder {
  ByteSink* sink = nullptr;
  Errors errors;
  png_structp png = nullptr;
  png_infop info = nullptr;
  Status status;

  ~Encoder() { png_destroy_write_struct(&png, &info); }
};

void on_write(png_structp png, png_bytep data, size_t length) {
  auto* e = static_cast<Encoder*>(png_get_io_ptr(png));
  e->status = e->sink->write({reinterpret_cast<const std::byte*>(data), length});
  if (!e->status.ok()) png_error(png, "cannot write");
}

bool run(Encoder& e, const uint8_t* pixels, int64_t width, int64_t height, int64_t channels) {
  constexpr int kColorTypes[] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
                                 PNG_COLOR_TYPE_RGB_ALPHA};
  if (setjmp(png_jmpbuf(e.png))) return false;
  png_set_write_fn(e.png, &e, on_write, nullptr);
  png_set_user_limits(e.png, 0x7fffffff, 0x7fffffff);
  png_set_IHDR(e.png, e.info, static_cast<png_uint_32>(width), static_cast<png_uint_32>(height), 8,
               kColorTypes[channels - 1], PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(e.png, e.info);
  for (int64_t y = 0; y < height; ++y) png_write_row(e.png, pixels + y * width * channels);
  png_write_end(e.png, e.info);
  return true;
}

Status out_of_memory() { return make_error(Code::kResourceExhausted, "out of memory"); }

}  // namespace

Expected<Raster> decode_png(Bytes file, int64_t max_pixels) {
  Decoder d;
  d.rest = file;
  d.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &d.errors, on_error, on_warning);
  if (!d.png) return out_of_memory();
  d.info = png_create_info_struct(d.png);
  if (!d.info) return out_of_memory();
  if (run(d, file.size(), max_pixels)) return std::move(d.raster);
  if (!d.status.ok()) return std::move(d.status);
  return invalid_argument("{}", d.errors.message);
}

Status encode_png(const Tensor& pixels, ByteSink& sink) {
  const int64_t channels = pixels.rank() == 3 ? pixels.dim(2) : 1;
  if (pixels.dtype() != DType::kUInt8 || pixels.rank() < 2 || pixels.rank() > 3 || channels < 1 || channels > 4 ||
      pixels.size() == 0 || pixels.dim(0) > INT32_MAX || pixels.dim(1) > INT32_MAX) {
    return invalid_argument("a PNG picture is made of uint8[H,W] or uint8[H,W,C] with 1 to 4 channels, found {}",
                            pixels.type_string());
  }
  Encoder e;
  e.sink = &sink;
  e.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &e.errors, on_error, on_warning);
  if (!e.png) return out_of_memory();
  e.info = png_create_info_struct(e.png);
  if (!e.info) return out_of_memory();
  if (run(e, pixels.data<uint8_t>(), pixels.dim(1), pixels.dim(0), channels)) return ok_status();
  if (!e.status.ok()) return std::move(e.status);
  return internal_error("png: {}", e.errors.message);
}

#else

namespace {
Status missing() { return not_implemented("this build has no PNG support (ANYRT_PNG=OFF)"); }
}  // namespace

Expected<Raster> decode_png(Bytes, int64_t) { return missing(); }
Status encode_png(const Tensor&, ByteSink&) { return missing(); }

#endif

}  // namespace anyrt
