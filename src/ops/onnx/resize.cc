#include <algorithm>
#include <cmath>

#include "opdef/complex_pairs.h"
#include "opdef/eval.h"
#include "opdef/index_map.h"
#include "opdef/infer.h"
#include "opdef/resample.h"
#include "opdef/rewrite.h"
#include "opdef/shape_util.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T1", kPlainDTypes}, {"T2", kFloats}};
constexpr Param kInputs[] = {
    {"X", "T1"},
    {"roi", "T2", kOptionalParam, "starts of axes, then ends, in [0, 1]; for tf_crop_and_resize"},
    {"scales", "float32", kOptionalParam, "this or sizes"},
    {"sizes", "int64", kOptionalParam, "this or scales"}};
constexpr Param kOutputs[] = {{"Y", "T1"}};
constexpr AttrDef kAttrs[] = {
    int_attr("antialias", 0).with_doc("widen the filter where the axis shrinks"),
    attr("axes", AttrKind::kInts).with_doc("which axes roi, scales and sizes speak of; default all"),
    string_attr("coordinate_transformation_mode", "half_pixel"),
    float_attr("cubic_coeff_a", -0.75f),
    int_attr("exclude_outside", 0).with_doc("elements outside get no weight, the others share it"),
    float_attr("extrapolation_value", 0).with_doc("for tf_crop_and_resize"),
    string_attr("keep_aspect_ratio_policy", "stretch").with_doc("stretch, not_larger or not_smaller"),
    string_attr("mode", "nearest").with_doc("nearest, linear or cubic"),
    string_attr("nearest_mode", "round_prefer_floor"),
};

Expected<std::vector<float>> to_floats(const Tensor& t) {
  ANYRT_ASSIGN(const std::vector<double> wide, to_doubles(t));
  return std::vector<float>(wide.begin(), wide.end());
}

Status infer(InferContext& c) {
  c.set_output(0, c.input_dtype(0));
  const SymShape* x = c.input_shape(0);
  if (!x) return {};
  SymShape out(x->size());
  std::vector<int64_t> axes = c.ints("axes");
  if (axes.empty()) {
    for (size_t i = 0; i < x->size(); ++i) axes.push_back(static_cast<int64_t>(i));
  }
  ANYRT_ASSIGN(axes, normalize_axes(axes, static_cast<int64_t>(x->size())));
  for (size_t i = 0; i < out.size(); ++i) {
    if (std::find(axes.begin(), axes.end(), static_cast<int64_t>(i)) == axes.end()) out[i] = (*x)[i];
  }
  const Tensor* scales = c.has_input(2) ? c.input_constant(2) : nullptr;
  if (scales && scales->size() == 0) scales = nullptr;
  const auto sizes = c.has_input(3) ? c.input_elements(3) : std::nullopt;
  const bool stretch = c.s("keep_aspect_ratio_policy") == "stretch";
  if (sizes && stretch && sizes->size() == axes.size()) {
    for (size_t i = 0; i < axes.size(); ++i) out[static_cast<size_t>(axes[i])] = (*sizes)[i];
  } else if (scales && scales->size() == static_cast<int64_t>(axes.size())) {
    ANYRT_ASSIGN(const std::vector<float> list, to_floats(*scales));
    for (size_t i = 0; i < axes.size(); ++i) {
      const Dim& d = (*x)[static_cast<size_t>(axes[i])];
      Dim& o = out[static_cast<size_t>(axes[i])];
      const double size = d.is_const() ? std::floor(static_cast<float>(d.value()) * list[i]) : -1;
      if (size >= 0 && size < 1e12)
        o = Dim(static_cast<int64_t>(size));
      else if (!d.is_const() && list[i] >= 1 && list[i] < 1e6f && list[i] == std::floor(list[i]))
        o = d * Dim(static_cast<int64_t>(list[i]));
    }
  } else if (sizes && !stretch) {
    const auto in = to_dims(*x);
    const auto list = to_dims(*sizes);
    if (in && list) {
      ANYRT_ASSIGN(const std::vector<ResizeAxis> resized, resize_axes(c, *in, {}, *list, {}));
      for (size_t i = 0; i < out.size(); ++i) out[i] = Dim(resized[i].out);
    }
  }
  c.set_output(0, c.input_dtype(0), std::move(out));
  return {};
}

// One axis resampled: y[o, j, i] = sum of weight * x[o, index, i]. Complex numbers are pairs along a last axis, of
// which the value outside sets the first.
template <class T>
Expected<Tensor> resample_axis(EvalContext& c, const Tensor& x, size_t axis, int64_t out_size, const AxisFilter& f,
                               T outside, int64_t pair) {
  Dims dims = x.dims();
  const int64_t in_size = dims[axis];
  dims[axis] = out_size;
  ANYRT_ASSIGN(Tensor y, Tensor::make(x.dtype(), dims));
  const int64_t at = static_cast<int64_t>(axis), inner = product(dims, at + 1, x.rank());
  c.parallel_for(product(dims, 0, at) * out_size, 1 + 4096 / std::max<int64_t>(inner * f.taps, 1),
                 [&](int64_t first, int64_t last) {
                   for (int64_t r = first; r < last; ++r) {
                     const int64_t o = r / out_size, j = r % out_size;
                     T* out = y.mutable_data<T>() + r * inner;
                     if (f.outside[static_cast<size_t>(j)]) {
                       for (int64_t i = 0; i < inner; ++i) out[i] = i % pair == 0 ? outside : T(0);
                       continue;
                     }
                     std::fill_n(out, inner, T(0));
                     for (int64_t k = 0; k < f.taps; ++k) {
                       const T weight = static_cast<T>(f.weight[static_cast<size_t>(j * f.taps + k)]);
                       const T* in = x.data<T>() + (o * in_size + f.index[static_cast<size_t>(j * f.taps + k)]) * inner;
                       if (weight == 0) continue;
                       for (int64_t i = 0; i < inner; ++i) out[i] += weight * in[i];
                     }
                   }
                 });
  return y;
}

Status eval_nearest(EvalContext& c, const std::vector<ResizeAxis>& axes, CoordinateMode mode) {
  const Tensor& x = c.input(0);
  IndexMaps maps;
  for (const ResizeAxis& a : axes) {
    const bool same = a.in == a.out && a.scale == 1 && mode != CoordinateMode::kTfCropAndResize;
    ResizeAxis plain = a;
    ANYRT_ASSIGN(std::vector<int64_t> map,
                 nearest_map(plain, same ? CoordinateMode::kAsymmetric : mode, c.s("nearest_mode")));
    maps.push_back(std::move(map));
  }
  Tensor fill;
  if (c.f("extrapolation_value") != 0 && x.dtype() != DType::kString && !is_complex(x.dtype())) {
    ANYRT_ASSIGN(fill, cast_tensor(Tensor::scalar(c.f("extrapolation_value")), x.dtype()));
  }
  ANYRT_ASSIGN(Tensor y, gather_by_maps(x, maps, fill));
  c.set_output(0, std::move(y));
  return {};
}

Status eval_filtered(EvalContext& c, const std::vector<ResizeAxis>& axes, const FilterOptions& options) {
  const DType dtype = c.input(0).dtype();
  if (dtype == DType::kString) return invalid_argument("mode {} needs numbers, found strings", c.s("mode"));
  const bool narrow = (is_float(dtype) && dtype != DType::kFloat64) || dtype == DType::kComplex64;
  const DType compute = narrow ? DType::kFloat32 : DType::kFloat64;
  const int64_t pair = is_complex(dtype) ? 2 : 1;
  Tensor y;
  if (pair == 2) {
    ANYRT_ASSIGN(y, complex_as_pairs(c.input(0)));
  } else {
    ANYRT_ASSIGN(y, c.input_as(0, compute));
  }
  for (size_t i = 0; i < axes.size(); ++i) {
    const bool crop = options.coordinates == CoordinateMode::kTfCropAndResize;
    const bool whole = !crop || (axes[i].roi_begin == 0 && axes[i].roi_end == 1);
    if (axes[i].in == axes[i].out && axes[i].scale == 1 && whole) continue;
    ANYRT_ASSIGN(const AxisFilter f, make_filter(axes[i], options));
    const float value = c.f("extrapolation_value");
    Expected<Tensor> next = compute == DType::kFloat32 ? resample_axis<float>(c, y, i, axes[i].out, f, value, pair)
                                                       : resample_axis<double>(c, y, i, axes[i].out, f, value, pair);
    if (!next.ok()) return next.status();
    y = std::move(*next);
  }
  if (pair == 2) {
    ANYRT_ASSIGN(y, pairs_as_complex(y));
    c.set_output(0, std::move(y));
    return {};
  }
  if (is_float(dtype)) return c.set_output_as(0, y, dtype);
  // Integers: rounded half to even and clamped to what the type holds.
  const bool is_unsigned = is_unsigned_int(dtype) || dtype == DType::kBool;
  const int bits = dtype == DType::kBool ? 1 : bits_in_file(dtype) - (is_unsigned ? 0 : 1);
  const double high = std::ldexp(1.0, bits) - (bits > 53 ? std::ldexp(1.0, bits - 53) : 1),
               low = is_unsigned ? 0 : -std::ldexp(1.0, bits);
  if (!y.unique()) {
    ANYRT_ASSIGN(y, y.clone());
  }
  for (double& v : y.mutable_span<double>()) v = std::clamp(std::nearbyint(v), low, high);
  return c.set_output_as(0, y, dtype);
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  std::vector<double> roi;
  std::vector<float> scales;
  if (c.has_input(1)) {
    ANYRT_ASSIGN(roi, to_doubles(c.input(1)));
  }
  if (c.has_input(2)) {
    ANYRT_ASSIGN(scales, to_floats(c.input(2)));
  }
  ANYRT_ASSIGN(const std::vector<int64_t> sizes, c.input_ints(3));
  ANYRT_ASSIGN(const CoordinateMode mode, read_coordinate_mode(c));
  if (mode != CoordinateMode::kTfCropAndResize) roi.clear();
  if (!sizes.empty()) scales.clear();  // older exporters give both, and mean the sizes
  ANYRT_ASSIGN(const std::vector<ResizeAxis> axes, resize_axes(c, x.dims(), scales, sizes, roi));
  Dims dims;
  for (const ResizeAxis& a : axes) dims.push_back(a.out);
  ANYRT_ASSIGN(const int64_t count, checked_element_count(dims));
  if (count == 0 || x.size() == 0) {
    if (count != 0) return invalid_argument("an empty tensor cannot grow to {}", shape_string(dims));
    return c.output(0, x.dtype(), dims).status();
  }
  const std::string& kind = c.s("mode");
  if (kind == "nearest") return eval_nearest(c, axes, mode);
  if (kind != "linear" && kind != "cubic")
    return invalid_argument("mode is '{}', expected nearest, linear or cubic", kind);
  FilterOptions options;
  options.coordinates = mode;
  options.cubic = kind == "cubic";
  options.antialias = c.i("antialias") != 0;
  options.exclude_outside = c.i("exclude_outside") != 0;
  options.cubic_a = c.f("cubic_coeff_a");
  return eval_filtered(c, axes, options);
}

// Opset 10: positions are out / scale, rounded down where an axis grows and up where it shrinks.
Status upgrade(RewriteContext& c) {
  if (c.version() >= 11) return {};
  const ValueId x = c.input(0), scales = c.input(1);
  const std::string mode = c.s("mode").empty() ? "nearest" : c.s("mode");
  std::vector<float> grow, shrink;
  if (const Tensor* t = c.input_constant(1); t && mode == "nearest") {
    ANYRT_ASSIGN(const std::vector<float> list, to_floats(*t));
    for (float s : list) {
      grow.push_back(std::max(s, 1.0f));
      shrink.push_back(std::min(s, 1.0f));
    }
  }
  const auto is_one = [](float s) { return s == 1; };
  const bool shrinks = !std::all_of(shrink.begin(), shrink.end(), is_one);
  const bool grows = !std::all_of(grow.begin(), grow.end(), is_one);
  const auto attrs = [&](const char* rounding) {
    return std::vector<Attr>{{"mode", mode},
                             {"coordinate_transformation_mode", std::string("asymmetric")},
                             {"nearest_mode", std::string(rounding)}};
  };
  if (shrinks && grows) {
    const ValueId small = c.op("Resize", {x, kNoValue, c.constant(Tensor::vector<float>(shrink))}, attrs("ceil"));
    c.replace_output(0, c.op("Resize", {small, kNoValue, c.constant(Tensor::vector<float>(grow))}, attrs("floor")));
    return {};
  }
  c.replace_output(0, c.op("Resize", {x, kNoValue, scales}, attrs(shrinks ? "ceil" : "floor")));
  return {};
}

Status downgrade(RewriteContext& c) {
  if (c.version() < 11) return not_implemented("Resize needs opset 11");
  if (c.version() < 19 && c.s("coordinate_transformation_mode") == "half_pixel_symmetric")
    return not_implemented("half_pixel_symmetric needs opset 19");
  if (c.version() >= 18) return {};
  if (c.i("antialias") != 0) return not_implemented("antialias needs opset 18");
  if (c.s("keep_aspect_ratio_policy") != "stretch") return not_implemented("keep_aspect_ratio_policy needs opset 18");
  if (c.has_attr("axes")) return not_implemented("axes need opset 18");
  c.remove_attr("antialias");
  c.remove_attr("keep_aspect_ratio_policy");
  if (c.version() >= 13) return {};
  // roi and scales were required; empty ones say nothing.
  const Tensor none = Tensor::vector<float>(std::span<const float>());
  if (!c.has_input(1)) c.set_input(1, c.constant(none));
  if (!c.has_input(2)) c.set_input(2, c.constant(none));
  return {};
}

}  // namespace

extern const OpDef op_onnx_resize = {
    .name = "Resize",
    .since = 19,
    .first = 10,
    .doc = "Resamples axes to new sizes: nearest element, linear or cubic interpolation.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade,
    .downgrade = downgrade,
    .cases = ANYRT_CASES(R"(
      : f32[1,1,2]{1 2}, _, f32[3]{1 1 2} -> f32[1,1,4]{1 1 2 2}
      mode="linear" : f64[2]{1 3}, _, f32[1]{2} -> f64[4]{1 1.5 2.5 3}
      mode="linear" coordinate_transformation_mode="align_corners" : u8[2]{1 4}, _, _, i64[1]{3} -> u8[3]{1 2 4}
      mode="cubic" axes=[1] coordinate_transformation_mode="asymmetric" : f32[1,3]{0 1 0}, _, f32[1]{2} -> f32[1,6]{0 0.59375 1 0.59375 0 -0.09375}
      nearest_mode="ceil" coordinate_transformation_mode="asymmetric" : str[3]{"a" "b" "c"}, _, _, i64[1]{2} -> str[2]{"a" "c"}
      coordinate_transformation_mode="tf_crop_and_resize" extrapolation_value=9 mode="linear" : f32[3]{1 2 3}, f32[2]{0.5 1.5}, _, i64[1]{3} -> f32[3]{2 3 9}
      mode="linear" : c64[2]{1+4i 3}, _, f32[1]{2} -> c64[4]{1+4i 1.5+3i 2.5+1i 3}
      mode="linear" : bool[2]{false true}, _, f32[1]{2} -> bool[4]{false false true true}
      mode="linear" : str[2]{"a" "b"}, _, f32[1]{2} -> !needs numbers
      mode="linear" antialias=1 : f32[4]{1 2 3 4}, _, f32[1]{0.5} -> f32[2]{1.625 3.375}
      axes=[-1,0] keep_aspect_ratio_policy="not_larger" : i8[2,4]{1 2 3 4 5 6 7 8}, _, _, i64[2]{2 2} -> i8[1,2]{1 3}
      mode="cubic" exclude_outside=1 : bf16[2,5,6]{rand:1}, _, f32[3]{1 0.6 1.7} -> ?
      : f32[2]{1 2} -> !exactly one
    )"),
};

}  // namespace anyrt
