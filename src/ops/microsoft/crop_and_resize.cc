#include <cmath>

#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/shape_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T1", kFloats3}, {"T2", DType::kInt32}};
constexpr Param kInputs[] = {{"X", "T1", kRequiredParam, "[N, C, H, W]"},
                             {"rois", "T1", kRequiredParam, "[boxes, 4]: y1, x1, y2, x2 with 1 at the last pixel"},
                             {"batch_indices", "T2", kRequiredParam, "[boxes]"},
                             {"crop_size", "T2", kRequiredParam, "height and width of the crops"}};
constexpr Param kOutputs[] = {{"Y", "T1", kRequiredParam, "[boxes, C, height, width]"}};
constexpr AttrDef kAttrs[] = {float_attr("extrapolation_value", 0.0f),
                              string_attr("mode", "bilinear").with_doc("bilinear or nearest")};

Status infer(InferContext& c) {
  std::optional<SymShape> shape;
  const SymShape *x = c.input_shape(0), *rois = c.input_shape(1);
  if (x && x->size() != 4) return invalid_model("X must have rank 4, found {}", shape_string(*x));
  if (x && rois && rois->size() == 2) {
    shape = SymShape{(*rois)[0], (*x)[1], Dim(), Dim()};
    const auto size = c.input_ints(3);
    for (size_t k = 0; size && size->size() == 2 && k < 2; ++k) {
      if ((*size)[k] > 0) (*shape)[2 + k] = Dim((*size)[k]);
    }
  }
  c.set_output(0, c.input_dtype(0), shape);
  return {};
}

// Where pixel i of `count` lies in the input, between the corners `from` and `to`.
double source(double from, double to, int64_t i, int64_t count, int64_t size) {
  const double last = static_cast<double>(size - 1);
  if (count == 1) return 0.5 * (from + to) * last;
  return from * last + static_cast<double>(i) * (to - from) * last / static_cast<double>(count - 1);
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  ANYRT_ASSIGN(const std::vector<int64_t> images, c.input_ints(2));
  ANYRT_ASSIGN(const std::vector<int64_t> size, c.input_ints(3));
  const int64_t boxes = static_cast<int64_t>(images.size());
  if (x.rank() != 4 || c.input(1).dims() != Dims{boxes, 4})
    return invalid_argument("X {} and rois {} do not fit {} batch indices", x.type_string(), c.input(1).type_string(),
                            boxes);
  if (size.size() != 2 || size[0] < 1 || size[1] < 1)
    return invalid_argument("crop_size must be two positive numbers, found {}", shape_string(size));
  for (int64_t b : images) {
    if (b < 0 || b >= x.dim(0)) return invalid_argument("batch index {} is outside of [0, {})", b, x.dim(0));
  }
  const bool nearest = c.s("mode") == "nearest";
  if (!nearest && c.s("mode") != "bilinear") return invalid_argument("mode is '{}'", c.s("mode"));
  ANYRT_ASSIGN(const Tensor wide, c.input_as(0, DType::kFloat64));
  ANYRT_ASSIGN(const Tensor rois, c.input_as(1, DType::kFloat64));
  const int64_t channels = x.dim(1), height = x.dim(2), width = x.dim(3);
  ANYRT_ASSIGN(Tensor y, Tensor::make(DType::kFloat64, {boxes, channels, size[0], size[1]}));
  const double outside = c.f("extrapolation_value");
  c.parallel_for(y.size() ? boxes * channels : 0, 1, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const double* box = rois.data<double>() + r / channels * 4;
      const double* in =
          wide.data<double>() + (images[static_cast<size_t>(r / channels)] * channels + r % channels) * height * width;
      double* out = y.mutable_data<double>() + r * size[0] * size[1];
      for (int64_t i = 0; i < size[0]; ++i) {
        const double row = source(box[0], box[2], i, size[0], height);
        for (int64_t j = 0; j < size[1]; ++j, ++out) {
          const double col = source(box[1], box[3], j, size[1], width);
          // Written so that NaN is outside.
          const bool inside =
              row >= 0 && row <= static_cast<double>(height - 1) && col >= 0 && col <= static_cast<double>(width - 1);
          *out = outside;
          if (!inside) continue;
          if (nearest) {
            *out = in[static_cast<int64_t>(std::round(row)) * width + static_cast<int64_t>(std::round(col))];
            continue;
          }
          const int64_t top = static_cast<int64_t>(row), bottom = static_cast<int64_t>(std::ceil(row));
          const int64_t left = static_cast<int64_t>(col), right = static_cast<int64_t>(std::ceil(col));
          const double down = row - static_cast<double>(top), over = col - static_cast<double>(left);
          const double a = in[top * width + left] * (1 - over) + in[top * width + right] * over;
          const double b = in[bottom * width + left] * (1 - over) + in[bottom * width + right] * over;
          *out = a * (1 - down) + b * down;
        }
      }
    }
  });
  return c.set_output_as(0, y, x.dtype());
}

}  // namespace

extern const OpDef op_microsoft_crop_and_resize = {
    .name = "CropAndResize",
    .domain = "com.microsoft",
    .doc = "Cuts boxes out of images and resizes them to one size, corners on corners.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      : f32[1,1,2,2]{1 2 3 4}, f32[1,4]{0 0 1 1}, i32[1]{0}, i32[2]{3 3} -> f32[1,1,3,3]{1 1.5 2 2 2.5 3 3 3.5 4}
      : f64[1,1,2,2]{1 2 3 4}, f64[1,4]{0 0 1 1}, i32[1]{0}, i32[2]{1 1} -> f64[1,1,1,1]{2.5}
      mode="nearest" extrapolation_value=9.0 : f32[1,1,2,2]{1 2 3 4}, f32[1,4]{0 0 2 1}, i32[1]{0}, i32[2]{2 2} -> f32[1,1,2,2]{1 2 9 9}
      : f32[1,1,2,2]{1 2 3 4}, f32[1,4]{nan 0 1 1}, i32[1]{0}, i32[2]{2 2} -> f32[1,1,2,2]{0 0 0 0}
      : f32[1,1,2,2]{1 2 3 4}, f32[1,4]{0 0 1 1}, i32[1]{1}, i32[2]{3 3} -> !batch index
      : f32[1,1,2,2]{1 2 3 4}, f32[1,4]{0 0 1 1}, i32[1]{0}, i32[2]{3 0} -> !crop_size
    )"),
};

}  // namespace anyrt
