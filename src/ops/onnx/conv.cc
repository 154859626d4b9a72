#include "opdef/conv.h"

#include "opdef/cost.h"
#include "opdef/upgrade_util.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kInputs[] = {{"X", "T", kRequiredParam, "[N, C, spatial…]"},
                             {"W", "T", kRequiredParam, "[M, C / group, kernel…]"},
                             {"B", "T", kOptionalParam, "[M]"}};
constexpr Param kOutputs[] = {{"Y", "T", kRequiredParam, "[N, M, windows…]"}};
constexpr AttrDef kAttrs[] = {
    string_attr("auto_pad", "NOTSET"),     attr("dilations", AttrKind::kInts), int_attr("group", 1),
    attr("kernel_shape", AttrKind::kInts), attr("pads", AttrKind::kInts),      attr("strides", AttrKind::kInts),
};

Status infer(InferContext& c) { return infer_conv(c, 0, 1, c.input_dtype(0)); }

Status eval(EvalContext& c) {
  const DType dtype = c.input(0).dtype(), compute = compute_dtype(dtype);
  ANYRT_ASSIGN(const ConvGeometry g, conv_geometry(c, c.input(0).dims(), c.input(1).dims()));
  ANYRT_TRY(check_bias(c.input(2), g.out_channels));
  ANYRT_ASSIGN(const Tensor x, c.input_as(0, compute));
  ANYRT_ASSIGN(const Tensor w, c.input_as(1, compute));
  ANYRT_ASSIGN(Tensor y, Tensor::make(compute, g.out_dims));
  Tensor bias;
  if (c.has_input(2)) {
    ANYRT_ASSIGN(bias, c.input_as(2, compute));
  }
  dispatch<float, double>(compute, [&]<class T>(TypeTag<T>) {
    convolve(c, g, x.data<T>(), w.data<T>(), y.mutable_data<T>());
    if (bias.defined()) add_channel_bias(bias.data<T>(), g.batch, g.out_channels, g.out_size(), y.mutable_data<T>());
  });
  return c.set_output_as(0, y, dtype);
}

}  // namespace

extern const OpDef op_onnx_conv = {
    .name = "Conv",
    .since = 22,
    .doc = "Convolution with optional groups, dilation and bias, over any number of spatial axes.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_unchanged,
    .cost = cost_conv,
    .cases = ANYRT_CASES(R"(
      : f32[1,1,4]{1 2 3 4}, f32[1,1,2]{1 10} -> f32[1,1,3]{21 32 43}
      pads=[1,0] strides=[2] : f32[1,1,4]{1 2 3 4}, f32[2,1,2]{1 10 1 0}, f32[2]{0.5 -1} -> f32[1,2,2]{10.5 32.5 -1 1}
      group=2 : f64[1,2,1,2]{1 2 3 4}, f64[2,1,1,2]{1 1 2 2} -> f64[1,2,1,1]{3 14}
      auto_pad="SAME_UPPER" : f16[1,1,3]{1 2 3}, f16[1,1,2]{1 1} -> f16[1,1,3]{3 5 3}
      dilations=[2] : bf16[1,2,3]{1 2 3 4 5 6}, bf16[1,2,2]{1 1 1 1} -> bf16[1,1,1]{14}
      group=2 pads=[1,1,1,1] dilations=[2,1] strides=[1,2] : f32[2,4,7,6]{rand:1}, f32[6,2,3,3]{rand:2}, f32[6]{rand:3} -> ?
      : f32[1,2,3,4,5]{rand:1}, f32[3,2,2,2,2]{rand:2} -> ?
      : f32[0,1,4]{}, f32[1,1,2]{1 10} -> f32[0,1,3]{}
      : f32[1,2,4]{rand:1}, f32[1,1,2]{1 10} -> !channels
    )"),
};

}  // namespace anyrt
