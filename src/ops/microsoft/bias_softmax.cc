#include "opdef/decompose_util.h"
#include "opdef/infer.h"
#include "opdef/shape_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats3}};
constexpr Param kInputs[] = {{"data", "T"}, {"bias", "T"}};
constexpr Param kOutputs[] = {{"output", "T"}};
constexpr AttrDef kAttrs[] = {int_attr("axis", 1), required_attr("is_inner_broadcast", AttrKind::kInt)};

Status decompose(RewriteContext& c) {
  const auto rank = c.input_rank(0), bias_rank = c.input_rank(1);
  if (!rank || !bias_rank) return not_implemented("inputs of unknown rank");
  ANYRT_ASSIGN(const int64_t axis, normalize_axis(c.i("axis"), *rank));
  ValueId bias = c.input(1);
  // Outer broadcast: the bias lacks leading axes up to `axis`, as NumPy has it. Inner broadcast: ones stand in the
  // middle.
  const ValueId sum = c.op("Add", {c.input(0), bias});
  const ValueId flat = c.op("Softmax", {c.op("Flatten", {sum}, {{"axis", axis}})}, {{"axis", int64_t{-1}}});
  c.replace_output(0, c.op("Reshape", {flat, c.op("Shape", {c.input(0)})}));
  return {};
}

}  // namespace

extern const OpDef op_microsoft_bias_softmax = {
    .name = "BiasSoftmax",
    .domain = "com.microsoft",
    .doc = "Softmax of the sum of data and bias over the axes from `axis` on.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer_same,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      is_inner_broadcast=0 : f32[1,2]{1 0}, f32[1,2]{0 1} -> f32[1,2]{0.5 0.5}
    )"),
};

}  // namespace anyrt
