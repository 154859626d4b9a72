#include "opdef/sequence_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"S", sequences(kAllDTypes)}};
constexpr Param kOutputs[] = {{"output", "S"}};
constexpr AttrDef kAttrs[] = {attr("dtype", AttrKind::kInt).with_doc("element type of the tensors; float when absent")};

Expected<Type> element_type(const AttrReader& c) {
  const DType dtype = c.dtype("dtype", DType::kFloat32);
  if (dtype == DType::kUndefined) return invalid_model("dtype {} is not an element type", c.i("dtype"));
  return Type::tensor(dtype);
}

Status infer(InferContext& c) {
  ANYRT_ASSIGN(Type element, element_type(c));
  c.set_output(0, Type::sequence(std::move(element)));
  return {};
}

Status eval(EvalContext& c) {
  Sequence out;
  ANYRT_ASSIGN(out.elem_type, element_type(c));
  c.set_output(0, std::move(out));
  return {};
}

}  // namespace

extern const OpDef op_onnx_sequence_empty = {
    .name = "SequenceEmpty",
    .since = 11,
    .first = 11,
    .doc = "A sequence without elements.",
    .flags = kHostOnly,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      : -> seq()
      dtype=7 : -> seq()
      dtype=99 : -> !dtype 99
    )"),
};

}  // namespace anyrt
