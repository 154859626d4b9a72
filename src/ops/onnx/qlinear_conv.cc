#include "opdef/conv.h"
#include "opdef/cost.h"
#include "opdef/quantize.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr DTypeSet kBytes = DType::kInt8 | DType::kUInt8;
constexpr TypeRule kTypes[] = {{"T1", kBytes}, {"T2", kBytes}, {"T3", kBytes}, {"T4", DType::kInt32}};
constexpr Param kInputs[] = {{"x", "T1", kRequiredParam, "[N, C, spatial…]"},
                             {"x_scale", "float32"},
                             {"x_zero_point", "T1"},
                             {"w", "T2", kRequiredParam, "[M, C / group, kernel…]"},
                             {"w_scale", "float32", kRequiredParam, "one element, or [M]"},
                             {"w_zero_point", "T2", kRequiredParam, "one element, or [M]"},
                             {"y_scale", "float32"},
                             {"y_zero_point", "T3"},
                             {"B", "T4", kOptionalParam, "[M], in units of x_scale * w_scale"}};
constexpr Param kOutputs[] = {{"y", "T3", kRequiredParam, "[N, M, windows…]"}};
constexpr AttrDef kAttrs[] = {
    string_attr("auto_pad", "NOTSET"),     attr("dilations", AttrKind::kInts), int_attr("group", 1),
    attr("kernel_shape", AttrKind::kInts), attr("pads", AttrKind::kInts),      attr("strides", AttrKind::kInts),
};

Status infer(InferContext& c) { return infer_conv(c, 0, 3, c.input_dtype(7)); }

Status eval(EvalContext& c) {
  ANYRT_ASSIGN(const ConvGeometry g, conv_geometry(c, c.input(0).dims(), c.input(3).dims()));
  ANYRT_TRY(check_bias(c.input(8), g.out_channels));
  ANYRT_ASSIGN(const Tensor x, subtract_zero_point(c.input(0), c.input(2), -1));
  ANYRT_ASSIGN(const Tensor w, subtract_zero_point(c.input(3), c.input(5), 0));
  ANYRT_ASSIGN(const double x_scale, c.input_double(1));
  ANYRT_ASSIGN(const double y_scale, c.input_double(6));
  ANYRT_ASSIGN(const int64_t y_zero, c.input_int(7));
  const Tensor& w_scale = c.input(4);
  if (w_scale.size() != 1 && (w_scale.rank() != 1 || w_scale.dim(0) != g.out_channels)) {
    return invalid_argument("w_scale must hold one element or {}, found {}", g.out_channels, w_scale.type_string());
  }
  ANYRT_ASSIGN(Tensor sums, Tensor::make(DType::kInt32, g.out_dims));
  convolve(c, g, storage<uint32_t>(x), storage<uint32_t>(w), mutable_storage<uint32_t>(sums));
  if (c.has_input(8)) {
    add_channel_bias(storage<uint32_t>(c.input(8)), g.batch, g.out_channels, g.out_size(),
                     mutable_storage<uint32_t>(sums));
  }
  const DType dtype = c.input(7).dtype();
  const IntRange range = int_range(dtype);
  ANYRT_ASSIGN(Tensor * y, c.output(0, dtype, g.out_dims));
  const int64_t plane = g.out_size();
  dispatch<int8_t, uint8_t>(dtype, [&]<class T>(TypeTag<T>) {
    for (int64_t i = 0; i < g.batch * g.out_channels; ++i) {
      const float ws = w_scale.data<float>()[w_scale.size() == 1 ? 0 : i % g.out_channels];
      const float scale = static_cast<float>(x_scale) * ws / static_cast<float>(y_scale);
      const int32_t* in = sums.data<int32_t>() + i * plane;
      T* out = y->mutable_data<T>() + i * plane;
      for (int64_t k = 0; k < plane; ++k) {
        out[k] = static_cast<T>(requantize(static_cast<float>(in[k]) * scale, y_zero, range));
      }
    }
  });
  return {};
}

}  // namespace

extern const OpDef op_onnx_qlinear_conv = {
    .name = "QLinearConv",
    .since = 10,
    .first = 10,
    .doc = "Convolution of quantised tensors into a quantised tensor.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cost = cost_conv,
    .cases = ANYRT_CASES(R"(
      : u8[1,1,3]{2 3 4}, f32[]{0.5}, u8[]{1}, u8[1,1,2]{3 4}, f32[]{0.5}, u8[]{2}, f32[]{0.25}, u8[]{10} -> u8[1,1,2]{15 18}
      : u8[1,1,2]{2 3}, f32[]{1}, u8[]{0}, i8[2,1,1]{1 -1}, f32[2]{1 100}, i8[2]{0 0}, f32[]{1}, i8[]{0}, i32[2]{1 1} -> i8[1,2,2]{3 4 -100 -128}
      pads=[1,1,1,1] group=2 : u8[1,4,5,5]{rand:1}, f32[]{0.1}, u8[]{3}, i8[2,2,3,3]{rand:2}, f32[2]{0.1 0.2}, i8[2]{0 1}, f32[]{0.3}, u8[]{100} -> ?
      : u8[1,1,2]{2 3}, f32[]{1}, u8[]{0}, i8[2,1,1]{1 -1}, f32[3]{1 1 1}, i8[]{0}, f32[]{1}, i8[]{0} -> !w_scale
    )"),
};

}  // namespace anyrt
