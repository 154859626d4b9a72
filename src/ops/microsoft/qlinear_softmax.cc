#include "opdef/decompose_util.h"
#include "opdef/infer.h"
#include "opdef/shape_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", DTypeSet(DType::kUInt8) | DType::kInt8}};
constexpr Param kInputs[] = {{"X", "T"},
                             {"X_scale", "float32"},
                             {"x_zero_point", "T", kOptionalParam},
                             {"y_scale", "float32"},
                             {"y_zero_point", "T"}};
constexpr Param kOutputs[] = {{"Y", "T"}};
constexpr AttrDef kAttrs[] = {int_attr("axis", -1), required_attr("opset", AttrKind::kInt)};

Status decompose(RewriteContext& c) {
  const int64_t axis = c.i("axis"), opset = c.i("opset");
  ValueId x = dequantized(c, 0, 1, 2);
  if (opset >= 13) {
    x = c.op("Softmax", {x}, {{"axis", axis}});
  } else {
    x = c.op("Softmax", {c.op("Flatten", {x}, {{"axis", axis}})}, {{"axis", int64_t{-1}}});
    x = c.op("Reshape", {x, c.op("Shape", {c.input(0)})});
  }
  c.replace_output(0, quantized(c, x, 3, 4, known_dtype(c, 0)));
  return {};
}

}  // namespace

extern const OpDef op_microsoft_qlinear_softmax = {
    .name = "QLinearSoftmax",
    .domain = "com.microsoft",
    .doc = "Quantised softmax; `opset` says whether the axes from `axis` on count as one (before 13).",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer_same,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      opset=13 : u8[1,2]{1 1}, f32[]{1}, u8[]{0}, f32[]{0.00390625}, u8[]{0} -> u8[1,2]{128 128}
    )"),
};

}  // namespace anyrt
