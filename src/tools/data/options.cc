#include "tools/data/options.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace anyrt {

namespace {

constexpr std::string_view kNames[] = {"dtype",  "shape",     "resize", "letterbox", "pad",  "pad-side",
                                       "filter", "antialias", "crop",   "scale",     "mean", "std",
                                       "layout", "color",     "orient", "rate",      "mono", "samples"};
constexpr int64_t kMaxSide = int64_t{1} << 24;

template <class T>
bool parse_number(std::string_view text, T& value) {
  text = trim(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return !text.empty() && error == std::errc() && end == text.data() + text.size();
}

Expected<double> parse_fraction(std::string_view text) {
  const size_t slash = text.find('/');
  double value = 0, divisor = 1;
  if (!parse_number(text.substr(0, slash), value) ||
      (slash != std::string_view::npos && (!parse_number(text.substr(slash + 1), divisor) || divisor == 0))) {
    return invalid_argument("'{}' is not a number or a fraction such as 1/255", text);
  }
  return value / divisor;
}

Expected<std::vector<double>> parse_numbers(std::string_view text) {
  std::vector<double> out;
  const char separator = text.find(':') != std::string_view::npos ? ':' : ',';
  for (std::string_view part : split(text, separator)) {
    ANYRT_ASSIGN(const double value, parse_fraction(part));
    out.push_back(value);
  }
  if (out.empty()) return invalid_argument("no numbers were given");
  return out;
}

Expected<bool> parse_switch(std::string_view text) {
  if (text == "on" || text == "1" || text == "yes" || text == "true" || text.empty()) return true;
  if (text == "off" || text == "0" || text == "no" || text == "false") return false;
  return invalid_argument("'{}' is neither on nor off", text);
}

Expected<int64_t> parse_count(std::string_view text) {
  int64_t value = 0;
  if (!parse_number(text, value) || value < 0) return invalid_argument("'{}' is not a whole number from 0 on", text);
  return value;
}

Expected<SideLengths> parse_sides(std::string_view text) {
  ANYRT_ASSIGN(const Dims dims, parse_dims(text));
  if (dims.empty() || dims.size() > 2 ||
      std::any_of(dims.begin(), dims.end(), [](int64_t d) { return d < 1 || d > kMaxSide; })) {
    return invalid_argument("'{}' is not a size such as 224 or 224x320 (height x width)", text);
  }
  return SideLengths{dims[0], dims.back(), dims.size() == 1};
}

Expected<ImageSteps::Color> parse_color(std::string_view text) {
  const std::string name = to_lower(text);
  if (name == "auto") return ImageSteps::Color::kAuto;
  if (name == "rgb") return ImageSteps::Color::kRgb;
  if (name == "bgr") return ImageSteps::Color::kBgr;
  if (name == "gray" || name == "grey" || name == "grayscale") return ImageSteps::Color::kGray;
  return invalid_argument("'{}' is none of rgb, bgr, gray and auto", text);
}

Normalise& normalise_of(ImageSteps& image) {
  if (!image.normalise) image.normalise.emplace();
  return *image.normalise;
}

Status set_option(SourceOptions& o, std::string_view name, std::string_view value) {
  ImageSteps& image = o.image;
  if (name == "dtype") {
    const auto dtype = parse_dtype(value);
    if (!dtype) return invalid_argument("'{}' is not an element type", value);
    o.dtype = *dtype;
  } else if (name == "shape") {
    ANYRT_ASSIGN(o.shape, parse_dims(value));
  } else if (name == "resize") {
    ANYRT_ASSIGN(image.resize, parse_sides(value));
  } else if (name == "letterbox") {
    ANYRT_ASSIGN(image.letterbox, parse_sides(value));
  } else if (name == "pad") {
    ANYRT_ASSIGN(image.pad, parse_numbers(value));
  } else if (name == "pad-side") {
    if (value != "both" && value != "end") return invalid_argument("'{}' is neither both nor end", value);
    image.pad_centred = value == "both";
  } else if (name == "filter") {
    ANYRT_ASSIGN(image.filter.filter, parse_resample(value));
  } else if (name == "antialias") {
    ANYRT_ASSIGN(image.filter.antialias, parse_switch(value));
  } else if (name == "crop") {
    ANYRT_ASSIGN(image.crop, parse_sides(value));
  } else if (name == "scale") {
    ANYRT_ASSIGN(normalise_of(image).scale, parse_fraction(value));
  } else if (name == "mean") {
    ANYRT_ASSIGN(normalise_of(image).mean, parse_numbers(value));
  } else if (name == "std") {
    ANYRT_ASSIGN(normalise_of(image).std, parse_numbers(value));
  } else if (name == "layout") {
    ANYRT_ASSIGN(image.layout, parse_image_layout(value));
  } else if (name == "color") {
    ANYRT_ASSIGN(image.color, parse_color(value));
  } else if (name == "orient") {
    ANYRT_ASSIGN(image.orient, parse_switch(value));
  } else if (name == "rate") {
    ANYRT_ASSIGN(o.audio.rate, parse_count(value));
  } else if (name == "mono") {
    ANYRT_ASSIGN(o.audio.mono, parse_switch(value));
  } else if (name == "samples") {
    ANYRT_ASSIGN(o.audio.samples, parse_count(value));
  } else {
    return internal_error("unknown option");
  }
  return ok_status();
}

}  // namespace

bool is_source_option(std::string_view name) {
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

Status set_source_option(SourceOptions& options, std::string_view name, std::string_view value) {
  if (!is_source_option(name)) return invalid_argument("there is no option '{}' for inputs", name);
  return set_option(options, name, value).with_context(fmt::format("option {}", name));
}

Expected<Dims> parse_dims(std::string_view text) {
  Dims dims;
  if (text == "scalar") return dims;
  const char separator = text.find(',') != std::string_view::npos ? ',' : 'x';
  for (std::string_view part : split(text, separator)) {
    int64_t d = 0;
    if (!parse_number(part, d) || d < 0) return invalid_argument("'{}' is not a shape such as 1x3x224x224", text);
    dims.push_back(d);
  }
  ANYRT_TRY(checked_element_count(dims).status());
  return dims;
}

Expected<std::pair<std::string, Dims>> parse_named_shape(std::string_view text) {
  const size_t equals = text.rfind('=');
  if (equals == std::string_view::npos || equals == 0)
    return invalid_argument("'{}': a shape is given as NAME=1x3x224x224", text);
  ANYRT_ASSIGN(Dims dims, parse_dims(text.substr(equals + 1)));
  return std::pair(std::string(text.substr(0, equals)), std::move(dims));
}

Expected<std::pair<std::string, int64_t>> parse_named_dim(std::string_view text) {
  const size_t equals = text.rfind('=');
  int64_t value = 0;
  if (equals == std::string_view::npos || equals == 0 || !parse_number(text.substr(equals + 1), value) || value < 0) {
    return invalid_argument("'{}': a dimension is given as N=4", text);
  }
  return std::pair(std::string(text.substr(0, equals)), value);
}

Expected<DataOptions> data_options_from(const cli::Args& args) {
  DataOptions options;
  for (std::string_view name : kNames) {
    if (name == "shape" || !args.given(name)) continue;
    const std::string value = name == "mono" ? (args.flag(name) ? "on" : "off") : args.text(name);
    ANYRT_TRY(set_source_option(options.source, name, value));
  }
  for (const std::string& text : args.list("shape")) {
    ANYRT_ASSIGN(auto shape, parse_named_shape(text));
    options.shapes.insert_or_assign(std::move(shape.first), std::move(shape.second));
  }
  for (const std::string& text : args.list("dim")) {
    ANYRT_ASSIGN(const auto dim, parse_named_dim(text));
    options.dims.insert_or_assign(dim.first, dim.second);
  }
  return options;
}

}  // namespace anyrt
