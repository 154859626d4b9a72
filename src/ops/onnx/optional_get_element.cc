#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"O", any_value(kAllDTypes)}, {"V", any_value(kAllDTypes)}};
constexpr Param kInputs[] = {{"input", "O"}};
constexpr Param kOutputs[] = {{"output", "V"}};

Status infer(InferContext& c) {
  const Type& t = c.input_type(0);
  if (!t.is_optional()) {
    c.set_output(0, t);
  } else if (t.elem) {
    c.set_output(0, *t.elem);
  }
  return {};
}

Status eval(EvalContext& c) {
  if (!c.has_input(0)) return invalid_argument("the optional value is empty");
  c.set_output(0, c.value(0));
  return {};
}

}  // namespace

extern const OpDef op_onnx_optional_get_element = {
    .name = "OptionalGetElement",
    .since = 18,
    .first = 15,
    .doc = "The element of an optional value, which must have one; any other value is its own element.",
    .flags = kHostOnly,
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : f32[2]{1 2} -> f32[2]{1 2}
      : seq(i64[1]{1}, i64[2]{2 3}) -> seq(i64[1]{1}, i64[2]{2 3})
      : bool[]{true} -> bool[]{true}
    )"),
};

}  // namespace anyrt
