#include "opdef/resample.h"

#include <algorithm>
#include <cmath>

#include "opdef/shape_util.h"

namespace anyrt {
namespace {

constexpr double kMaxOut = 1e12;  // keeps positions exact and sizes well inside int64

// The scale that all listed axes share under a policy other than "stretch"; 0: each has its own.
Expected<double> shared_scale(const AttrReader& a, const Dims& in, const std::vector<int64_t>& axes,
                              const std::vector<int64_t>& sizes) {
  const std::string& policy = a.s("keep_aspect_ratio_policy");
  if (policy.empty() || policy == "stretch" || sizes.empty()) return 0.0;
  const bool larger = policy == "not_smaller";
  if (!larger && policy != "not_larger") {
    return invalid_model("keep_aspect_ratio_policy is '{}', expected stretch, not_larger or not_smaller", policy);
  }
  double scale = larger ? 0 : HUGE_VAL;
  for (size_t i = 0; i < axes.size(); ++i) {
    const double own = static_cast<double>(sizes[i]) / static_cast<double>(in[static_cast<size_t>(axes[i])]);
    scale = larger ? std::max(scale, own) : std::min(scale, own);
  }
  return scale;
}

double cubic_weight(double x, double a) {
  x = std::abs(x);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return 0;
}

}  // namespace

Expected<std::vector<ResizeAxis>> resize_axes(const AttrReader& a, const Dims& in, const std::vector<float>& scales,
                                              const std::vector<int64_t>& sizes, const std::vector<double>& roi) {
  const int64_t rank = static_cast<int64_t>(in.size());
  std::vector<int64_t> axes = a.ints("axes");
  if (axes.empty()) {
    for (int64_t i = 0; i < rank; ++i) axes.push_back(i);
  }
  ANYRT_ASSIGN(axes, normalize_axes(axes, rank));
  if (scales.empty() == sizes.empty()) return invalid_argument("exactly one of scales and sizes must be given");
  const size_t given = scales.empty() ? sizes.size() : scales.size();
  if (given != axes.size()) {
    return invalid_argument("{} has {} entries, expected {}", scales.empty() ? "sizes" : "scales", given, axes.size());
  }
  if (!roi.empty() && roi.size() != 2 * axes.size()) {
    return invalid_argument("roi has {} entries, expected {}", roi.size(), 2 * axes.size());
  }
  ANYRT_ASSIGN(const double shared, shared_scale(a, in, axes, sizes));
  std::vector<ResizeAxis> out(in.size());
  for (size_t i = 0; i < in.size(); ++i) out[i].in = out[i].out = in[i];
  for (size_t i = 0; i < axes.size(); ++i) {
    ResizeAxis& x = out[static_cast<size_t>(axes[i])];
    const double length = static_cast<double>(x.in);
    double size = 0;
    if (!scales.empty()) {
      x.scale = scales[i];
      if (!(scales[i] > 0)) return invalid_argument("scale {} of axis {} is not positive", scales[i], axes[i]);
      size = std::floor(static_cast<float>(x.in) * scales[i]);  // in float, as shape inference is defined
    } else if (sizes[i] < 0 || (x.in == 0 && sizes[i] != 0)) {
      return invalid_argument("axis {} of size {} cannot become {}", axes[i], x.in, sizes[i]);
    } else {
      x.scale = x.in == 0 ? 1 : shared > 0 ? shared : static_cast<double>(sizes[i]) / length;
      size = shared > 0 ? std::floor(shared * length + 0.5) : static_cast<double>(sizes[i]);
    }
    if (!(size <= kMaxOut)) return invalid_argument("axis {} would have {} entries", axes[i], size);
    x.out = static_cast<int64_t>(size);
    if (!roi.empty()) {
      x.roi_begin = roi[i];
      x.roi_end = roi[i + axes.size()];
    }
  }
  return out;
}

Expected<CoordinateMode> read_coordinate_mode(const AttrReader& a) {
  using enum CoordinateMode;
  static constexpr std::pair<std::string_view, CoordinateMode> kModes[] = {
      {"half_pixel", kHalfPixel},
      {"half_pixel_symmetric", kHalfPixelSymmetric},
      {"align_corners", kAlignCorners},
      {"pytorch_half_pixel", kPytorchHalfPixel},
      {"asymmetric", kAsymmetric},
      {"tf_half_pixel_for_nn", kTfHalfPixel},
      {"tf_crop_and_resize", kTfCropAndResize},
  };
  const std::string& s = a.s("coordinate_transformation_mode");
  for (const auto& [name, mode] : kModes) {
    if (s == name) return mode;
  }
  return invalid_model("coordinate_transformation_mode '{}' is not known", s);
}

template <class F>
F input_position(const ResizeAxis& axis, CoordinateMode mode, int64_t o) {
  const F x = static_cast<F>(o), scale = static_cast<F>(axis.scale), in = static_cast<F>(axis.in), half = F(0.5);
  const F last = in - 1, length = scale * in;
  switch (mode) {
    case CoordinateMode::kHalfPixel: return (x + half) / scale - half;
    case CoordinateMode::kHalfPixelSymmetric: {
      const F adjustment = static_cast<F>(axis.out) / length;
      return in / 2 * (1 - adjustment) + (x + half) / scale - half;
    }
    case CoordinateMode::kPytorchHalfPixel: return axis.out > 1 ? (x + half) / scale - half : 0;
    case CoordinateMode::kAlignCorners: return length == 1 ? 0 : x * last / (length - 1);
    case CoordinateMode::kAsymmetric: return x / scale;
    case CoordinateMode::kTfHalfPixel: return (x + half) / scale;
    case CoordinateMode::kTfCropAndResize: {
      const F begin = static_cast<F>(axis.roi_begin), end = static_cast<F>(axis.roi_end);
      if (length == 1) return half * (begin + end) * last;
      return begin * last + x * (end - begin) * last / (length - 1);
    }
  }
  return 0;
}

Expected<AxisFilter> make_filter(const ResizeAxis& axis, const FilterOptions& options) {
  const double reach = options.cubic ? 2 : 1, shrink = options.antialias ? std::min(axis.scale, 1.0) : 1.0;
  AxisFilter f;
  // Taps run from `first` to taps + first - 1 around the element at or left of the position.
  const double first = std::floor(-reach / shrink) + 1;
  if (!(first > -1e9)) return invalid_argument("a scale of {} needs too many elements", axis.scale);
  f.taps = 2 - 2 * static_cast<int64_t>(first);
  ANYRT_ASSIGN(const int64_t entries, checked_element_count(Dims{axis.out, f.taps}));
  ANYRT_TRY(Tensor::make(DType::kFloat64, {entries}).status());  // an absurd size ends here
  f.index.resize(static_cast<size_t>(entries));
  f.weight.resize(static_cast<size_t>(entries));
  f.outside.assign(static_cast<size_t>(axis.out), false);
  const double limit = static_cast<double>(axis.in);
  for (int64_t o = 0; o < axis.out; ++o) {
    const double x = input_position<double>(axis, options.coordinates, o);
    if (!(x > -kMaxOut && x < kMaxOut)) return invalid_argument("output {} lies at {} of the input", o, x);
    f.outside[static_cast<size_t>(o)] =
        options.coordinates == CoordinateMode::kTfCropAndResize && (x < 0 || x > limit - 1);
    // At a whole number the window opens one element earlier; the weights are the same numbers either way.
    double base = std::floor(x);
    if (base == x) base -= 1;
    const double part = x - base;
    int64_t* index = f.index.data() + o * f.taps;
    double* weight = f.weight.data() + o * f.taps;
    double sum = 0;
    for (int64_t k = 0; k < f.taps; ++k) {
      const double step = first + static_cast<double>(k), at = base + step, distance = (step - part) * shrink;
      weight[k] = options.cubic ? cubic_weight(distance, options.cubic_a) : std::max(0.0, 1 - std::abs(distance));
      if (options.exclude_outside && (at < 0 || at >= limit)) weight[k] = 0;
      index[k] = static_cast<int64_t>(std::clamp(at, 0.0, limit - 1));
      sum += weight[k];
    }
    if ((options.antialias || options.exclude_outside) && sum != 0) {
      for (int64_t k = 0; k < f.taps; ++k) weight[k] /= sum;
    }
  }
  return f;
}

Expected<std::vector<int64_t>> nearest_map(const ResizeAxis& axis, CoordinateMode mode, const std::string& rounding) {
  const bool floor = rounding == "floor", ceil = rounding == "ceil", up = rounding == "round_prefer_ceil";
  if (!floor && !ceil && !up && rounding != "round_prefer_floor") {
    return invalid_model("nearest_mode '{}' is not known", rounding);
  }
  ANYRT_TRY(Tensor::make(DType::kInt64, {axis.out}).status());
  std::vector<int64_t> map(static_cast<size_t>(axis.out));
  const float last = static_cast<float>(axis.in - 1);
  for (int64_t o = 0; o < axis.out; ++o) {
    // In float: a scale such as 0.6 is not exact, and the rounding of the quotient makes up for it.
    const float x = input_position<float>(axis, mode, o);
    float at = 0;
    if (floor)
      at = std::floor(x);
    else if (ceil)
      at = std::ceil(x);
    else if (up)
      at = std::floor(x + 0.5f);
    else
      at = std::ceil(x - 0.5f);
    const bool outside = mode == CoordinateMode::kTfCropAndResize && !(x >= 0 && x <= last);
    map[static_cast<size_t>(o)] = outside ? -1 : static_cast<int64_t>(std::clamp(std::isnan(at) ? 0 : at, 0.0f, last));
  }
  return map;
}

}  // namespace anyrt
