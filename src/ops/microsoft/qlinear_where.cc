#include "opdef/decompose_util.h"
#include "opdef/infer.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {
    {"B", DType::kBool}, {"TF", DType::kFloat32}, {"T", DTypeSet(DType::kUInt8) | DType::kInt8}};
constexpr Param kInputs[] = {{"condition", "B"},    {"X", "T"},        {"x_scale", "TF"},
                             {"x_zero_point", "T"}, {"Y", "T"},        {"y_scale", "TF"},
                             {"y_zero_point", "T"}, {"z_scale", "TF"}, {"z_zero_point", "T"}};
constexpr Param kOutputs[] = {{"Z", "T"}};

Status infer(InferContext& c) {
  c.set_output(0, c.input_dtype(1));
  return {};
}

Status decompose(RewriteContext& c) {
  const ValueId y = c.op("Where", {c.input(0), dequantized(c, 1, 2, 3), dequantized(c, 4, 5, 6)});
  c.replace_output(0, quantized(c, y, 7, 8, known_dtype(c, 1)));
  return {};
}

}  // namespace

extern const OpDef op_microsoft_qlinear_where = {
    .name = "QLinearWhere",
    .domain = "com.microsoft",
    .doc = "Quantised choice between X and Y.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      : bool[2]{true false}, u8[2]{1 2}, f32[]{1}, u8[]{0}, u8[2]{3 4}, f32[]{2}, u8[]{0}, f32[]{1}, u8[]{0} -> u8[2]{1 8}
    )"),
};

}  // namespace anyrt
