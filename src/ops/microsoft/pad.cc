#include "opdef/decompose_util.h"
#include "opdef/infer.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats3}};
constexpr Param kInputs[] = {{"data", "T"}, {"pads", "int64"}, {"value", "T", kOptionalParam}};
constexpr Param kOutputs[] = {{"output", "T"}};
constexpr AttrDef kAttrs[] = {string_attr("mode", "constant")};

Status infer(InferContext& c) {
  c.set_output(0, c.input_dtype(0));
  return {};
}

Status decompose(RewriteContext& c) {
  const ValueId pads = c.op("Reshape", {c.input(1), c.constant_ints({-1})});
  std::vector<ValueId> in = {c.input(0), pads};
  if (c.has_input(2)) in.push_back(c.op("Reshape", {c.input(2), c.constant(Tensor::int64s({}))}));
  c.replace_output(0, c.ops("", "Pad", in, attrs_named(c, {"mode"}), 1)[0]);
  return {};
}

}  // namespace

extern const OpDef op_microsoft_pad = {
    .name = "Pad",
    .domain = "com.microsoft",
    .doc = "Pad with the amounts given as an input; ONNX Pad by an older name.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      : f32[1,1]{5}, i64[4]{0 1 0 0}, f32[1]{9} -> f32[1,2]{9 5}
    )"),
};

}  // namespace anyrt
