#include "opdef/decompose_util.h"
#include "opdef/infer.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {
    {"T1", DTypeSet(DType::kFloat16) | DType::kFloat32},
    {"T2", DTypeSet(DType::kInt8) | DType::kUInt8 | DType::kInt16 | DType::kUInt16 | DType::kInt4 | DType::kUInt4}};
constexpr Param kInputs[] = {{"x", "T1"}, {"y_scale", "T1"}, {"y_zero_point", "T2", kOptionalParam}};
constexpr Param kOutputs[] = {{"y", "T2"}};
constexpr AttrDef kAttrs[] = {int_attr("axis", 1)};

Status infer(InferContext& c) {
  c.set_output(0, c.has_input(2) ? c.input_dtype(2) : DType::kUInt8,
               c.input_shape(0) ? std::optional<SymShape>(*c.input_shape(0)) : std::nullopt);
  return {};
}

Status decompose(RewriteContext& c) {
  std::vector<ValueId> in = {c.input(0), c.input(1)};
  if (c.has_input(2)) in.push_back(c.input(2));
  c.replace_output(0, c.ops("", "QuantizeLinear", in, attrs_named(c, {"axis"}), 1)[0]);
  return {};
}

}  // namespace

extern const OpDef op_microsoft_quantize_linear = {
    .name = "QuantizeLinear",
    .domain = "com.microsoft",
    .doc = "ONNX QuantizeLinear with 16-bit and 4-bit types.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      : f32[3]{0 1 100}, f32[]{0.5}, u16[]{1} -> u16[3]{1 3 201}
    )"),
};

}  // namespace anyrt
