#include "opdef/decompose_util.h"
#include "opdef/infer.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T1", DTypeSet(DType::kInt8) | DType::kUInt8},
                               {"T2", DTypeSet(DType::kInt8) | DType::kUInt8},
                               {"T3", DTypeSet(DType::kFloat32) | DType::kFloat16}};
constexpr Param kInputs[] = {{"A", "T1"},
                             {"B", "T2"},
                             {"a_scale", "T3"},
                             {"b_scale", "T3"},
                             {"a_zero_point", "T1", kOptionalParam},
                             {"b_zero_point", "T2", kOptionalParam},
                             {"bias", "T3", kOptionalParam}};
constexpr Param kOutputs[] = {{"Y", "T3"}};

Status infer(InferContext& c) {
  c.set_output(0, c.input_dtype(2));
  return {};
}

Status decompose(RewriteContext& c) {
  std::vector<ValueId> in = {c.input(0), c.input(1), c.input(4), c.input(5)};
  while (in.back() == kNoValue) in.pop_back();
  const ValueId product = c.ops("", "MatMulInteger", in, {}, 1)[0];
  ValueId y = c.op("Cast", {product}, {{"to", static_cast<int64_t>(known_dtype(c, 2))}});
  y = c.op("Mul", {y, c.op("Mul", {c.input(2), c.input(3)})});
  if (c.has_input(6)) y = c.op("Add", {y, c.input(6)});
  c.replace_output(0, y);
  return {};
}

}  // namespace

extern const OpDef op_microsoft_mat_mul_integer_to_float = {
    .name = "MatMulIntegerToFloat",
    .domain = "com.microsoft",
    .doc = "Product of quantised matrices, scaled to float, plus a bias.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      : u8[1,2]{2 3}, i8[2,1]{1 -2}, f32[]{0.5}, f32[1]{2}, u8[]{1}, _, f32[1]{10} -> f32[1,1]{7}
    )"),
};

}  // namespace anyrt
