#include "opdef/decompose_util.h"
#include "opdef/infer.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T8", DTypeSet(DType::kUInt8) | DType::kInt8},
                               {"TF", DType::kFloat32},
                               {"TV", DTypeSet(DType::kUInt8) | DType::kInt8 | DType::kFloat32}};
constexpr Param kInputs[] = {{"Y_scale", "TF"}, {"Y_zero_point", "T8"}, {"inputs", "TV", kVariadicAnyParam}};
constexpr Param kOutputs[] = {{"Y", "T8"}};
constexpr AttrDef kAttrs[] = {required_attr("axis", AttrKind::kInt)};

Status infer(InferContext& c) {
  c.set_output(0, c.input_dtype(1));
  return {};
}

Status decompose(RewriteContext& c) {
  const int64_t axis = c.i("axis");
  if (c.num_inputs() < 5 || (c.num_inputs() - 2) % 3 != 0)
    return invalid_model("inputs come in triples after the first two, found {}", c.num_inputs());
  std::vector<ValueId> parts;
  for (size_t i = 2; i + 2 < c.num_inputs(); i += 3) parts.push_back(dequantized(c, i, i + 1, i + 2));
  c.replace_output(0, quantized(c, c.ops("", "Concat", parts, {{"axis", axis}}, 1)[0], 0, 1));
  return {};
}

}  // namespace

extern const OpDef op_microsoft_qlinear_concat = {
    .name = "QLinearConcat",
    .domain = "com.microsoft",
    .doc =
        "Joins quantised tensors of different scales: triples (tensor, scale, zero point) after the scale and zero "
        "point of the result.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      axis=0 : f32[]{1}, u8[]{0}, u8[1]{2}, f32[]{2}, u8[]{0}, u8[1]{9}, f32[]{1}, u8[]{1} -> u8[2]{4 8}
    )"),
};

}  // namespace anyrt
