#include "opdef/decompose_util.h"
#include "opdef/infer.h"
#include "opdef/shape_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", DTypeSet(DType::kUInt8) | DType::kInt8}};
constexpr Param kInputs[] = {{"A", "T"},
                             {"A_scale", "float32"},
                             {"A_zero_point", "T", kOptionalParam},
                             {"B", "T"},
                             {"B_scale", "float32"},
                             {"B_zero_point", "T", kOptionalParam},
                             {"C_scale", "float32"},
                             {"C_zero_point", "T", kOptionalParam}};
constexpr Param kOutputs[] = {{"C", "T"}};

Status infer(InferContext& c) {
  std::optional<SymShape> shape;
  if (c.input_shape(0) && c.input_shape(3)) {
    ANYRT_ASSIGN(shape, broadcast_shapes(*c.input_shape(0), *c.input_shape(3)));
  }
  c.set_output(0, c.input_dtype(0), shape);
  return {};
}

Status decompose(RewriteContext& c) {
  const ValueId y = c.op("Mul", {dequantized(c, 0, 1, 2), dequantized(c, 3, 4, 5)});
  c.replace_output(0, quantized(c, y, 6, 7, known_dtype(c, 0)));
  return {};
}

}  // namespace

extern const OpDef op_microsoft_qlinear_mul = {
    .name = "QLinearMul",
    .domain = "com.microsoft",
    .doc = "Quantised product with broadcasting.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      : i8[2]{10 -20}, f32[]{0.5}, i8[]{0}, i8[1]{4}, f32[]{1}, _, f32[]{1}, i8[]{0} -> i8[2]{20 -40}
    )"),
};

}  // namespace anyrt
