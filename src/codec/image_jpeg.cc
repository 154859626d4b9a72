#include "codec/image_formats.h"

#if ANYRT_HAVE_JPEG
#include <csetjmp>
#include <cstdio>
// After <cstdio>, which it needs.
#include <jerror.h>
#include <jpeglib.h>
#endif

namespace anyrt {

#if ANYRT_HAVE_JPEG

namespace {

// Progressive files may repeat scans at will; real ones have about ten.
constexpr int kMaxScans = 500;

struct ErrorManager {
  jpeg_error_mgr base;
  std::jmp_buf jump;
  char message[JMSG_LENGTH_MAX] = {};
};

[[noreturn]] void fail(j_common_ptr info) {
  auto* manager = reinterpret_cast<ErrorManager*>(info->err);
  info->err->format_message(info, manager->message);
  std::longjmp(manager->jump, 1);
}

// Warnings pass, except that the library would fill up a truncated file with gray.
void on_message(j_common_ptr info, int level) {
  if (level < 0 && info->err->msg_code == JWRN_JPEG_EOF) fail(info);
}

void on_progress(j_common_ptr info) {
  if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number <= kMaxScans) return;
  auto* manager = reinterpret_cast<ErrorManager*>(info->err);
  std::snprintf(manager->message, sizeof(manager->message), "more than %d scans", kMaxScans);
  std::longjmp(manager->jump, 1);
}

// Adobe stores the inverse of CMYK.
void rgb_from_inverted_cmyk(const uint8_t* in, uint8_t* out, int64_t count) {
  for (int64_t i = 0; i < count; ++i, in += 4, out += 3) {
    for (int k = 0; k < 3; ++k)
      out[k] = static_cast<uint8_t>(
          in[3] - mul_div_255(255 - in[k], in[3]) < 0 ? 0 : in[3] - mul_div_255(255 - in[k], in[3]));
  }
}

int orientation_of(jpeg_saved_marker_ptr marker) {
  constexpr std::string_view kExif("Exif\0\0", 6);
  for (; marker; marker = marker->next) {
    const Bytes data(reinterpret_cast<const std::byte*>(marker->data), marker->data_length);
    if (as_text(data).starts_with(kExif)) return exif_orientation(data.subspan(kExif.size()));
  }
  return 1;
}

// What must be destroyed lives here, outside of the function that longjmp returns to.
struct Decoder {
  jpeg_decompress_struct info = {};
  ErrorManager errors;
  jpeg_progress_mgr progress = {};
  Raster raster;
  Tensor cmyk_row;
  Status status;

  Decoder() {
    info.err = jpeg_std_error(&errors.base);
    errors.base.error_exit = fail;
    errors.base.emit_message = on_message;
    errors.base.output_message = [](j_common_ptr) {};
    progress.progress_monitor = on_progress;
  }
  ~Decoder() { jpeg_destroy_decompress(&info); }

  Status prepare(size_t file_size, int64_t max_pixels) {
    const int channels = info.out_color_space == JCS_GRAYSCALE ? 1 : 3;
    ANYRT_ASSIGN(raster, make_raster(info.image_width, info.image_height, channels, file_size, max_pixels));
    raster.orientation = orientation_of(info.marker_list);
    if (info.out_color_space == JCS_CMYK) {
      ANYRT_ASSIGN(cmyk_row, Tensor::make(DType::kUInt8, {raster.width, 4}));
    }
    return ok_status();
  }
};

// False on an error, with the reason in d.status or d.errors.message. No object with a destructor may live here.
bool run(Decoder& d, Bytes file, int64_t max_pixels) {
  jpeg_decompress_struct& info = d.info;
  if (setjmp(d.errors.jump)) return false;
  jpeg_create_decompress(&info);
  info.progress = &d.progress;
  jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(file.data()), static_cast<unsigned long>(file.size()));
  jpeg_save_markers(&info, JPEG_APP0 + 1, 0xffff);
  jpeg_read_header(&info, TRUE);
  if (info.jpeg_color_space == JCS_CMYK || info.jpeg_color_space == JCS_YCCK) {
    info.out_color_space = JCS_CMYK;
  } else if (info.jpeg_color_space != JCS_GRAYSCALE) {
    info.out_color_space = JCS_RGB;
  }
  info.dct_method = JDCT_ISLOW;
  info.do_fancy_upsampling = TRUE;
  d.status = d.prepare(file.size(), max_pixels);
  if (!d.status.ok()) return false;
  jpeg_start_decompress(&info);
  while (info.output_scanline < info.output_height) {
    uint8_t* row = d.raster.row(info.output_scanline);
    JSAMPROW target = info.out_color_space == JCS_CMYK ? d.cmyk_row.mutable_data<uint8_t>() : row;
    jpeg_read_scanlines(&info, &target, 1);
    if (target != row) rgb_from_inverted_cmyk(target, row, d.raster.width);
  }
  jpeg_finish_decompress(&info);
  return true;
}

}  // namespace

Expected<Raster> decode_jpeg(Bytes file, int64_t max_pixels) {
  auto decoder = std::make_unique<Decoder>();
  if (run(*decoder, file, max_pixels)) return std::move(decoder->raster);
  if (!decoder->status.ok()) return std::move(decoder->status);
  return invalid_argument("{}", decoder->errors.message);
}

#else

Expected<Raster> decode_jpeg(Bytes, int64_t) {
  return not_implemented("this build has no JPEG support (ANYRT_JPEG=OFF)");
}

#endif

}  // namespace anyrt
