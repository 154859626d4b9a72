#pragma once

#include <array>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/command.h"
#include "base/status.h"
#include "codec/preprocess.h"
#include "codec/resize.h"
#include "tensor/dim.h"
#include "tensor/tensor.h"

namespace anyrt {

// A size as people write it: "224" (both sides, or the shorter one), "224x320" (height x width).
struct SideLengths {
  int64_t height = 0, width = 0;
  bool one_number = false;
};

// What turns a picture into an input, in this order: turn upright, convert colours, resize, crop, scale, layout.
struct ImageSteps {
  bool orient = true;
  enum class Color : uint8_t {
    kAuto,
    kRgb,
    kBgr,
    kGray
  } color = Color::kAuto;                // kAuto: gray for one channel, else RGB
  std::optional<SideLengths> resize;     // one number: the shorter side
  std::optional<SideLengths> letterbox;  // keeps the proportions and pads with `pad`
  std::vector<double> pad = {114};
  bool pad_centred = true;
  ResizeOptions filter;
  std::optional<SideLengths> crop;
  std::optional<Normalise> normalise;
  std::optional<ImageLayout> layout;  // nullopt: what the input's shape says, else NCHW
};

// Likewise for sound: mix, resample, cut or pad with silence.
struct AudioSteps {
  bool mono = false;
  int64_t rate = 0;     // 0: as it is
  int64_t samples = 0;  // 0: all
};

// How one input is made from its source.
struct SourceOptions {
  ImageSteps image;
  AudioSteps audio;
  DType dtype =
      DType::kUndefined;      // of .npy bytes without a type, CSV, JSON and generated data; the input's type otherwise
  std::optional<Dims> shape;  // the data is reshaped to it; generated data has it
};

// What all inputs share.
struct DataOptions {
  SourceOptions source;
  std::map<std::string, Dims, std::less<>> shapes;  // by input
  Dim::Bindings dims;                               // sizes of symbolic dimensions of generated data
};

// Sets one option by its name: resize, letterbox, pad, pad-side, filter, antialias, crop, scale, mean, std, layout,
// color, orient, rate, mono, samples, dtype, shape. Lists are separated by ',' or ':'; scale may be a fraction
// ("1/255").
Status set_source_option(SourceOptions& options, std::string_view name, std::string_view value);
bool is_source_option(std::string_view name);

Expected<Dims> parse_dims(std::string_view text);                                  // "1x3x224x224", "" or "scalar"
Expected<std::pair<std::string, Dims>> parse_named_shape(std::string_view text);   // "x=1x3x224x224"
Expected<std::pair<std::string, int64_t>> parse_named_dim(std::string_view text);  // "N=4"

namespace cli {

// Rows that every command with data inputs lists after its own.
inline constexpr Option kDataOptions[] = {
    {"-i,--input", OptionKind::kList,
     "[NAME=]SOURCE[,OPTION=VALUE...]: a .npy, .npz, .pb, .json, .csv, picture or .wav file, a folder "
     "of input_N.pb files, random[:SEED], zeros, fill:V, a number, [1,2,3], text:T or bytes:FILE"},
    {"--shape", OptionKind::kList, "NAME=1x3x224x224: shape of one input"},
    {"--dim", OptionKind::kList, "N=4: size of a symbolic dimension of random, zeros and fill"},
    {"--dtype", OptionKind::kText, "element type to read text and generated data as"},
    {"--resize", OptionKind::kText, "pictures: HxW, or one number for the shorter side"},
    {"--letterbox", OptionKind::kText, "pictures: fit into HxW, proportions kept, the rest padded"},
    {"--pad", OptionKind::kText, "pictures: pad colour of --letterbox, one number or one for each channel", "114"},
    {"--pad-side", OptionKind::kText, "pictures: pad on 'both' sides or at the 'end'", "both"},
    {"--filter", OptionKind::kText, "pictures: nearest, area, bilinear, bicubic or lanczos", "bilinear"},
    {"--antialias", OptionKind::kText, "pictures: 'on' resizes as Pillow does, 'off' as OpenCV", "on"},
    {"--crop", OptionKind::kText, "pictures: HxW or one number, cut from the middle"},
    {"--scale", OptionKind::kText, "pictures: factor, such as 1/255"},
    {"--mean", OptionKind::kText, "pictures: subtracted after scaling, one number or one for each channel"},
    {"--std", OptionKind::kText, "pictures: divided by after that"},
    {"--layout", OptionKind::kText, "pictures: NCHW, NHWC, CHW or HWC; by default what the input's shape says"},
    {"--color", OptionKind::kText, "pictures: rgb, bgr or gray; by default gray for one channel, else rgb"},
    {"--orient", OptionKind::kText, "pictures: 'on' turns them upright as their EXIF data say", "on"},
    {"--rate", OptionKind::kText, "sound: samples a second to resample to"},
    {"--mono", OptionKind::kFlag, "sound: mix all channels to one"},
    {"--samples", OptionKind::kText, "sound: cut or pad with silence to so many samples"},
};

template <size_t A, size_t B>
constexpr std::array<Option, A + B> joined(const Option (&a)[A], const Option (&b)[B]) {
  std::array<Option, A + B> out{};
  for (size_t i = 0; i < A; ++i) out[i] = a[i];
  for (size_t i = 0; i < B; ++i) out[A + i] = b[i];
  return out;
}
template <size_t A, size_t B>
constexpr std::array<Option, A + B> joined(const std::array<Option, A>& a, const Option (&b)[B]) {
  std::array<Option, A + B> out{};
  for (size_t i = 0; i < A; ++i) out[i] = a[i];
  for (size_t i = 0; i < B; ++i) out[A + i] = b[i];
  return out;
}

}  // namespace cli

// Reads the rows above but for --input.
Expected<DataOptions> data_options_from(const cli::Args& args);

}  // namespace anyrt
