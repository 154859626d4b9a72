#include "codec/image_formats.h"

#if ANYRT_HAVE_TIFF
#include <tiffio.h>

#include <algorithm>
#include <cstdio>
#include <vector>
#endif

namespace anyrt {

#if ANYRT_HAVE_TIFF

namespace {

struct Source {
  Bytes file;
  uint64_t at = 0;
  char message[512] = {};
};

tmsize_t on_read(thandle_t handle, void* out, tmsize_t length) {
  auto* s = static_cast<Source*>(handle);
  if (length <= 0 || s->at >= s->file.size()) return 0;
  const size_t n = std::min<size_t>(static_cast<size_t>(length), s->file.size() - s->at);
  std::memcpy(out, s->file.data() + s->at, n);
  s->at += n;
  return static_cast<tmsize_t>(n);
}

toff_t on_seek(thandle_t handle, toff_t offset, int whence) {
  auto* s = static_cast<Source*>(handle);
  s->at = offset + (whence == SEEK_CUR ? s->at : whence == SEEK_END ? s->file.size() : 0);
  return s->at;
}

int on_map(thandle_t handle, void** base, toff_t* size) {
  auto* s = static_cast<Source*>(handle);
  *base = const_cast<std::byte*>(s->file.data());
  *size = s->file.size();
  return 1;
}

// The first error is the cause, later ones follow from it.
int on_error(TIFF*, void* user, const char*, const char* format, va_list arguments) {
  auto* s = static_cast<Source*>(user);
  if (s->message[0] == '\0') std::vsnprintf(s->message, sizeof(s->message), format, arguments);
  return 1;
}

struct Close {
  void operator()(TIFF* tiff) const { TIFFClose(tiff); }
};

using Handle = std::unique_ptr<TIFF, Close>;

Handle open(Source& source) {
  TIFFOpenOptions* options = TIFFOpenOptionsAlloc();
  if (!options) return nullptr;
  TIFFOpenOptionsSetErrorHandlerExtR(options, on_error, &source);
  TIFFOpenOptionsSetWarningHandlerExtR(
      options, [](TIFF*, void*, const char*, const char*, va_list) { return 1; }, nullptr);
  TIFFOpenOptionsSetMaxSingleMemAlloc(options, tmsize_t{1} << 32);
  const auto ignore_write = [](thandle_t, void*, tmsize_t) -> tmsize_t { return 0; };
  const auto ignore_close = [](thandle_t) { return 0; };
  const auto size = [](thandle_t h) -> toff_t { return static_cast<Source*>(h)->file.size(); };
  Handle tiff(TIFFClientOpenExt(
      "memory", "r", &source, on_read, ignore_write, on_seek, ignore_close, size, on_map,
      [](thandle_t, void*, toff_t) {}, options));
  TIFFOpenOptionsFree(options);
  return tiff;
}

}  // namespace

Expected<Raster> decode_tiff(Bytes file, int64_t max_pixels) {
  Source source{file, 0, {}};
  const Handle tiff = open(source);
  auto failed = [&](std::string_view otherwise) {
    return invalid_argument("{}", source.message[0] ? std::string_view(source.message) : otherwise);
  };
  if (!tiff) return failed("cannot be opened");
  uint32_t width = 0, height = 0;
  uint16_t photometric = 0, compression = 0, samples = 1;
  if (!TIFFGetField(tiff.get(), TIFFTAG_IMAGEWIDTH, &width) ||
      !TIFFGetField(tiff.get(), TIFFTAG_IMAGELENGTH, &height)) {
    return failed("width or height is missing");
  }
  ANYRT_TRY(check_image_size(width, height, file.size(), max_pixels));
  TIFFGetFieldDefaulted(tiff.get(), TIFFTAG_COMPRESSION, &compression);
  TIFFGetFieldDefaulted(tiff.get(), TIFFTAG_PHOTOMETRIC, &photometric);
  TIFFGetFieldDefaulted(tiff.get(), TIFFTAG_SAMPLESPERPIXEL, &samples);
  if (compression == COMPRESSION_JPEG && photometric == PHOTOMETRIC_YCBCR) {
    // The JPEG library converts colours more exactly.
    TIFFSetField(tiff.get(), TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
  }
  if (photometric == PHOTOMETRIC_RGB && samples == 4) {
    // Said to be multiplied already, so that the library leaves the colours as they are.
    const uint16_t alpha = EXTRASAMPLE_ASSOCALPHA;
    TIFFSetField(tiff.get(), TIFFTAG_EXTRASAMPLES, 1, &alpha);
  }
  char reason[1024] = {};
  if (!TIFFRGBAImageOK(tiff.get(), reason)) return not_implemented("{}", reason);
  const bool gray = photometric == PHOTOMETRIC_MINISBLACK || photometric == PHOTOMETRIC_MINISWHITE;
  uint16_t orientation = ORIENTATION_TOPLEFT;
  TIFFGetFieldDefaulted(tiff.get(), TIFFTAG_ORIENTATION, &orientation);
  ANYRT_ASSIGN(Tensor words, Tensor::make(DType::kUInt32, {height, width}));
  // Asked for the orientation that is stored, the library does not turn the picture.
  if (!TIFFReadRGBAImageOriented(tiff.get(), width, height, words.mutable_data<uint32_t>(), orientation, 1)) {
    return failed("the picture data are broken");
  }
  ANYRT_ASSIGN(Raster r, make_raster(width, height, gray ? 1 : 3, file.size(), max_pixels));
  r.orientation = orientation;
  uint8_t* out = r.row(0);
  for (const uint32_t word : words.span<uint32_t>()) {
    *out++ = static_cast<uint8_t>(TIFFGetR(word));
    if (gray) continue;
    *out++ = static_cast<uint8_t>(TIFFGetG(word));
    *out++ = static_cast<uint8_t>(TIFFGetB(word));
  }
  return r;
}

#else

Expected<Raster> decode_tiff(Bytes, int64_t) {
  return not_implemented("this build has no TIFF support (ANYRT_TIFF=OFF)");
}

#endif

}  // namespace anyrt
