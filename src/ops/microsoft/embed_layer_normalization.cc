#include "opdef/decompose_util.h"
#include "opdef/infer.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T1", DType::kInt32}, {"T", DTypeSet(DType::kFloat32) | DType::kFloat16}};
constexpr Param kInputs[] = {{"input_ids", "T1"},
                             {"segment_ids", "T1", kOptionalParam},
                             {"word_embedding", "T"},
                             {"position_embedding", "T"},
                             {"segment_embedding", "T", kOptionalParam},
                             {"gamma", "T"},
                             {"beta", "T"},
                             {"mask", "T1", kOptionalParam},
                             {"position_ids", "T1", kOptionalParam}};
constexpr Param kOutputs[] = {
    {"output", "T"}, {"mask_index", "T1", kOptionalParam}, {"embedding_sum", "T", kOptionalParam}};
constexpr AttrDef kAttrs[] = {float_attr("epsilon", 1e-12f), int_attr("mask_index_type", 0)};

Status infer(InferContext& c) {
  std::optional<SymShape> shape;
  std::optional<SymShape> batch;
  if (const SymShape* s = c.input_shape(0); s && s->size() == 2) {
    batch = SymShape{(*s)[0]};
    if (const SymShape* w = c.input_shape(2); w && w->size() == 2) shape = SymShape{(*s)[0], (*s)[1], (*w)[1]};
  }
  c.set_output(0, c.input_dtype(2), shape);
  c.set_output(1, DType::kInt32, batch);
  c.set_output(2, c.input_dtype(2), shape);
  return {};
}

Status decompose(RewriteContext& c) {
  const float epsilon = c.f("epsilon");
  ValueId sum = c.op("Gather", {c.input(2), c.input(0)});
  const ValueId sequence = c.op("Shape", {c.input(0)}, {{"start", int64_t{1}}, {"end", int64_t{2}}});
  ValueId positions = c.input(8);
  if (positions == kNoValue) {
    const ValueId count = c.op("Squeeze", {sequence, c.constant_ints({0})});
    positions =
        c.op("Unsqueeze",
             {c.op("Range", {c.constant(Tensor::scalar<int64_t>(0)), count, c.constant(Tensor::scalar<int64_t>(1))}),
              c.constant_ints({0})});
  }
  sum = c.op("Add", {sum, c.op("Gather", {c.input(3), positions})});
  if (c.has_input(4) && c.has_input(1)) sum = c.op("Add", {sum, c.op("Gather", {c.input(4), c.input(1)})});
  const std::vector<ValueId> y =
      c.ops("", "LayerNormalization", {sum, c.input(5), c.input(6)}, {{"axis", int64_t{-1}}, {"epsilon", epsilon}}, 1);
  c.replace_output(0, y[0]);
  if (c.has_output(1)) {
    const ValueId batch = c.op("Shape", {c.input(0)}, {{"start", int64_t{0}}, {"end", int64_t{1}}});
    const ValueId zero =
        c.op("ConstantOfShape", {batch}, {{"value", Tensor::vector<int32_t>(std::vector<int32_t>{0})}});
    c.replace_output(
        1, c.has_input(7) ? c.op("ReduceSum", {c.input(7), c.constant_ints({1})}, {{"keepdims", int64_t{0}}}) : zero);
  }
  c.replace_output(2, sum);
  return {};
}

}  // namespace

extern const OpDef op_microsoft_embed_layer_normalization = {
    .name = "EmbedLayerNormalization",
    .domain = "com.microsoft",
    .doc =
        "Sum of word, position and segment embeddings, layer-normalised; and the number of unmasked words of each row.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      epsilon=0.0 : i32[1,1]{1}, _, f32[2,2]{0 0 1 2}, f32[1,2]{0 1}, _, f32[2]{1 1}, f32[2]{0 0} -> f32[1,1,2]{-1 1}, i32[1]{0}
    )"),
};

}  // namespace anyrt
