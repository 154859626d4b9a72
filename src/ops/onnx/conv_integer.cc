#include "opdef/conv.h"
#include "opdef/cost.h"
#include "opdef/quantize.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr DTypeSet kBytes = DType::kInt8 | DType::kUInt8;
constexpr TypeRule kTypes[] = {{"T1", kBytes}, {"T2", kBytes}, {"T3", DType::kInt32}};
constexpr Param kInputs[] = {{"x", "T1", kRequiredParam, "[N, C, spatial…]"},
                             {"w", "T2", kRequiredParam, "[M, C / group, kernel…]"},
                             {"x_zero_point", "T1", kOptionalParam, "one element"},
                             {"w_zero_point", "T2", kOptionalParam, "one element, or [M]"}};
constexpr Param kOutputs[] = {{"y", "T3", kRequiredParam, "[N, M, windows…]"}};
constexpr AttrDef kAttrs[] = {
    string_attr("auto_pad", "NOTSET"),     attr("dilations", AttrKind::kInts), int_attr("group", 1),
    attr("kernel_shape", AttrKind::kInts), attr("pads", AttrKind::kInts),      attr("strides", AttrKind::kInts),
};

Status infer(InferContext& c) { return infer_conv(c, 0, 1, DType::kInt32); }

Status eval(EvalContext& c) {
  ANYRT_ASSIGN(const ConvGeometry g, conv_geometry(c, c.input(0).dims(), c.input(1).dims()));
  ANYRT_ASSIGN(const Tensor x, subtract_zero_point(c.input(0), c.input(2), -1));
  ANYRT_ASSIGN(const Tensor w, subtract_zero_point(c.input(1), c.input(3), 0));
  ANYRT_ASSIGN(Tensor * y, c.output(0, DType::kInt32, g.out_dims));
  convolve(c, g, storage<uint32_t>(x), storage<uint32_t>(w), mutable_storage<uint32_t>(*y));
  return {};
}

}  // namespace

extern const OpDef op_onnx_conv_integer = {
    .name = "ConvInteger",
    .since = 10,
    .first = 10,
    .doc = "Convolution of 8-bit integers, less their zero points, into 32-bit sums.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cost = cost_conv,
    .cases = ANYRT_CASES(R"(
      : u8[1,1,3]{2 3 4}, u8[1,1,2]{1 1}, u8[]{1} -> i32[1,1,2]{3 5}
      : u8[1,1,3]{2 3 4}, i8[2,1,2]{1 1 -1 2}, u8[]{1}, i8[2]{0 1} -> i32[1,2,2]{3 5 0 -1}
      pads=[1,1] : u8[1,1,2]{5 6}, u8[1,1,2]{1 2}, u8[]{5} -> i32[1,1,3]{0 2 1}
      group=2 : i8[1,2,5,5]{rand:1}, u8[4,1,3,3]{rand:2} -> ?
      : u8[1,1,3]{2 3 4}, u8[1,1,2]{1 1}, u8[3]{1 2 3} -> !zero point
    )"),
};

}  // namespace anyrt
