#include "opdef/decompose_util.h"
#include "opdef/infer.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", DTypeSet(DType::kUInt8) | DType::kUInt16 | DType::kUInt32 | DType::kUInt64 |
                                         DType::kInt8 | DType::kInt16 | DType::kInt32 | DType::kInt64 |
                                         DType::kFloat16 | DType::kFloat32 | DType::kFloat64 | DType::kString |
                                         DType::kBool | DType::kComplex64 | DType::kComplex128}};
constexpr Param kInputs[] = {{"X", "T"}, {"axis", "int32"}};
constexpr Param kOutputs[] = {{"Y", "T"}};

Status infer(InferContext& c) {
  c.set_output(0, c.input_dtype(0));
  return {};
}

Status decompose(RewriteContext& c) {
  const ValueId axis = c.op("Reshape", {c.op("Cast", {c.input(1)}, {{"to", int64_t{7}}}), c.constant_ints({-1})});
  c.replace_output(0, c.op("Unsqueeze", {c.input(0), axis}));
  return {};
}

}  // namespace

extern const OpDef op_microsoft_expand_dims = {
    .name = "ExpandDims",
    .domain = "com.microsoft",
    .doc = "Inserts an axis of size 1.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      : f32[2]{1 2}, i32[]{0} -> f32[1,2]{1 2}
    )"),
};

}  // namespace anyrt
