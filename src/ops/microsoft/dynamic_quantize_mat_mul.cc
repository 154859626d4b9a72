#include "opdef/decompose_util.h"
#include "opdef/infer.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T1", DType::kFloat32}, {"T2", DTypeSet(DType::kInt8) | DType::kUInt8}};
constexpr Param kInputs[] = {{"A", "T1"},
                             {"B", "T2"},
                             {"b_scale", "T1"},
                             {"b_zero_point", "T2", kOptionalParam},
                             {"bias", "T1", kOptionalParam}};
constexpr Param kOutputs[] = {{"Y", "T1"}};

Status infer(InferContext& c) {
  c.set_output(0, c.input_dtype(0));
  return {};
}

Status decompose(RewriteContext& c) {
  const std::vector<ValueId> a = c.ops("", "DynamicQuantizeLinear", {c.input(0)}, {}, 3);
  std::vector<ValueId> in = {a[0], c.input(1), a[1], c.input(2), a[2], c.input(3), c.input(4)};
  while (in.back() == kNoValue) in.pop_back();
  c.replace_output(0, c.ops("com.microsoft", "MatMulIntegerToFloat", in, {}, 1)[0]);
  return {};
}

}  // namespace

extern const OpDef op_microsoft_dynamic_quantize_mat_mul = {
    .name = "DynamicQuantizeMatMul",
    .domain = "com.microsoft",
    .doc = "A quantised on the fly to uint8, times the quantised B, back in float.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      : f32[1,2]{0 255}, i8[2,1]{1 2}, f32[]{0.5} -> f32[1,1]{255}
    )"),
};

}  // namespace anyrt
