#include "opdef/decompose_util.h"
#include "opdef/infer.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", DTypeSet(DType::kFloat32) | DType::kFloat16 | DType::kBFloat16}};
constexpr Param kInputs[] = {{"X", "T"}, {"W", "T"}, {"bias", "T", kOptionalParam}};
constexpr Param kOutputs[] = {{"Y", "T"}};

Status infer(InferContext& c) {
  c.set_output(0, c.input_dtype(0));
  return {};
}

Status decompose(RewriteContext& c) {
  ValueId x = c.op("MatMul", {c.input(0), c.input(1)});
  if (c.has_input(2)) x = c.op("Add", {x, c.input(2)});
  c.replace_output(0, c.op("Gelu", {x}, {{"approximate", std::string("tanh")}}));
  return {};
}

}  // namespace

extern const OpDef op_microsoft_gemm_fast_gelu = {
    .name = "GemmFastGelu",
    .domain = "com.microsoft",
    .doc = "FastGelu of a matrix product.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      : f32[1,1]{1}, f32[1,1]{1} -> f32[1,1]{0.841192} ~ 1e-4 1e-5
    )"),
};

}  // namespace anyrt
