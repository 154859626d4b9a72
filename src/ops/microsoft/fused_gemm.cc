#include "opdef/decompose_util.h"
#include "opdef/infer.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", DTypeSet(DType::kFloat16) | DType::kFloat32 | DType::kFloat64 | DType::kUInt32 |
                                         DType::kUInt64 | DType::kInt32 | DType::kInt64}};
constexpr Param kInputs[] = {{"A", "T"}, {"B", "T"}, {"C", "T", kOptionalParam}};
constexpr Param kOutputs[] = {{"Y", "T"}};
constexpr AttrDef kAttrs[] = {string_attr("activation", ""),
                              float_attr("activation_alpha", 0.0f),
                              float_attr("activation_beta", 0.0f),
                              float_attr("activation_gamma", 0.0f),
                              float_attr("alpha", 1.0f),
                              float_attr("beta", 1.0f),
                              int_attr("transA", 0),
                              int_attr("transB", 0)};

Status infer(InferContext& c) {
  c.set_output(0, c.input_dtype(0));
  return {};
}

Status decompose(RewriteContext& c) {
  std::vector<ValueId> in = {c.input(0), c.input(1)};
  if (c.has_input(2)) in.push_back(c.input(2));
  const std::string activation = c.s("activation");
  const std::vector<float> params = {c.f("activation_alpha"), c.f("activation_beta"), c.f("activation_gamma")};
  ValueId y = c.ops("", "Gemm", in, attrs_named(c, {"alpha", "beta", "transA", "transB"}), 1)[0];
  ANYRT_ASSIGN(y, activated(c, y, activation, params, known_dtype(c, 0)));
  c.replace_output(0, y);
  return {};
}

}  // namespace

extern const OpDef op_microsoft_fused_gemm = {
    .name = "FusedGemm",
    .domain = "com.microsoft",
    .doc = "Gemm, then an activation.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      activation="Relu" : f32[1,2]{1 2}, f32[2,2]{1 -1 1 -1} -> f32[1,2]{3 0}
    )"),
};

}  // namespace anyrt
