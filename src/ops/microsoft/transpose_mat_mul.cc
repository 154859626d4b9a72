#include "opdef/decompose_util.h"
#include "opdef/infer.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kInputs[] = {{"A", "T"}, {"B", "T"}};
constexpr Param kOutputs[] = {{"Y", "T"}};
constexpr AttrDef kAttrs[] = {float_attr("alpha", 1.0f), int_attr("transA", 0), int_attr("transB", 0)};

Status infer(InferContext& c) {
  c.set_output(0, c.input_dtype(0));
  return {};
}

Status decompose(RewriteContext& c) {
  std::vector<Attr> attrs = attrs_named(c, {"alpha", "transA", "transB"});
  c.replace_output(0, c.ops("com.microsoft", "FusedMatMul", {c.input(0), c.input(1)}, std::move(attrs), 1)[0]);
  return {};
}

}  // namespace

extern const OpDef op_microsoft_transpose_mat_mul = {
    .name = "TransposeMatMul",
    .domain = "com.microsoft",
    .doc = "The older name of FusedMatMul.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .decompose = decompose,
};

}  // namespace anyrt
