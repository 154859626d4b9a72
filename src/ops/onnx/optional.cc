#include "opdef/eval.h"
#include "opdef/infer.h"

namespace anyrt {
namespace {

constexpr TypeSet tensors_or_sequences() {
  TypeSet s(kAllDTypes);
  s.sequence = kAllDTypes;
  return s;
}

constexpr TypeRule kTypes[] = {{"V", tensors_or_sequences()}, {"O", any_value(kAllDTypes)}};
constexpr Param kInputs[] = {{"input", "V", kOptionalParam}};
constexpr Param kOutputs[] = {{"output", "O", kRequiredParam, "holds the input, or nothing"}};
constexpr AttrDef kAttrs[] = {attr("type", AttrKind::kType).with_doc("type of the element when there is no input")};

Status infer(InferContext& c) {
  if (c.has_input(0)) {
    if (c.input_type(0).defined()) c.set_output(0, Type::optional_of(c.input_type(0)));
    return {};
  }
  const Attr* a = c.node().find_attr("type");
  if (!a) return invalid_model("either an input or attribute 'type' is needed");
  c.set_output(0, Type::optional_of(std::get<Type>(a->value)));
  return {};
}

Status eval(EvalContext& c) {
  c.set_output(0, c.has_input(0) ? c.value(0) : Value());
  return {};
}

}  // namespace

extern const OpDef op_onnx_optional = {
    .name = "Optional",
    .since = 15,
    .first = 15,
    .doc = "Makes an optional value, with or without an element.",
    .flags = kHostOnly,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      : f32[2]{1 2} -> f32[2]{1 2}
      : seq(i64[1]{1}) -> seq(i64[1]{1})
      : str[]{"a"} -> str[]{"a"}
    )"),
};

}  // namespace anyrt
