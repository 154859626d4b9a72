#include "opdef/decompose_util.h"
#include "ops/microsoft/skip_norm_common.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", DTypeSet(DType::kFloat32) | DType::kFloat16 | DType::kBFloat16},
                               {"U", DType::kFloat32}};
constexpr Param kInputs[] = {{"input", "T"}, {"skip", "T"}, {"gamma", "T"}, {"bias", "T", kOptionalParam}};
constexpr Param kOutputs[] = {{"output", "T"},
                              {"mean", "U", kOptionalParam},
                              {"inv_std_var", "U", kOptionalParam},
                              {"input_skip_bias_sum", "T", kOptionalParam}};
constexpr AttrDef kAttrs[] = {float_attr("epsilon", 1e-12f)};

Status eval(EvalContext& c) { return eval_skip_norm(c, {.centred = false, .beta = 0, .bias = 3}); }

Status decompose(RewriteContext& c) {
  const float epsilon = c.f("epsilon");
  ValueId sum = c.op("Add", {c.input(0), c.input(1)});
  if (c.has_input(3)) sum = c.op("Add", {sum, c.input(3)});
  const std::vector<ValueId> y =
      c.ops("", "SimplifiedLayerNormalization", {sum, c.input(2)}, {{"axis", int64_t{-1}}, {"epsilon", epsilon}}, 2);
  c.replace_output(0, y[0]);
  c.replace_output(1, c.op("ReduceMean", {c.op("Cast", {sum}, {{"to", int64_t{1}}}), c.constant_ints({-1})}));
  c.replace_output(2, y[1]);
  c.replace_output(3, sum);
  return {};
}

}  // namespace

extern const OpDef op_microsoft_skip_simplified_layer_normalization = {
    .name = "SkipSimplifiedLayerNormalization",
    .domain = "com.microsoft",
    .doc = "RMS normalisation of the sum of input, skip and bias over the last axis.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer_skip_norm,
    .eval = eval,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      epsilon=0.0 : f32[1,2]{1 3}, f32[1,2]{2 1}, f32[2]{1 2} -> f32[1,2]{0.84852814 2.2627417}
    )"),
};

}  // namespace anyrt
