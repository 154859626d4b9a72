#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeSet tensors_or_sequences() {
  TypeSet s(kAllDTypes);
  s.sequence = kAllDTypes;
  return s;
}

constexpr TypeRule kTypes[] = {{"S", sequences(kAllDTypes)}, {"V", tensors_or_sequences()}};
constexpr Param kInputs[] = {
    {"input_sequence", "S"},
    {"additional_inputs", "V", kVariadicAnyParam, "sequences go along element by element, tensors as they are"}};
constexpr Param kOutputs[] = {{"out_sequence", "S", kVariadicAnyParam}};
constexpr AttrDef kAttrs[] = {required_attr("body", AttrKind::kGraph)};

Status check_body(const Graph& body, size_t inputs, size_t outputs) {
  if (body.inputs.size() != inputs || body.outputs.size() < outputs) {
    return invalid_model("the body has {} inputs and {} outputs, expected {} and {}", body.inputs.size(),
                         body.outputs.size(), inputs, outputs);
  }
  return {};
}

Status infer(InferContext& c) {
  ANYRT_TRY(check_body(*c.graph("body"), c.num_inputs(), c.num_outputs()));
  std::vector<Type> types;
  for (size_t i = 0; i < c.num_inputs(); ++i) {
    const Type& t = c.input_type(i);
    types.push_back(t.is_sequence() ? (t.elem ? *t.elem : Type()) : t);
  }
  ANYRT_ASSIGN(const std::vector<Type> out, c.infer_subgraph("body", types));
  for (size_t i = 0; i < c.num_outputs(); ++i) {
    if (out[i].defined()) c.set_output(i, Type::sequence(out[i]));
  }
  return {};
}

Status eval(EvalContext& c) {
  const Graph& body = *c.graph("body");
  ANYRT_TRY(check_body(body, c.num_inputs(), c.num_outputs()));
  const size_t length = c.value(0).sequence().values.size();
  std::vector<Sequence> results(c.num_outputs());
  for (size_t k = 0; k < results.size(); ++k) {
    const Type& t = body.value(body.outputs[k]).type;
    results[k].elem_type = Type::tensor(t.dtype);
  }
  for (size_t i = 0; i < length; ++i) {
    ANYRT_TRY(c.check_cancelled());
    std::vector<Value> in;
    for (size_t k = 0; k < c.num_inputs(); ++k) {
      const Value& v = c.value(k);
      if (!v.is_sequence()) {
        in.push_back(v);
      } else if (v.sequence().values.size() == length) {
        in.push_back(v.sequence().values[i]);
      } else {
        return invalid_argument("sequence {} has {} elements, the first one {}", k, v.sequence().values.size(), length);
      }
    }
    ANYRT_ASSIGN(std::vector<Value> out, c.run_subgraph("body", std::move(in)));
    for (size_t k = 0; k < results.size(); ++k) {
      if (!out[k].is_tensor()) return invalid_argument("body output {} must be a tensor", k);
      if (i == 0) results[k].elem_type = Type::tensor(out[k].tensor().dtype());
      results[k].values.push_back(std::move(out[k]));
    }
  }
  for (size_t k = 0; k < results.size(); ++k) c.set_output(k, std::move(results[k]));
  return {};
}

}  // namespace

extern const OpDef op_onnx_sequence_map = {
    .name = "SequenceMap",
    .since = 17,
    .first = 17,
    .doc = "Runs a subgraph for each element of a sequence.",
    .flags = kHostOnly,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
};

}  // namespace anyrt
