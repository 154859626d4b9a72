#include "tools/data/pictures.h"

#include <algorithm>

#include "codec/image.h"
#include "tools/data/adapt.h"

namespace anyrt {

namespace {

struct Wanted {
  ImageLayout layout = ImageLayout::kNchw;
  int64_t channels = 0, height = 0, width = 0;  // 0: open
};

bool is_channel_count(const Dim& d) { return d.is(1) || d.is(3) || d.is(4); }

// Where the declared shape has its channels; a rank other than 3 or 4 leaves everything open.
Wanted wanted_by(const Type& type, const std::optional<ImageLayout>& layout) {
  Wanted w;
  const size_t rank = type.shape ? type.shape->size() : 4;
  auto dim = [&](size_t i) { return type.shape && i < rank ? (*type.shape)[i] : Dim::unknown(); };
  if (layout) {
    w.layout = *layout;
  } else if (rank == 2) {
    w.layout = ImageLayout::kHwc;
  } else {
    const size_t first = rank == 3 ? 0 : 1, last = rank - 1;
    const bool channels_last = !is_channel_count(dim(first)) && is_channel_count(dim(last));
    w.layout = rank == 3 ? (channels_last ? ImageLayout::kHwc : ImageLayout::kChw)
                         : (channels_last ? ImageLayout::kNhwc : ImageLayout::kNchw);
  }
  const bool batch = w.layout == ImageLayout::kNchw || w.layout == ImageLayout::kNhwc;
  const bool front = w.layout == ImageLayout::kNchw || w.layout == ImageLayout::kChw;
  auto size = [](const Dim& d) { return d.is_const() ? d.value() : 0; };
  if (rank == 2) {
    w.channels = 1;
    w.height = size(dim(0));
    w.width = size(dim(1));
  } else if (rank == (batch ? 4u : 3u)) {
    const size_t at = batch ? 1 : 0;
    w.channels = size(dim(front ? at : at + 2));
    w.height = size(dim(front ? at + 1 : at));
    w.width = size(dim(front ? at + 2 : at + 1));
  }
  return w;
}

PixelFormat format_for(ImageSteps::Color color, int64_t channels) {
  switch (color) {
    case ImageSteps::Color::kRgb: return PixelFormat::kRgb;
    case ImageSteps::Color::kBgr: return PixelFormat::kBgr;
    case ImageSteps::Color::kGray: return PixelFormat::kGrayscale;
    case ImageSteps::Color::kAuto: break;
  }
  return channels == 1 ? PixelFormat::kGrayscale : PixelFormat::kRgb;
}

Expected<Tensor> resized(const Tensor& image, const ImageSteps& steps) {
  Tensor out = image;
  if (steps.resize && steps.letterbox) return invalid_argument("resize and letterbox exclude each other");
  if (steps.resize) {
    const SideLengths& s = *steps.resize;
    ANYRT_ASSIGN(out, s.one_number ? resize_shorter_side(out, s.height, steps.filter)
                                   : resize_image(out, s.height, s.width, steps.filter));
  }
  if (steps.letterbox) {
    const std::vector<float> pad(steps.pad.begin(), steps.pad.end());
    ANYRT_ASSIGN(Letterbox box, letterbox_image(out, steps.letterbox->height, steps.letterbox->width, pad,
                                                steps.pad_centred, steps.filter));
    out = std::move(box.image);
  }
  if (steps.crop) {
    ANYRT_ASSIGN(out, centre_crop(out, steps.crop->height, steps.crop->width));
  }
  return out;
}

Expected<Tensor> raw_bytes(Bytes file) {
  ANYRT_ASSIGN(Tensor out, Tensor::make(DType::kUInt8, {static_cast<int64_t>(file.size())}));
  std::copy(file.begin(), file.end(), out.mutable_raw());
  return out;
}

}  // namespace

Expected<Tensor> picture_input(Bytes file, const ImageSteps& steps, const Type& type) {
  if (type.dtype == DType::kUInt8 && type.shape && type.shape->size() == 1) return raw_bytes(file);
  if (type.dtype == DType::kString) return invalid_argument("a picture was given, expected {}", type.to_string());
  const Wanted want = wanted_by(type, steps.layout);
  ImageOptions options{.format = format_for(steps.color, want.channels), .orient = steps.orient};
  ANYRT_ASSIGN(Tensor image, decode_image(file, options));
  const Dims original = image.dims();
  ANYRT_ASSIGN(image, resized(image, steps));
  if ((want.height && want.height != image.dim(0)) || (want.width && want.width != image.dim(1))) {
    const auto side = [](int64_t n) { return n ? fmt::format("{}", n) : std::string("any"); };
    return invalid_argument(
        "the picture is {} x {} (height x width){}, the input wants {} x {}; use resize, letterbox or crop",
        image.dim(0), image.dim(1), original == image.dims() ? "" : " after resizing", side(want.height),
        side(want.width));
  }
  if (want.channels && want.channels != image.dim(2)) {
    return invalid_argument("the picture has {} channels, the input wants {}", image.dim(2), want.channels);
  }
  if (steps.normalise) {
    ANYRT_ASSIGN(image, normalise(image, *steps.normalise));
  }
  if (type.dtype != DType::kUndefined) {
    ANYRT_ASSIGN(image, convert_elements(image, type.dtype));
  }
  ANYRT_ASSIGN(Tensor out, to_image_layout(image, want.layout));
  if (type.shape && type.shape->size() == 2 && out.rank() == 3) return out.reshaped({out.dim(0), out.dim(1)});
  return adapt_tensor(out, type);
}

Expected<Tensor> sound_input(const Audio& audio, const AudioSteps& steps, const Type& type) {
  if (type.dtype == DType::kString) return invalid_argument("sound was given, expected {}", type.to_string());
  Audio sound = audio;
  if (steps.mono) {
    ANYRT_ASSIGN(sound.samples, mix_to_mono(sound.samples));
  }
  if (steps.rate) {
    ANYRT_ASSIGN(sound, resample_audio(sound, steps.rate));
  }
  const int64_t channels = sound.samples.dim(0), count = sound.samples.dim(1);
  Tensor out = sound.samples;
  if (steps.samples && steps.samples != count) {
    ANYRT_ASSIGN(out, Tensor::zeros(DType::kFloat32, {channels, steps.samples}));
    for (int64_t c = 0; c < channels; ++c) {
      std::copy_n(sound.samples.data<float>() + c * count, std::min(count, steps.samples),
                  out.mutable_data<float>() + c * steps.samples);
    }
  }
  const size_t rank = type.shape ? type.shape->size() : 2;
  if (rank == 1 && channels > 1) {
    return invalid_argument("the sound has {} channels, the input {} one; use mono", channels, type.to_string());
  }
  // Integer samples are full scale, as in a 16-bit file.
  if (is_signed_int(type.dtype)) {
    const int bits = static_cast<int>(8 * element_size(type.dtype));
    ANYRT_ASSIGN(out, normalise(out, {.scale = bits == 8 ? 128.0 : 32768.0}));
    ANYRT_ASSIGN(out, convert_elements(out, type.dtype));
  }
  auto fitted = adapt_tensor(out, type);
  if (!fitted.ok()) {
    return std::move(fitted).status().with_context(
        fmt::format("{} channel{} of {} samples at {} Hz", channels, channels == 1 ? "" : "s", out.dim(1), sound.rate));
  }
  return fitted;
}

}  // namespace anyrt
