#include "codec/resize.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace anyrt {

namespace {

constexpr int64_t kMaxSide = int64_t{1} << 24;

struct Filter {
  double support;  // half of its width at scale 1
  double (*weight)(double x);
};

double box(double x) { return x > -0.5 && x <= 0.5 ? 1 : 0; }
double triangle(double x) { return std::max(0.0, 1 - std::abs(x)); }
double cubic(double x, double a) {
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}
double sinc(double x) {
  if (x == 0) return 1;
  x *= std::numbers::pi;
  return std::sin(x) / x;
}

Filter filter_of(Resample kind, bool antialias) {
  switch (kind) {
    case Resample::kNearest:
    case Resample::kBox: return {0.5, box};
    case Resample::kBilinear: return {1, triangle};
    case Resample::kBicubic:
      if (antialias) return {2, [](double x) { return cubic(x, -0.5); }};
      return {2, [](double x) { return cubic(x, -0.75); }};
    case Resample::kLanczos: return {3, [](double x) { return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0; }};
  }
  return {1, triangle};
}

// For each output position the weights of `width` neighbouring inputs from `first` on.
struct Taps {
  int64_t width = 0;
  std::vector<int64_t> first;
  std::vector<double> weights;
};

Taps pillow_taps(int64_t in, int64_t out, const Filter& filter) {
  const double scale = static_cast<double>(in) / static_cast<double>(out);
  const double stretch = std::max(scale, 1.0), support = filter.support * stretch;
  Taps taps;
  taps.width = std::min(in, 2 * static_cast<int64_t>(std::ceil(support)) + 1);
  taps.first.resize(static_cast<size_t>(out));
  taps.weights.resize(static_cast<size_t>(out * taps.width));
  for (int64_t i = 0; i < out; ++i) {
    const double centre = (static_cast<double>(i) + 0.5) * scale;
    const int64_t first = std::max<int64_t>(0, static_cast<int64_t>(centre - support + 0.5));
    const int64_t count = std::min(in, static_cast<int64_t>(centre + support + 0.5)) - first;
    double* w = taps.weights.data() + i * taps.width;
    double sum = 0;
    for (int64_t k = 0; k < count; ++k) {
      w[k] = filter.weight((static_cast<double>(k + first) - centre + 0.5) * (1 / stretch));
      sum += w[k];
    }
    for (int64_t k = 0; k < count && sum != 0; ++k) w[k] /= sum;
    // All of the window lies inside of the row; surplus weights are zero.
    const int64_t shift = std::max<int64_t>(0, first + taps.width - in);
    if (shift > 0) {
      std::copy_backward(w, w + taps.width - shift, w + taps.width);
      std::fill_n(w, shift, 0.0);
    }
    taps.first[static_cast<size_t>(i)] = first - shift;
  }
  return taps;
}

Taps fixed_taps(int64_t in, int64_t out, const Filter& filter) {
  const double scale = static_cast<double>(in) / static_cast<double>(out);
  const auto reach = static_cast<int64_t>(2 * filter.support);
  Taps taps;
  taps.width = std::min(in, reach);
  taps.first.resize(static_cast<size_t>(out));
  taps.weights.resize(static_cast<size_t>(out * taps.width));
  for (int64_t i = 0; i < out; ++i) {
    const double at = (static_cast<double>(i) + 0.5) * scale - 0.5;
    const auto begin = static_cast<int64_t>(std::floor(at)) - reach / 2 + 1;
    const int64_t first = std::clamp<int64_t>(begin, 0, in - taps.width);
    double* w = taps.weights.data() + i * taps.width;
    double sum = 0;
    for (int64_t k = begin; k < begin + reach; ++k) sum += filter.weight(static_cast<double>(k) - at);
    for (int64_t k = begin; k < begin + reach; ++k) {
      w[std::clamp<int64_t>(k, 0, in - 1) - first] += filter.weight(static_cast<double>(k) - at) / sum;
    }
    taps.first[static_cast<size_t>(i)] = first;
  }
  return taps;
}

// uint8 pictures are weighed in fixed point, as Pillow does, so that the result has the same bits.
constexpr int kFractionBits = 22;

std::vector<int32_t> fixed_point(const std::vector<double>& weights) {
  std::vector<int32_t> out(weights.size());
  for (size_t i = 0; i < out.size(); ++i) {
    const double scaled = weights[i] * (1 << kFractionBits);
    out[i] = static_cast<int32_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
  }
  return out;
}

uint8_t weigh(const uint8_t* in, int64_t stride, const int32_t* w, int64_t count) {
  int64_t sum = int64_t{1} << (kFractionBits - 1);
  for (int64_t k = 0; k < count; ++k) sum += int64_t{in[k * stride]} * w[k];
  return static_cast<uint8_t>(std::clamp<int64_t>(sum >> kFractionBits, 0, 255));
}
float weigh(const float* in, int64_t stride, const double* w, int64_t count) {
  double sum = 0;
  for (int64_t k = 0; k < count; ++k) sum += in[k * stride] * w[k];
  return static_cast<float>(sum);
}

// Views the picture as [outer, in, inner] and resamples the middle axis.
template <class T, class W>
void resample_axis(const T* from, T* to, int64_t outer, int64_t in, int64_t inner, const Taps& taps,
                   const std::vector<W>& weights) {
  const auto out = static_cast<int64_t>(taps.first.size());
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < out; ++i) {
      const T* window = from + (o * in + taps.first[static_cast<size_t>(i)]) * inner;
      const W* w = weights.data() + i * taps.width;
      for (int64_t k = 0; k < inner; ++k) *to++ = weigh(window + k, inner, w, taps.width);
    }
  }
}

Expected<Tensor> resample(const Tensor& x, int axis, int64_t size, const ResizeOptions& options) {
  Dims dims = x.dims();
  const int64_t in = dims[static_cast<size_t>(axis)];
  dims[static_cast<size_t>(axis)] = size;
  const int64_t outer = axis == 0 ? 1 : x.dim(0), inner = axis == 0 ? x.dim(1) * x.dim(2) : x.dim(2);
  ANYRT_ASSIGN(Tensor out, Tensor::make(x.dtype(), dims));
  const Filter filter = filter_of(options.filter, options.antialias);
  const Taps taps =
      options.antialias || filter.support < 1 ? pillow_taps(in, size, filter) : fixed_taps(in, size, filter);
  if (x.dtype() == DType::kUInt8) {
    resample_axis(x.data<uint8_t>(), out.mutable_data<uint8_t>(), outer, in, inner, taps, fixed_point(taps.weights));
  } else {
    resample_axis(x.data<float>(), out.mutable_data<float>(), outer, in, inner, taps, taps.weights);
  }
  return out;
}

// Positions are summed up, not multiplied out: where they fall between two pixels this decides as Pillow does.
std::vector<int64_t> nearest_sources(int64_t in, int64_t out) {
  std::vector<int64_t> sources(static_cast<size_t>(out));
  const double step = static_cast<double>(in) / static_cast<double>(out);
  double at = step * 0.5;
  for (int64_t& source : sources) {
    source = std::min(in - 1, static_cast<int64_t>(at));
    at += step;
  }
  return sources;
}

Expected<Tensor> nearest(const Tensor& x, int64_t height, int64_t width) {
  ANYRT_ASSIGN(Tensor out, Tensor::make(x.dtype(), {height, width, x.dim(2)}));
  const std::vector<int64_t> rows = nearest_sources(x.dim(0), height), columns = nearest_sources(x.dim(1), width);
  const size_t pixel = static_cast<size_t>(x.dim(2)) * element_size(x.dtype());
  std::byte* to = out.mutable_raw();
  for (const int64_t y : rows) {
    const std::byte* row = x.raw() + static_cast<size_t>(y * x.dim(1)) * pixel;
    for (const int64_t column : columns) to = std::copy_n(row + static_cast<size_t>(column) * pixel, pixel, to);
  }
  return out;
}

Status check_size(int64_t height, int64_t width) {
  if (height >= 1 && width >= 1 && height <= kMaxSide && width <= kMaxSide) return ok_status();
  return invalid_argument("a picture of {} x {} (height x width) was asked for; sides are 1 to {}", height, width,
                          kMaxSide);
}

}  // namespace

Expected<Resample> parse_resample(std::string_view name) {
  if (name == "nearest") return Resample::kNearest;
  if (name == "box" || name == "area") return Resample::kBox;
  if (name == "bilinear" || name == "linear") return Resample::kBilinear;
  if (name == "bicubic" || name == "cubic") return Resample::kBicubic;
  if (name == "lanczos") return Resample::kLanczos;
  return invalid_argument("filter '{}' is unknown; nearest, area, bilinear, bicubic and lanczos are", name);
}

Status check_picture(const Tensor& image) {
  const bool type = image.dtype() == DType::kUInt8 || image.dtype() == DType::kFloat32;
  if (type && image.rank() == 3 && image.size() > 0) return ok_status();
  return invalid_argument("a picture is uint8[H,W,C] or float32[H,W,C], not empty; found {}", image.type_string());
}

Expected<Tensor> resize_image(const Tensor& image, int64_t height, int64_t width, const ResizeOptions& options) {
  ANYRT_TRY(check_picture(image));
  ANYRT_TRY(check_size(height, width));
  if (options.filter == Resample::kNearest) return nearest(image, height, width);
  Tensor out = image;
  if (width != image.dim(1)) {
    ANYRT_ASSIGN(out, resample(out, 1, width, options));
  }
  if (height != image.dim(0)) {
    ANYRT_ASSIGN(out, resample(out, 0, height, options));
  }
  return out;
}

Expected<Tensor> resize_shorter_side(const Tensor& image, int64_t size, const ResizeOptions& options) {
  ANYRT_TRY(check_picture(image));
  ANYRT_TRY(check_size(size, size));
  const int64_t height = image.dim(0), width = image.dim(1);
  if (height <= width) return resize_image(image, size, size * width / height, options);
  return resize_image(image, size * height / width, size, options);
}

Expected<Letterbox> letterbox_image(const Tensor& image, int64_t height, int64_t width,
                                    const std::vector<float>& colour, bool centred, const ResizeOptions& options) {
  ANYRT_TRY(check_picture(image));
  ANYRT_TRY(check_size(height, width));
  const auto channels = static_cast<size_t>(image.dim(2));
  if (colour.size() != 1 && colour.size() != channels) {
    return invalid_argument("the pad colour has {} values; 1 or {} were expected", colour.size(), channels);
  }
  Letterbox box;
  box.scale = std::min(static_cast<double>(height) / static_cast<double>(image.dim(0)),
                       static_cast<double>(width) / static_cast<double>(image.dim(1)));
  auto side = [&](int64_t in, int64_t most) {
    return std::clamp<int64_t>(std::llround(static_cast<double>(in) * box.scale), 1, most);
  };
  const int64_t inner_height = side(image.dim(0), height), inner_width = side(image.dim(1), width);
  ANYRT_ASSIGN(const Tensor inner, resize_image(image, inner_height, inner_width, options));
  box.top = centred ? (height - inner_height) / 2 : 0;
  box.left = centred ? (width - inner_width) / 2 : 0;
  ANYRT_ASSIGN(box.image, Tensor::make(image.dtype(), {height, width, image.dim(2)}));
  auto fill = [&]<class T>(T* out, const T* in) {
    std::vector<T> pad(channels);
    for (size_t k = 0; k < channels; ++k) {
      const float value = colour[colour.size() == 1 ? 0 : k];
      pad[k] = std::is_same_v<T, uint8_t> ? static_cast<T>(std::clamp(value, 0.0f, 255.0f)) : static_cast<T>(value);
    }
    for (int64_t i = 0; i < height * width; ++i) std::copy(pad.begin(), pad.end(), out + i * image.dim(2));
    const int64_t row = inner_width * image.dim(2);
    for (int64_t y = 0; y < inner_height; ++y) {
      std::copy_n(in + y * row, row, out + ((box.top + y) * width + box.left) * image.dim(2));
    }
  };
  if (image.dtype() == DType::kUInt8) {
    fill(box.image.mutable_data<uint8_t>(), inner.data<uint8_t>());
  } else {
    fill(box.image.mutable_data<float>(), inner.data<float>());
  }
  return box;
}

Expected<Tensor> centre_crop(const Tensor& image, int64_t height, int64_t width) {
  ANYRT_TRY(check_picture(image));
  ANYRT_TRY(check_size(height, width));
  if (height > image.dim(0) || width > image.dim(1)) {
    return invalid_argument("cannot crop {} x {} (height x width) out of a picture of {} x {}", height, width,
                            image.dim(0), image.dim(1));
  }
  ANYRT_ASSIGN(Tensor out, Tensor::make(image.dtype(), {height, width, image.dim(2)}));
  const size_t pixel = static_cast<size_t>(image.dim(2)) * element_size(image.dtype());
  // Half of the margin; halves go to the even neighbour.
  auto offset = [](int64_t margin) { return margin / 2 + (margin % 4 == 3); };
  const int64_t top = offset(image.dim(0) - height), left = offset(image.dim(1) - width);
  const size_t row = static_cast<size_t>(width) * pixel;
  for (int64_t y = 0; y < height; ++y) {
    const std::byte* from = image.raw() + static_cast<size_t>((top + y) * image.dim(1) + left) * pixel;
    std::copy_n(from, row, out.mutable_raw() + static_cast<size_t>(y) * row);
  }
  return out;
}

}  // namespace anyrt
