#include "opdef/eval.h"
#include "opdef/shape_util.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kAllDTypes}};
constexpr Param kInputs[] = {{"data", "T"}};
constexpr Param kOutputs[] = {{"size", "int64", kRequiredParam, "a scalar"}};

Status infer(InferContext& c) {
  c.set_output(0, DType::kInt64, SymShape{});
  if (const SymShape* s = c.input_shape(0)) c.set_output_elements(0, {shape_product(*s, 0, s->size())});
  return {};
}

Status eval(EvalContext& c) {
  c.set_output(0, Tensor::scalar(c.input(0).size()));
  return {};
}

}  // namespace

extern const OpDef op_onnx_size = {
    .name = "Size",
    .since = 25,
    .doc = "The number of elements of a tensor.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : f32[2,3]{rand:1} -> i64[]{6}
      : f16[0,3]{} -> i64[]{0}
      : str[]{"x"} -> i64[]{1}
    )"),
};

}  // namespace anyrt
