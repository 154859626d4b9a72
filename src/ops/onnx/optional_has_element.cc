#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"O", any_value(kAllDTypes)}, {"B", DType::kBool}};
constexpr Param kInputs[] = {{"input", "O", kOptionalParam}};
constexpr Param kOutputs[] = {{"output", "B", kRequiredParam, "a scalar"}};

Status infer(InferContext& c) {
  c.set_output(0, DType::kBool, SymShape{});
  return {};
}

Status eval(EvalContext& c) {
  c.set_output(0, Tensor::scalar(c.has_input(0)));
  return {};
}

}  // namespace

extern const OpDef op_onnx_optional_has_element = {
    .name = "OptionalHasElement",
    .since = 18,
    .first = 15,
    .doc = "Whether an optional value has an element; any other value has.",
    .flags = kHostOnly,
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : f32[2]{1 2} -> bool[]{true}
      : seq(i64[1]{1}) -> bool[]{true}
      : _ -> bool[]{false}
    )"),
};

}  // namespace anyrt
