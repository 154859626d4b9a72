#include "codec/image_formats.h"

#if ANYRT_HAVE_JPEG2000
#include <openjpeg.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#endif

namespace anyrt {

#if ANYRT_HAVE_JPEG2000

namespace {

struct Source {
  Bytes file;
  size_t at = 0;
};

OPJ_SIZE_T on_read(void* out, OPJ_SIZE_T length, void* user) {
  auto* s = static_cast<Source*>(user);
  const size_t n = std::min<size_t>(length, s->file.size() - s->at);
  if (n == 0) return static_cast<OPJ_SIZE_T>(-1);
  std::memcpy(out, s->file.data() + s->at, n);
  s->at += n;
  return n;
}

OPJ_OFF_T on_skip(OPJ_OFF_T length, void* user) {
  auto* s = static_cast<Source*>(user);
  if (length < 0) return -1;
  const size_t n = std::min<size_t>(static_cast<size_t>(length), s->file.size() - s->at);
  s->at += n;
  return static_cast<OPJ_OFF_T>(n);
}

OPJ_BOOL on_seek(OPJ_OFF_T offset, void* user) {
  auto* s = static_cast<Source*>(user);
  if (offset < 0 || static_cast<uint64_t>(offset) > s->file.size()) return OPJ_FALSE;
  s->at = static_cast<size_t>(offset);
  return OPJ_TRUE;
}

// The first error is the cause, later ones follow from it.
void on_error(const char* message, void* user) {
  auto* text = static_cast<std::string*>(user);
  if (!text->empty()) return;
  *text = message;
  while (!text->empty() && text->back() == '\n') text->pop_back();
}

struct CloseStream {
  void operator()(opj_stream_t* s) const { opj_stream_destroy(s); }
};
struct CloseCodec {
  void operator()(opj_codec_t* c) const { opj_destroy_codec(c); }
};
struct CloseImage {
  void operator()(opj_image_t* i) const { opj_image_destroy(i); }
};

// One channel, scaled to 8 bits; channels may be stored at a lower resolution.
struct Channel {
  const opj_image_comp_t& comp;
  int shift;
  int64_t offset;

  explicit Channel(const opj_image_comp_t& c)
      : comp(c), shift(static_cast<int>(c.prec) - 8), offset(c.sgnd ? int64_t{1} << (c.prec - 1) : 0) {}

  uint8_t at(int64_t x, int64_t y, int64_t step_x, int64_t step_y) const {
    const int64_t column = std::min<int64_t>(x / step_x, comp.w - 1), row = std::min<int64_t>(y / step_y, comp.h - 1);
    int64_t v = comp.data[row * comp.w + column] + offset;
    v = shift >= 0 ? (v + (shift > 0 ? int64_t{1} << (shift - 1) : 0)) >> shift : v << -shift;
    return static_cast<uint8_t>(std::clamp<int64_t>(v, 0, 255));
  }
};

void rgb_from_ycc(uint8_t* p) {
  const double y = p[0], cb = p[1] - 128.0, cr = p[2] - 128.0;
  const double rgb[] = {y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb};
  for (int k = 0; k < 3; ++k) p[k] = static_cast<uint8_t>(std::clamp(std::lround(rgb[k]), 0L, 255L));
}

Expected<Raster> to_raster(const opj_image_t& image, size_t file_size, int64_t max_pixels) {
  const uint64_t width = image.x1 - image.x0, height = image.y1 - image.y0;
  const int channels = image.numcomps >= 3 ? 3 : 1;
  for (int k = 0; k < channels; ++k) {
    const opj_image_comp_t& c = image.comps[k];
    if (!c.data || c.w == 0 || c.h == 0) return invalid_argument("component {} has no data", k);
    if (c.prec < 1 || c.prec > 31) return not_implemented("component {} has {} bits", k, c.prec);
  }
  ANYRT_ASSIGN(Raster r, make_raster(width, height, channels, file_size, max_pixels));
  const bool ycc = image.color_space == OPJ_CLRSPC_SYCC && channels == 3;
  for (int k = 0; k < channels; ++k) {
    const Channel channel(image.comps[k]);
    const int64_t step_x = std::max(1u, channel.comp.dx), step_y = std::max(1u, channel.comp.dy);
    for (int64_t y = 0; y < r.height; ++y) {
      uint8_t* out = r.row(y) + k;
      for (int64_t x = 0; x < r.width; ++x, out += channels) *out = channel.at(x, y, step_x, step_y);
    }
  }
  if (ycc) {
    uint8_t* p = r.row(0);
    for (int64_t i = 0; i < r.width * r.height; ++i, p += 3) rgb_from_ycc(p);
  }
  return r;
}

}  // namespace

Expected<Raster> decode_jpeg2000(Bytes file, int64_t max_pixels) {
  Source source{file};
  std::string message;
  const std::unique_ptr<opj_stream_t, CloseStream> stream(opj_stream_create(1 << 16, OPJ_TRUE));
  const bool codestream = as_text(file).starts_with("\xff\x4f");
  const std::unique_ptr<opj_codec_t, CloseCodec> codec(
      opj_create_decompress(codestream ? OPJ_CODEC_J2K : OPJ_CODEC_JP2));
  if (!stream || !codec) return make_error(Code::kResourceExhausted, "out of memory");
  opj_stream_set_user_data(stream.get(), &source, nullptr);
  opj_stream_set_user_data_length(stream.get(), file.size());
  opj_stream_set_read_function(stream.get(), on_read);
  opj_stream_set_skip_function(stream.get(), on_skip);
  opj_stream_set_seek_function(stream.get(), on_seek);
  opj_set_error_handler(codec.get(), on_error, &message);
  opj_dparameters_t parameters;
  opj_set_default_decoder_parameters(&parameters);
  auto failed = [&] { return invalid_argument("{}", message.empty() ? "the data are broken" : message); };
  if (!opj_setup_decoder(codec.get(), &parameters)) return failed();

  opj_image_t* raw = nullptr;
  const bool have_header = opj_read_header(stream.get(), codec.get(), &raw);
  const std::unique_ptr<opj_image_t, CloseImage> image(raw);
  if (!have_header || !image) return failed();
  if (image->x1 <= image->x0 || image->y1 <= image->y0) return invalid_argument("the picture is empty");
  const uint64_t width = image->x1 - image->x0, height = image->y1 - image->y0;
  // Each component takes four bytes a pixel while it is decoded.
  ANYRT_TRY(check_image_size(width, height, file.size(), max_pixels));
  if (image->numcomps > 8 || width * height > static_cast<uint64_t>(max_pixels) / image->numcomps) {
    return make_error(Code::kResourceExhausted, "{} x {} pixels of {} components are too many", width, height,
                      image->numcomps);
  }
  if (!opj_decode(codec.get(), stream.get(), image.get()) || !opj_end_decompress(codec.get(), stream.get()))
    return failed();
  return to_raster(*image, file.size(), max_pixels);
}

#else

Expected<Raster> decode_jpeg2000(Bytes, int64_t) {
  return not_implemented("this build has no JPEG 2000 support (ANYRT_JPEG2000=OFF)");
}

#endif

}  // namespace anyrt
