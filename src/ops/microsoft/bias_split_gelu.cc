#include "opdef/decompose_util.h"
#include "opdef/infer.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", DTypeSet(DType::kFloat16) | DType::kFloat32}};
constexpr Param kInputs[] = {{"X", "T"}, {"bias", "T"}};
constexpr Param kOutputs[] = {{"Y", "T"}};

Status infer(InferContext& c) {
  std::optional<SymShape> shape;
  if (const SymShape* s = c.input_shape(0); s && !s->empty()) {
    shape = *s;
    shape->back() = Dim::floor_div(shape->back(), Dim(2));
  }
  c.set_output(0, c.input_dtype(0), shape);
  return {};
}

Status decompose(RewriteContext& c) {
  const ValueId x = c.op("Add", {c.input(0), c.input(1)});
  const std::vector<ValueId> half = c.ops("", "Split", {x}, {{"axis", int64_t{-1}}, {"num_outputs", int64_t{2}}}, 2);
  c.replace_output(0, c.op("Mul", {half[0], c.op("Gelu", {half[1]})}));
  return {};
}

}  // namespace

extern const OpDef op_microsoft_bias_split_gelu = {
    .name = "BiasSplitGelu",
    .domain = "com.microsoft",
    .doc = "X + bias, split in halves along the last axis: the first times Gelu of the second.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      : f32[1,1,2]{2 1}, f32[2]{1 0} -> f32[1,1,1]{2.5240342}
    )"),
};

}  // namespace anyrt
