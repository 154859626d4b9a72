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
constexpr AttrDef kAttrs[] = {float_attr("alpha", 0.01f)};

Status decompose(RewriteContext& c) {
  const float alpha = c.f("alpha");
  c.replace_output(
      0, quantized(c, c.op("LeakyRelu", {dequantized(c, 0, 1, 2)}, {{"alpha", alpha}}), 3, 4, known_dtype(c, 0)));
  return {};
}

}  // namespace

extern const OpDef op_microsoft_qlinear_leaky_relu = {
    .name = "QLinearLeakyRelu",
    .domain = "com.microsoft",
    .doc = "Quantised leaky ReLU.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer_same,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      alpha=0.5 : i8[2]{-8 8}, f32[]{1}, i8[]{0}, f32[]{1}, i8[]{0} -> i8[2]{-4 8}
    )"),
};

}  // namespace anyrt
