#include <algorithm>
#include <cmath>
#include <limits>

#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/shape_util.h"
#include "opdef/upgrade_util.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kInputs[] = {{"X", "T", kRequiredParam, "[N, C, H, W]"},
                             {"rois", "T", kRequiredParam, "[count, 5]: batch entry, x1, y1, x2, y2"}};
constexpr Param kOutputs[] = {{"Y", "T", kRequiredParam, "[count, C, pooled_shape…]"}};
constexpr AttrDef kAttrs[] = {required_attr("pooled_shape", AttrKind::kInts),
                              float_attr("spatial_scale", 1).with_doc("from region coordinates to those of X")};

Status check(const AttrReader& a) {
  const std::vector<int64_t>& shape = a.ints("pooled_shape");
  if (shape.size() != 2 || shape[0] < 1 || shape[1] < 1) {
    return invalid_model("pooled_shape is {}, expected two positive numbers", shape_string(shape));
  }
  return {};
}

Status infer(InferContext& c) {
  ANYRT_TRY(check(c));
  SymShape out{Dim(), Dim(), Dim(c.ints("pooled_shape")[0]), Dim(c.ints("pooled_shape")[1])};
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

// Bin `i` of `count` over [start, start + size), cut to [0, limit).
struct Bin {
  int64_t begin, end;
};
Bin bin(int64_t i, double width, int64_t start, int64_t limit) {
  const int64_t begin = static_cast<int64_t>(std::floor(static_cast<double>(i) * width)) + start;
  const int64_t end = static_cast<int64_t>(std::ceil(static_cast<double>(i + 1) * width)) + start;
  return {std::clamp<int64_t>(begin, 0, limit), std::clamp<int64_t>(end, 0, limit)};
}

Status eval(EvalContext& c) {
  ANYRT_TRY(check(c));
  const DType dtype = c.input(0).dtype(), compute = compute_dtype(dtype);
  ANYRT_ASSIGN(const Tensor x, c.input_as(0, compute));
  ANYRT_ASSIGN(const Tensor wide_rois, c.input_as(1, DType::kFloat64));
  if (x.rank() != 4) return invalid_argument("X has rank {}, expected 4", x.rank());
  if (wide_rois.rank() != 2 || wide_rois.dim(1) != 5) {
    return invalid_argument("rois has shape {}, expected [count,5]", shape_string(wide_rois.dims()));
  }
  const int64_t count = wide_rois.dim(0), channels = x.dim(1), height = x.dim(2), width = x.dim(3);
  const int64_t rows = c.ints("pooled_shape")[0], columns = c.ints("pooled_shape")[1];
  const double* rois = wide_rois.data<double>();
  for (int64_t i = 0; i < count; ++i) {
    const double* roi = rois + i * 5;
    if (!(roi[0] >= 0 && roi[0] < static_cast<double>(x.dim(0)))) {
      return invalid_argument("region {} names batch entry {} of {}", i, roi[0], x.dim(0));
    }
    for (int k = 1; k < 5; ++k) {
      if (!(std::abs(roi[k] * c.f("spatial_scale")) < 1e9))
        return invalid_argument("region {} has coordinate {}", i, roi[k]);
    }
  }
  ANYRT_ASSIGN(Tensor y, Tensor::make(compute, {count, channels, rows, columns}));
  dispatch<float, double>(compute, [&]<class T>(TypeTag<T>) {
    const double scale = c.f("spatial_scale");
    c.parallel_for(count * channels, 1, [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i) {
        const double* roi = rois + i / channels * 5;
        const int64_t batch = static_cast<int64_t>(roi[0]);
        const T* in = x.data<T>() + (batch * channels + i % channels) * height * width;
        T* out = y.mutable_data<T>() + i * rows * columns;
        int64_t edge[4];
        for (int k = 0; k < 4; ++k) edge[k] = static_cast<int64_t>(std::round(roi[k + 1] * scale));
        const double bin_w =
            static_cast<double>(std::max<int64_t>(edge[2] - edge[0] + 1, 1)) / static_cast<double>(columns);
        const double bin_h =
            static_cast<double>(std::max<int64_t>(edge[3] - edge[1] + 1, 1)) / static_cast<double>(rows);
        for (int64_t r = 0; r < rows; ++r) {
          const Bin by = bin(r, bin_h, edge[1], height);
          for (int64_t k = 0; k < columns; ++k) {
            const Bin bx = bin(k, bin_w, edge[0], width);
            T best = by.begin < by.end && bx.begin < bx.end ? std::numeric_limits<T>::lowest() : T(0);
            for (int64_t h = by.begin; h < by.end; ++h) {
              for (int64_t w = bx.begin; w < bx.end; ++w) best = std::max(best, in[h * width + w]);
            }
            *out++ = best;
          }
        }
      }
    });
  });
  return c.set_output_as(0, y, dtype);
}

}  // namespace

extern const OpDef op_onnx_max_roi_pool = {
    .name = "MaxRoiPool",
    .since = 22,
    .doc = "Maximum over the bins of a grid laid over each region of interest.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      pooled_shape=[1,2] : f32[1,1,2,4]{1 2 3 4 5 6 7 8}, f32[1,5]{0 0 0 3 1} -> f32[1,1,1,2]{6 8}
      pooled_shape=[2,2] spatial_scale=0.5 : f64[2,1,2,2]{1 2 3 4 5 6 7 8}, f64[2,5]{1 0 0 2 2 0 2 2 2 2} -> f64[2,1,2,2]{5 6 7 8 4 4 4 4}
      pooled_shape=[1,1] : f16[1,1,1,1]{3}, f16[1,5]{0 5 5 6 6} -> f16[1,1,1,1]{0}
      pooled_shape=[1,1] : f32[1,1,1,1]{3}, f32[1,5]{1 0 0 0 0} -> !batch entry
    )"),
};

}  // namespace anyrt
