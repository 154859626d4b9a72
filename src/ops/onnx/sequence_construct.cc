#include "opdef/sequence_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kAllDTypes}, {"S", sequences(kAllDTypes)}};
constexpr Param kInputs[] = {{"inputs", "T", kVariadicParam}};
constexpr Param kOutputs[] = {{"output_sequence", "S"}};

Status infer(InferContext& c) {
  if (c.num_inputs() == 0) return invalid_model("at least one input is needed");
  Type element = c.input_type(0);
  for (size_t i = 1; i < c.num_inputs(); ++i) element = joined_element(element, c.input_type(i));
  if (element.defined()) c.set_output(0, Type::sequence(element));
  return {};
}

Status eval(EvalContext& c) {
  if (c.num_inputs() == 0) return invalid_argument("at least one input is needed");
  Sequence out;
  out.elem_type = Type::tensor(c.input(0).dtype());
  for (size_t i = 0; i < c.num_inputs(); ++i) out.values.push_back(c.value(i));
  c.set_output(0, std::move(out));
  return {};
}

}  // namespace

extern const OpDef op_onnx_sequence_construct = {
    .name = "SequenceConstruct",
    .since = 11,
    .first = 11,
    .doc = "A sequence of the inputs.",
    .flags = kHostOnly,
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      : f32[1]{1}, f32[2]{2 3} -> seq(f32[1]{1}, f32[2]{2 3})
      : str[]{"a"} -> seq(str[]{"a"})
      : i4[0]{}, i4[1]{-8} -> seq(i4[0]{}, i4[1]{-8})
      : f32[1]{1}, f64[1]{2} -> !one type
    )"),
};

}  // namespace anyrt
