#include "opdef/decompose_util.h"
#include "opdef/infer.h"
#include "opdef/shape_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", DTypeSet(DType::kUInt8) | DType::kInt8}};
constexpr Param kInputs[] = {{"X", "T"},
                             {"X_scale", "float32"},
                             {"X_zero_point", "T", kOptionalParam},
                             {"Y_scale", "float32"},
                             {"Y_zero_point", "T", kOptionalParam}};
constexpr Param kOutputs[] = {{"Y", "T"}};

Status decompose(RewriteContext& c) {
  c.replace_output(0, quantized(c, c.op("Sigmoid", {dequantized(c, 0, 1, 2)}), 3, 4, known_dtype(c, 0)));
  return {};
}

}  // namespace

extern const OpDef op_microsoft_qlinear_sigmoid = {
    .name = "QLinearSigmoid",
    .domain = "com.microsoft",
    .doc = "Quantised sigmoid.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer_same,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      : u8[2]{128 255}, f32[]{0.1}, u8[]{128}, f32[]{0.00390625}, _ -> u8[2]{128 255}
    )"),
};

}  // namespace anyrt
