#include "opdef/decompose_util.h"
#include "opdef/infer.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", DTypeSet(DType::kInt8) | DType::kUInt8}};
constexpr Param kInputs[] = {{"x", "T"}};
constexpr Param kOutputs[] = {{"y", "T"}};
constexpr AttrDef kAttrs[] = {
    string_attr("auto_pad", "NOTSET"), int_attr("ceil_mode", 0),         required_attr("kernel_shape", AttrKind::kInts),
    attr("pads", AttrKind::kInts),     attr("strides", AttrKind::kInts), attr("dilations", AttrKind::kInts)};

Status infer(InferContext& c) {
  c.set_output(0, c.input_dtype(0));
  return {};
}

Status decompose(RewriteContext& c) {
  const auto rank = c.input_rank(0);
  if (!rank) return not_implemented("input of unknown rank");
  std::vector<Attr> attrs = attrs_named(c, {"auto_pad", "ceil_mode", "dilations", "kernel_shape", "pads", "strides"});
  ANYRT_ASSIGN(ValueId x, channels_first(c, c.input(0), *rank));
  x = c.ops("", "MaxPool", {x}, std::move(attrs), 1)[0];
  ANYRT_ASSIGN(x, channels_last(c, x, *rank));
  c.replace_output(0, x);
  return {};
}

}  // namespace

extern const OpDef op_microsoft_nhwc_max_pool = {
    .name = "NhwcMaxPool",
    .domain = "com.microsoft",
    .doc = "Max pooling of channels-last tensors.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      kernel_shape=[2] : u8[1,2,1]{2 4} -> u8[1,1,1]{4}
    )"),
};

}  // namespace anyrt
