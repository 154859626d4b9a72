#include <limits>

#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/loop_util.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"V", any_value(kAllDTypes)}, {"I", DType::kInt64}, {"B", DType::kBool}};
constexpr Param kInputs[] = {{"M", "I", kOptionalParam, "at most this many iterations"},
                             {"cond", "B", kOptionalParam, "whether to start; true when absent"},
                             {"v_initial", "V", kVariadicAnyParam, "carried from one iteration to the next"}};
constexpr Param kOutputs[] = {
    {"v_final_and_scan_outputs", "V", kVariadicAnyParam, "carried values at the end, then stacked results"}};
constexpr AttrDef kAttrs[] = {required_attr("body", AttrKind::kGraph)
                                  .with_doc("(iteration, cond, carried…) -> (cond, carried…, results to be stacked…)")};

size_t carried_count(size_t num_inputs) { return num_inputs > 2 ? num_inputs - 2 : 0; }

Status check_body(const Graph& body, size_t carried, size_t outputs) {
  if (body.inputs.size() != carried + 2) {
    return invalid_model("the body has {} inputs, expected {}: iteration, condition and {} carried values",
                         body.inputs.size(), carried + 2, carried);
  }
  if (body.outputs.size() < carried + 1 || body.outputs.size() - 1 < outputs) {
    return invalid_model("the body has {} outputs, expected {}: condition and the node's {} outputs",
                         body.outputs.size(), std::max(carried, outputs) + 1, outputs);
  }
  return {};
}

// Bodies declare the iteration number and the condition as scalars or as vectors of one element.
bool declares_vector(const Graph& body, size_t input) {
  const Type& t = body.value(body.inputs[input]).type;
  return t.is_tensor() && t.shape && t.shape->size() == 1;
}

Status infer(InferContext& c) {
  const Graph& body = *c.graph("body");
  const size_t carried = carried_count(c.num_inputs());
  ANYRT_TRY(check_body(body, carried, c.num_outputs()));
  std::vector<Type> types;
  for (size_t i = 0; i < 2; ++i) {
    types.push_back(
        Type::tensor(i == 0 ? DType::kInt64 : DType::kBool, declares_vector(body, i) ? SymShape{Dim(1)} : SymShape{}));
  }
  for (size_t k = 0; k < carried; ++k) types.push_back(c.input_type(k + 2));
  ANYRT_ASSIGN(std::vector<Type> out, infer_loop_body(c, "body", std::move(types), 2, 1, carried));
  const Dim iterations = c.fresh_dim("iterations");
  for (size_t i = 0; i < c.num_outputs(); ++i) {
    Type t = out[i + 1];
    if (i >= carried && t.is_tensor() && t.shape) t.shape->insert(t.shape->begin(), iterations);
    c.set_output(i, std::move(t));
  }
  return {};
}

Expected<bool> read_flag(const Value& v, const char* what) {
  if (!v.is_tensor() || v.tensor().dtype() != DType::kBool || v.tensor().size() != 1) {
    return invalid_argument("{} must be one bool, found {}", what, v.type_string());
  }
  return v.tensor().data<bool>()[0];
}

Status eval(EvalContext& c) {
  const Graph& body = *c.graph("body");
  const size_t carried = carried_count(c.num_inputs());
  ANYRT_TRY(check_body(body, carried, c.num_outputs()));
  int64_t limit = std::numeric_limits<int64_t>::max();
  if (c.has_input(0)) {
    ANYRT_ASSIGN(limit, c.input_int(0));
  }
  bool go_on = true;
  if (c.has_input(1)) {
    ANYRT_ASSIGN(go_on, read_flag(c.value(1), "cond"));
  }
  std::vector<Value> state;
  for (size_t k = 0; k < carried; ++k) state.push_back(c.value(k + 2));
  const Dims iteration_dims = declares_vector(body, 0) ? Dims{1} : Dims{};
  const Dims flag_dims = declares_vector(body, 1) ? Dims{1} : Dims{};
  std::vector<std::vector<Value>> results(body.outputs.size() - 1 - carried);
  for (int64_t i = 0; i < limit && go_on; ++i) {
    ANYRT_TRY(c.check_cancelled());
    std::vector<Value> in;
    ANYRT_ASSIGN(Tensor iteration, Tensor::scalar(i).reshaped(iteration_dims));
    ANYRT_ASSIGN(Tensor flag, Tensor::scalar(go_on).reshaped(flag_dims));
    in.emplace_back(std::move(iteration));
    in.emplace_back(std::move(flag));
    for (Value& v : state) in.push_back(std::move(v));
    ANYRT_ASSIGN(std::vector<Value> out, c.run_subgraph("body", std::move(in)));
    ANYRT_ASSIGN(go_on, read_flag(out[0], "the body's condition"));
    for (size_t k = 0; k < carried; ++k) state[k] = std::move(out[k + 1]);
    for (size_t k = 0; k < results.size(); ++k) results[k].push_back(std::move(out[k + 1 + carried]));
  }
  for (size_t k = 0; k < carried && k < c.num_outputs(); ++k) c.set_output(k, std::move(state[k]));
  for (size_t k = 0; carried + k < c.num_outputs(); ++k) {
    if (!c.wants_output(carried + k)) continue;
    ANYRT_ASSIGN(Tensor y, stack_results(body, carried + k + 1, results[k], 0, false));
    c.set_output(carried + k, std::move(y));
  }
  return {};
}

}  // namespace

extern const OpDef op_onnx_loop = {
    .name = "Loop",
    .since = 25,
    .doc = "Runs a subgraph again and again, up to a count and while a condition holds.",
    .flags = kHostOnly,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = [](RewriteContext& c) { return downgrade_any_value(c, 13); },
};

}  // namespace anyrt
