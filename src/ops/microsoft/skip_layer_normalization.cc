#include "opdef/decompose_util.h"
#include "ops/microsoft/skip_norm_common.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", DTypeSet(DType::kFloat32) | DType::kFloat16 | DType::kBFloat16},
                               {"U", DType::kFloat32}};
constexpr Param kInputs[] = {
    {"input", "T"}, {"skip", "T"}, {"gamma", "T"}, {"beta", "T", kOptionalParam}, {"bias", "T", kOptionalParam}};
constexpr Param kOutputs[] = {{"output", "T"},
                              {"mean", "U", kOptionalParam},
                              {"inv_std_var", "U", kOptionalParam},
                              {"input_skip_bias_sum", "T", kOptionalParam}};
constexpr AttrDef kAttrs[] = {float_attr("epsilon", 1e-12f)};

Status eval(EvalContext& c) { return eval_skip_norm(c, {.centred = true, .beta = 3, .bias = 4}); }

Status decompose(RewriteContext& c) {
  const float epsilon = c.f("epsilon");
  ValueId sum = c.op("Add", {c.input(0), c.input(1)});
  if (c.has_input(4)) sum = c.op("Add", {sum, c.input(4)});
  std::vector<ValueId> in = {sum, c.input(2)};
  if (c.has_input(3)) in.push_back(c.input(3));
  const std::vector<ValueId> y = c.ops("", "LayerNormalization", in, {{"axis", int64_t{-1}}, {"epsilon", epsilon}}, 3);
  for (size_t i = 0; i < 3; ++i) c.replace_output(i, y[i]);
  c.replace_output(3, sum);
  return {};
}

}  // namespace

extern const OpDef op_microsoft_skip_layer_normalization = {
    .name = "SkipLayerNormalization",
    .domain = "com.microsoft",
    .doc = "Layer normalisation of the sum of input, skip and bias over the last axis.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer_skip_norm,
    .eval = eval,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      epsilon=0.0 : f32[1,2]{1 2}, f32[1,2]{0 1}, f32[2]{1 1}, f32[2]{0 10} -> f32[1,2]{-1 11}
      : f32[1,2,4]{rand:1}, f32[1,2,4]{rand:2}, f32[4]{rand:3}, _, f32[4]{rand:4} -> ?
    )"),
};

}  // namespace anyrt
