#include "opdef/decompose_util.h"
#include "opdef/infer.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats3}};
constexpr Param kInputs[] = {{"X", "T"}, {"W", "T"}, {"B", "T", kOptionalParam}, {"Z", "T", kOptionalParam}};
constexpr Param kOutputs[] = {{"Y", "T"}};
constexpr AttrDef kAttrs[] = {attr("auto_pad", AttrKind::kString),
                              attr("dilations", AttrKind::kInts),
                              int_attr("group", 1),
                              attr("kernel_shape", AttrKind::kInts),
                              attr("pads", AttrKind::kInts),
                              attr("strides", AttrKind::kInts),
                              attr("activation", AttrKind::kString),
                              attr("activation_params", AttrKind::kFloats)};

Status infer(InferContext& c) {
  c.set_output(0, c.input_dtype(0));
  return {};
}

Status decompose(RewriteContext& c) {
  std::vector<ValueId> in = {c.input(0), c.input(1)};
  if (c.has_input(2)) in.push_back(c.input(2));
  ValueId y = c.ops("", "Conv", in,
                    attrs_named(c, {"auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"}), 1)[0];
  if (c.has_input(3)) y = c.op("Add", {y, c.input(3)});
  const std::string activation = c.s("activation");
  const std::vector<float> params = c.floats("activation_params");
  ANYRT_ASSIGN(y, activated(c, y, activation, params, known_dtype(c, 0)));
  c.replace_output(0, y);
  return {};
}

}  // namespace

extern const OpDef op_microsoft_fused_conv = {
    .name = "FusedConv",
    .domain = "com.microsoft",
    .doc = "Convolution, then the sum with Z where given, then an activation.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      activation="Relu" : f32[1,1,2]{1 -3}, f32[1,1,1]{2} -> f32[1,1,2]{2 0}
      activation="LeakyRelu" activation_params=[0.5] : f32[1,1,2]{1 -3}, f32[1,1,1]{2}, f32[1]{1} -> f32[1,1,2]{3 -2.5}
      : f32[1,1,2]{1 -3}, f32[1,1,1]{2}, _, f32[1,1,2]{10 20} -> f32[1,1,2]{12 14}
      activation="Nothing" : f32[1,1,2]{1 -3}, f32[1,1,1]{2} -> !Nothing
    )"),
};

}  // namespace anyrt
