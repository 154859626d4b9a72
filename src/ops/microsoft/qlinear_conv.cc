#include "opdef/decompose_util.h"
#include "opdef/infer.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T1", DTypeSet(DType::kInt8) | DType::kUInt8},
                               {"T2", DTypeSet(DType::kInt8) | DType::kUInt8},
                               {"T3", DTypeSet(DType::kInt8) | DType::kUInt8},
                               {"T4", DType::kInt32}};
constexpr Param kInputs[] = {{"x", "T1"},
                             {"x_scale", "float32"},
                             {"x_zero_point", "T1"},
                             {"w", "T2"},
                             {"w_scale", "float32"},
                             {"w_zero_point", "T2"},
                             {"y_scale", "float32"},
                             {"y_zero_point", "T3"},
                             {"B", "T4", kOptionalParam}};
constexpr Param kOutputs[] = {{"y", "T3"}};
constexpr AttrDef kAttrs[] = {
    attr("auto_pad", AttrKind::kString),   attr("dilations", AttrKind::kInts), int_attr("group", 1),
    attr("kernel_shape", AttrKind::kInts), attr("pads", AttrKind::kInts),      attr("strides", AttrKind::kInts),
    int_attr("channels_last", 0)};

Status infer(InferContext& c) {
  c.set_output(0, c.input_dtype(7));
  return {};
}

Status decompose(RewriteContext& c) {
  const bool last = c.i("channels_last") != 0;
  const auto rank = c.input_rank(0);
  if (last && !rank) return not_implemented("channels_last input of unknown rank");
  std::vector<Attr> attrs = attrs_named(c, {"auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"});
  std::vector<ValueId> in;
  for (size_t i = 0; i < c.num_inputs(); ++i) in.push_back(c.input(i));
  if (last) {
    ANYRT_ASSIGN(in[0], channels_first(c, in[0], *rank));
  }
  ValueId y = c.ops("", "QLinearConv", in, std::move(attrs), 1)[0];
  if (last) {
    ANYRT_ASSIGN(y, channels_last(c, y, *rank));
  }
  c.replace_output(0, y);
  return {};
}

}  // namespace

extern const OpDef op_microsoft_qlinear_conv = {
    .name = "QLinearConv",
    .domain = "com.microsoft",
    .doc = "QLinearConv that also takes channels-last tensors.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      : u8[1,1,2]{2 4}, f32[]{1}, u8[]{0}, i8[1,1,1]{2}, f32[]{1}, i8[]{0}, f32[]{1}, u8[]{0} -> u8[1,1,2]{4 8}
    )"),
};

}  // namespace anyrt
