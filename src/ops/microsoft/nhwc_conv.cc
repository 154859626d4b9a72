#include "opdef/decompose_util.h"
#include "opdef/infer.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats3}};
constexpr Param kInputs[] = {{"X", "T"}, {"W", "T"}, {"B", "T", kOptionalParam}};
constexpr Param kOutputs[] = {{"Y", "T"}};
constexpr AttrDef kAttrs[] = {
    string_attr("auto_pad", "NOTSET"),     attr("dilations", AttrKind::kInts), int_attr("group", 1),
    attr("kernel_shape", AttrKind::kInts), attr("pads", AttrKind::kInts),      attr("strides", AttrKind::kInts)};

Status infer(InferContext& c) {
  c.set_output(0, c.input_dtype(0));
  return {};
}

Status decompose(RewriteContext& c) {
  const auto rank = c.input_rank(0);
  if (!rank) return not_implemented("input of unknown rank");
  std::vector<Attr> attrs = attrs_named(c, {"auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"});
  ANYRT_ASSIGN(const ValueId x, channels_first(c, c.input(0), *rank));
  ANYRT_ASSIGN(const ValueId w, channels_first(c, c.input(1), *rank));
  std::vector<ValueId> in = {x, w};
  if (c.has_input(2)) in.push_back(c.input(2));
  ANYRT_ASSIGN(const ValueId y, channels_last(c, c.ops("", "Conv", in, std::move(attrs), 1)[0], *rank));
  c.replace_output(0, y);
  return {};
}

}  // namespace

extern const OpDef op_microsoft_nhwc_conv = {
    .name = "NhwcConv",
    .domain = "com.microsoft",
    .doc = "Convolution of channels-last tensors; the weights stay channels-first.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      : f32[1,2,1]{1 2}, f32[1,1,1]{3} -> f32[1,2,1]{3 6}
    )"),
};

}  // namespace anyrt
