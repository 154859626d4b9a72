#include <algorithm>
#include <cmath>

#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/shape_util.h"
#include "opdef/upgrade_util.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T1", kFloats}, {"T2", DType::kInt64}};
constexpr Param kInputs[] = {{"X", "T1", kRequiredParam, "[N, C, H, W]"},
                             {"rois", "T1", kRequiredParam, "[count, 4]: x1, y1, x2, y2"},
                             {"batch_indices", "T2", kRequiredParam, "[count]"}};
constexpr Param kOutputs[] = {{"Y", "T1", kRequiredParam, "[count, C, output_height, output_width]"}};
constexpr AttrDef kAttrs[] = {
    string_attr("coordinate_transformation_mode", "half_pixel").with_doc("half_pixel or output_half_pixel"),
    string_attr("mode", "avg").with_doc("avg or max over the samples of a bin"),
    int_attr("output_height", 1),
    int_attr("output_width", 1),
    int_attr("sampling_ratio", 0).with_doc("samples a bin and axis; 0: as many as the bin is wide"),
    float_attr("spatial_scale", 1).with_doc("from region coordinates to those of X"),
};

Status check(const AttrReader& a) {
  for (const char* name : {"output_height", "output_width"}) {
    if (a.i(name) < 1) return invalid_model("{} is {}, expected 1 or more", name, a.i(name));
  }
  if (a.s("mode") != "avg" && a.s("mode") != "max")
    return invalid_model("mode is '{}', expected avg or max", a.s("mode"));
  const std::string& t = a.s("coordinate_transformation_mode");
  if (t == "half_pixel" || t == "output_half_pixel") return {};
  return invalid_model("coordinate_transformation_mode is '{}', expected half_pixel or output_half_pixel", t);
}

Status infer(InferContext& c) {
  ANYRT_TRY(check(c));
  SymShape out{Dim(), Dim(), Dim(c.i("output_height")), Dim(c.i("output_width"))};
  if (const SymShape* x = c.input_shape(0)) {
    if (x->size() != 4) return invalid_model("X has rank {}, expected 4", x->size());
    out[1] = (*x)[1];
  }
  if (const SymShape* rois = c.input_shape(1)) {
    if (rois->size() != 2) return invalid_model("rois has rank {}, expected 2", rois->size());
    out[0] = (*rois)[0];
  }
  c.set_output(0, c.input_dtype(0), std::move(out));
  return {};
}

// The two elements of an axis that a sample lies between, and the weight of the upper one.
template <class T>
struct Sample {
  int64_t low = 0, high = 0;
  T part = 0;
  bool inside = false;
};

// The samples of all bins along one axis: `bins` times `grid` of them.
template <class T>
std::vector<Sample<T>> place_samples(T start, T bin, int64_t bins, int64_t grid, int64_t size) {
  std::vector<Sample<T>> samples(static_cast<size_t>(bins * grid));
  for (int64_t i = 0; i < bins * grid; ++i) {
    const T at =
        start + static_cast<T>(i / grid) * bin + (static_cast<T>(i % grid) + T(0.5)) * bin / static_cast<T>(grid);
    Sample<T>& s = samples[static_cast<size_t>(i)];
    if (!(at >= -1 && at <= static_cast<T>(size))) continue;
    s.inside = true;
    const T v = std::max(at, T(0));
    s.low = std::min(static_cast<int64_t>(v), size - 1);
    s.high = std::min(s.low + 1, size - 1);
    s.part = s.low == size - 1 ? T(0) : v - static_cast<T>(s.low);
  }
  return samples;
}

template <class T>
struct Region {
  int64_t grid_h = 0, grid_w = 0;
  std::vector<Sample<T>> rows, columns;
};

template <class T>
Expected<Region<T>> place_region(const EvalContext& c, const T* roi, int64_t height, int64_t width) {
  const T scale = static_cast<T>(c.f("spatial_scale"));
  const bool half = c.s("coordinate_transformation_mode") == "half_pixel";
  const T shift = half ? T(0.5) : T(0);
  const int64_t bins_h = c.i("output_height"), bins_w = c.i("output_width"), ratio = c.i("sampling_ratio");
  const T x1 = roi[0] * scale - shift, y1 = roi[1] * scale - shift;
  T w = roi[2] * scale - shift - x1, h = roi[3] * scale - shift - y1;
  if (!half) {
    w = std::max(w, T(1));
    h = std::max(h, T(1));
  }
  const T bin_h = h / static_cast<T>(bins_h), bin_w = w / static_cast<T>(bins_w);
  constexpr T kLimit = 1 << 24;  // samples along an axis
  const T along_h = (ratio > 0 ? static_cast<T>(ratio) : std::ceil(bin_h)),
          along_w = (ratio > 0 ? static_cast<T>(ratio) : std::ceil(bin_w));
  if (!(along_h * static_cast<T>(bins_h) < kLimit && along_w * static_cast<T>(bins_w) < kLimit)) {
    return invalid_argument("a region of {} x {} needs too many samples", w, h);
  }
  Region<T> r;
  r.grid_h = std::max<int64_t>(0, static_cast<int64_t>(along_h));
  r.grid_w = std::max<int64_t>(0, static_cast<int64_t>(along_w));
  r.rows = place_samples(y1, bin_h, bins_h, r.grid_h, height);
  r.columns = place_samples(x1, bin_w, bins_w, r.grid_w, width);
  return r;
}

template <class T>
T pool_bin(const T* plane, int64_t width, std::span<const Sample<T>> rows, std::span<const Sample<T>> columns,
           bool average) {
  T result = 0;
  bool first = true;
  for (const Sample<T>& y : rows) {
    for (const Sample<T>& x : columns) {
      T v[4] = {};
      if (x.inside && y.inside) {
        const T* low = plane + y.low * width;
        const T* high = plane + y.high * width;
        v[0] = (1 - y.part) * (1 - x.part) * low[x.low];
        v[1] = (1 - y.part) * x.part * low[x.high];
        v[2] = y.part * (1 - x.part) * high[x.low];
        v[3] = y.part * x.part * high[x.high];
      }
      if (average) {
        result += v[0] + v[1] + v[2] + v[3];
        continue;
      }
      // The maximum is over the weighted neighbours, as in the implementations that this operator was specified after.
      const T top = std::max(std::max(v[0], v[1]), std::max(v[2], v[3]));
      result = first ? top : std::max(result, top);
      first = false;
    }
  }
  return average && !rows.empty() && !columns.empty() ? result / static_cast<T>(rows.size() * columns.size()) : result;
}

template <class T>
Status align(EvalContext& c, const Tensor& x, const Tensor& rois, const int64_t* batch, Tensor& y) {
  const int64_t channels = x.dim(1), height = x.dim(2), width = x.dim(3), bins_h = y.dim(2), bins_w = y.dim(3);
  const bool average = c.s("mode") == "avg";
  for (int64_t i = 0; i < rois.dim(0); ++i) {
    ANYRT_ASSIGN(const Region<T> r, place_region(c, rois.data<T>() + i * 4, height, width));
    const auto part = [](const std::vector<Sample<T>>& all, int64_t bin, int64_t grid) {
      return std::span<const Sample<T>>(all).subspan(static_cast<size_t>(bin * grid), static_cast<size_t>(grid));
    };
    c.parallel_for(channels, 1, [&](int64_t first, int64_t last) {
      for (int64_t ch = first; ch < last; ++ch) {
        const T* plane = x.data<T>() + (batch[i] * channels + ch) * height * width;
        T* out = y.mutable_data<T>() + (i * channels + ch) * bins_h * bins_w;
        for (int64_t b = 0; b < bins_h; ++b) {
          for (int64_t k = 0; k < bins_w; ++k) {
            *out++ = pool_bin(plane, width, part(r.rows, b, r.grid_h), part(r.columns, k, r.grid_w), average);
          }
        }
      }
    });
    ANYRT_TRY(c.check_cancelled());
  }
  return {};
}

Status eval(EvalContext& c) {
  ANYRT_TRY(check(c));
  const DType dtype = c.input(0).dtype(), compute = compute_dtype(dtype);
  ANYRT_ASSIGN(const Tensor x, c.input_as(0, compute));
  ANYRT_ASSIGN(const Tensor rois, c.input_as(1, compute));
  const Tensor& batch = c.input(2);
  if (x.rank() != 4) return invalid_argument("X has rank {}, expected 4", x.rank());
  if (rois.rank() != 2 || rois.dim(1) != 4 || batch.rank() != 1 || batch.dim(0) != rois.dim(0)) {
    return invalid_argument("rois and batch_indices have shapes {} and {}, expected [count,4] and [count]",
                            shape_string(rois.dims()), shape_string(batch.dims()));
  }
  for (int64_t b : batch.span<int64_t>()) {
    if (b < 0 || b >= x.dim(0)) return invalid_argument("batch index {} is outside of [0, {})", b, x.dim(0));
  }
  if (rois.dim(0) > 0 && (x.dim(2) < 1 || x.dim(3) < 1)) return invalid_argument("X has empty planes");
  ANYRT_ASSIGN(Tensor y, Tensor::make(compute, {rois.dim(0), x.dim(1), c.i("output_height"), c.i("output_width")}));
  const int64_t* b = batch.data<int64_t>();
  ANYRT_TRY(compute == DType::kFloat64 ? align<double>(c, x, rois, b, y) : align<float>(c, x, rois, b, y));
  return c.set_output_as(0, y, dtype);
}

// Before opset 16 there was no shift by half a pixel.
Status upgrade(RewriteContext& c) {
  if (c.version() < 16) c.set_attr("coordinate_transformation_mode", std::string("output_half_pixel"));
  return {};
}

Status downgrade(RewriteContext& c) {
  if (c.version() >= 16) return {};
  if (c.s("coordinate_transformation_mode") != "output_half_pixel") return not_implemented("half_pixel needs opset 16");
  return drop_attr(c, "coordinate_transformation_mode");
}

}  // namespace

extern const OpDef op_onnx_roi_align = {
    .name = "RoiAlign",
    .since = 22,
    .first = 10,
    .doc = "Mean or maximum of interpolated samples in the bins of a grid laid over each region of interest.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade,
    .downgrade = downgrade,
    .cases = ANYRT_CASES(R"(
      output_width=2 coordinate_transformation_mode="output_half_pixel" : f32[1,1,1,3]{1 2 4}, f32[1,4]{0 0 2 1}, i64[1]{0} -> f32[1,1,1,2]{1.5 3}
      sampling_ratio=2 : f64[1,1,2,2]{1 2 3 4}, f64[1,4]{0.5 0.5 1.5 1.5}, i64[1]{0} -> f64[1,1,1,1]{2.5}
      output_height=2 output_width=3 mode="max" : f16[2,2,5,6]{rand:1}, f16[2,4]{0 0 5 4 1 1 3 3}, i64[2]{1 0} -> ?
      : f32[1,1,1,1]{1}, f32[0,4]{}, i64[0]{} -> f32[0,1,1,1]{}
      : f32[1,1,1,1]{1}, f32[1,4]{0 0 1 1}, i64[1]{1} -> !batch index
    )"),
};

}  // namespace anyrt
