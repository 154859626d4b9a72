#include "opdef/decompose_util.h"
#include "opdef/infer.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {
    {"T", DTypeSet(DType::kFloat32) | DType::kFloat64 | DType::kInt16 | DType::kInt32 | DType::kInt64}};
constexpr Param kInputs[] = {{"start", "T"}, {"limit", "T"}, {"delta", "T", kOptionalParam}};
constexpr Param kOutputs[] = {{"Y", "T"}};

Status infer(InferContext& c) {
  c.set_output(0, c.input_dtype(0), SymShape{Dim()});
  return {};
}

Status decompose(RewriteContext& c) {
  const ValueId step = c.has_input(2) ? c.input(2) : c.constant_scalar(1, known_dtype(c, 0));
  // The inputs may have one element in one dimension.
  const ValueId scalar = c.constant(Tensor::int64s({}));
  c.replace_output(0, c.op("Range", {c.op("Reshape", {c.input(0), scalar}), c.op("Reshape", {c.input(1), scalar}),
                                     c.op("Reshape", {step, scalar})}));
  return {};
}

}  // namespace

extern const OpDef op_microsoft_range = {
    .name = "Range",
    .domain = "com.microsoft",
    .doc = "Numbers from start to limit; delta is 1 when omitted.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      : i64[1]{1}, i64[1]{4} -> i64[3]{1 2 3}
    )"),
};

}  // namespace anyrt
