#include "opdef/decompose_util.h"
#include "opdef/infer.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", DType::kFloat32},
                               {"TA", DTypeSet(DType::kUInt8) | DType::kInt8},
                               {"TB", DTypeSet(DType::kUInt8) | DType::kInt8},
                               {"TC", DType::kInt32},
                               {"TYZ", DTypeSet(DType::kUInt8) | DType::kInt8},
                               {"TY", DTypeSet(DType::kFloat32) | DType::kUInt8 | DType::kInt8}};
constexpr Param kInputs[] = {{"A", "TA"},
                             {"a_scale", "T"},
                             {"a_zero_point", "TA"},
                             {"B", "TB"},
                             {"b_scale", "T"},
                             {"b_zero_point", "TB"},
                             {"C", "TC", kOptionalParam},
                             {"y_scale", "T", kOptionalParam},
                             {"y_zero_point", "TYZ", kOptionalParam}};
constexpr Param kOutputs[] = {{"Y", "TY"}};
constexpr AttrDef kAttrs[] = {float_attr("alpha", 1.0f), int_attr("transA", 0), int_attr("transB", 0)};

Status infer(InferContext& c) {
  c.set_output(0, c.has_input(8) ? c.input_dtype(8) : c.has_input(7) ? c.input_dtype(0) : DType::kFloat32);
  return {};
}

Status decompose(RewriteContext& c) {
  const float alpha = c.f("alpha");
  const int64_t trans_a = c.i("transA"), trans_b = c.i("transB");
  const ValueId a = c.op("DequantizeLinear", {c.input(0), c.input(1), c.input(2)});
  // Per-column scales of B: column n of the product is column n of B, row n when B is transposed.
  const ValueId b =
      c.op("DequantizeLinear", {c.input(3), c.input(4), c.input(5)}, {{"axis", trans_b ? int64_t{0} : int64_t{1}}});
  ValueId y = c.op("Gemm", {a, b}, {{"alpha", alpha}, {"transA", trans_a}, {"transB", trans_b}});
  if (c.has_input(6)) {
    // C counts in units of alpha * a_scale * b_scale.
    ValueId unit = c.op("Mul", {c.input(1), c.input(4)});
    unit = c.op("Mul", {unit, c.constant_scalar(static_cast<double>(alpha), DType::kFloat32)});
    y = c.op("Add", {y, c.op("Mul", {c.op("Cast", {c.input(6)}, {{"to", int64_t{1}}}), unit})});
  }
  c.replace_output(0, c.has_input(7) ? quantized(c, y, 7, 8, known_dtype(c, 0)) : y);
  return {};
}

}  // namespace

extern const OpDef op_microsoft_q_gemm = {
    .name = "QGemm",
    .domain = "com.microsoft",
    .doc = "Quantised general matrix product; float where no output scale is given.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      : u8[1,2]{1 2}, f32[]{1}, u8[]{0}, i8[2,1]{3 4}, f32[]{1}, i8[]{0}, i32[1]{5}, f32[]{1}, u8[]{0} -> u8[1,1]{16}
      : u8[1,2]{1 2}, f32[]{0.5}, u8[]{0}, i8[2,1]{3 4}, f32[]{2}, i8[]{0}, i32[1]{5} -> f32[1,1]{16}
    )"),
};

}  // namespace anyrt
