#include "codec/image_formats.h"

#if ANYRT_HAVE_WEBP
#include <webp/decode.h>
#include <webp/demux.h>
#endif

namespace anyrt {

#if ANYRT_HAVE_WEBP

namespace {

struct CloseDemuxer {
  void operator()(WebPDemuxer* d) const { WebPDemuxDelete(d); }
};
struct CloseAnimation {
  void operator()(WebPAnimDecoder* d) const { WebPAnimDecoderDelete(d); }
};

int orientation_of(const WebPData& data) {
  const std::unique_ptr<WebPDemuxer, CloseDemuxer> demuxer(WebPDemux(&data));
  WebPChunkIterator chunk;
  int orientation = 1;
  if (demuxer && WebPDemuxGetChunk(demuxer.get(), "EXIF", 1, &chunk)) {
    Bytes exif(reinterpret_cast<const std::byte*>(chunk.chunk.bytes), chunk.chunk.size);
    constexpr std::string_view kPrefix("Exif\0\0", 6);  // some writers keep it from JPEG
    if (as_text(exif).starts_with(kPrefix)) exif = exif.subspan(kPrefix.size());
    orientation = exif_orientation(exif);
    WebPDemuxReleaseChunkIterator(&chunk);
  }
  return orientation;
}

Status read_first_frame(const WebPData& data, Raster& r) {
  WebPAnimDecoderOptions options;
  if (!WebPAnimDecoderOptionsInit(&options)) return internal_error("libwebpdemux is of another version");
  options.color_mode = MODE_RGBA;
  const std::unique_ptr<WebPAnimDecoder, CloseAnimation> decoder(WebPAnimDecoderNew(&data, &options));
  uint8_t* pixels = nullptr;
  int timestamp = 0;
  WebPAnimInfo info;
  if (!decoder || !WebPAnimDecoderGetInfo(decoder.get(), &info) || info.canvas_width != r.width ||
      info.canvas_height != r.height || !WebPAnimDecoderGetNext(decoder.get(), &pixels, &timestamp)) {
    return invalid_argument("the first frame of the animation is broken");
  }
  uint8_t* out = r.row(0);
  for (int64_t i = 0; i < r.width * r.height; ++i, pixels += 4, out += 3) std::copy_n(pixels, 3, out);
  return ok_status();
}

}  // namespace

Expected<Raster> decode_webp(Bytes file, int64_t max_pixels) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(file.data());
  WebPBitstreamFeatures features;
  const VP8StatusCode code = WebPGetFeatures(bytes, file.size(), &features);
  if (code == VP8_STATUS_NOT_ENOUGH_DATA) return invalid_argument("the file is truncated");
  if (code != VP8_STATUS_OK)
    return invalid_argument("the header is broken (libwebp status {})", static_cast<int>(code));
  const auto width = static_cast<uint64_t>(features.width), height = static_cast<uint64_t>(features.height);
  ANYRT_ASSIGN(Raster r, make_raster(width, height, 3, file.size(), max_pixels));
  const WebPData data{bytes, file.size()};
  if (features.has_animation) {
    ANYRT_TRY(read_first_frame(data, r));
  } else if (!WebPDecodeRGBInto(bytes, file.size(), r.row(0), r.pixels.bytes(), static_cast<int>(r.width) * 3)) {
    return invalid_argument("the picture data are broken or truncated");
  }
  r.orientation = orientation_of(data);
  return r;
}

#else

Expected<Raster> decode_webp(Bytes, int64_t) {
  return not_implemented("this build has no WebP support (ANYRT_WEBP=OFF)");
}

#endif

}  // namespace anyrt
