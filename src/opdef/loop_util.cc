#include "opdef/loop_util.h"

#include "opdef/shape_util.h"
#include "opdef/strided.h"

namespace anyrt {

namespace {

Type without_shape(const Type& t) {
  Type out = t;
  out.shape.reset();
  if (t.elem) out.elem = std::make_shared<const Type>(without_shape(*t.elem));
  return out;
}

// Inference adds to what is known, so that a second round under weaker assumptions has to start from nothing.
void forget_shapes(Graph& graph) {
  for (NodeId id : graph.order()) {
    for (ValueId v : graph.node(id).outputs) {
      if (v == kNoValue) continue;
      graph.value(v).type = without_shape(graph.value(v).type);
      graph.value(v).known_elements.reset();
    }
    for (Graph* sub : graph.node(id).subgraphs()) forget_shapes(*sub);
  }
}

thread_local int t_loop_depth = 0;
struct LoopDepth {
  LoopDepth() { ++t_loop_depth; }
  ~LoopDepth() { --t_loop_depth; }
};

Expected<Tensor> empty_stack(const Graph& body, size_t output, int64_t axis) {
  const Type& type = body.value(body.outputs[output]).type;
  if (!type.is_tensor() || type.dtype == DType::kUndefined) {
    return not_implemented("no iteration ran, and the type of body output {} is not known", output);
  }
  Dims dims;
  if (type.shape) {
    for (const Dim& d : *type.shape) dims.push_back(d.is_const() ? d.value() : 0);
  }
  ANYRT_ASSIGN(const int64_t at, normalize_axis(axis, static_cast<int64_t>(dims.size()) + 1));
  dims.insert(dims.begin() + at, 0);
  return Tensor::make(type.dtype, std::move(dims));
}

}  // namespace

Expected<std::vector<Type>> infer_loop_body(InferContext& c, std::string_view body, std::vector<Type> inputs,
                                            size_t first_in, size_t first_out, size_t count) {
  // Rounds of nested loops multiply: deep inside, shapes of carried values are not guessed at all.
  const LoopDepth depth;
  const int last_round = t_loop_depth > 3 ? 0 : 2;
  for (int round = 0;; ++round) {
    if (round == last_round) {
      for (size_t k = 0; k < count; ++k) inputs[first_in + k] = without_shape(inputs[first_in + k]);
    }
    ANYRT_ASSIGN(std::vector<Type> out, c.infer_subgraph(body, inputs));
    if (out.size() < first_out + count) {
      return invalid_model("the body has {} outputs, expected at least {}", out.size(), first_out + count);
    }
    bool stable = true;
    for (size_t k = 0; k < count; ++k) {
      Type& in = inputs[first_in + k];
      Type& result = out[first_out + k];
      // An optional may come in where its value goes on.
      if (in.is_optional() && in.elem && !result.is_optional() && same_kind_and_dtype(*in.elem, result)) continue;
      if (!same_kind_and_dtype(in, result)) {
        return invalid_model("carried value {} is {} before and {} after an iteration", k, in.to_string(),
                             result.to_string());
      }
      if (!in.defined() || !result.defined()) {
        result = without_shape(in.defined() ? in : result);
        continue;
      }
      const Type joined = join_types(in, result);
      stable = stable && joined.to_string() == in.to_string();
      in = result = joined;
    }
    if (stable || round == last_round) return out;
    if (const Attr* a = c.node().find_attr(body)) forget_shapes(*std::get<GraphBox>(a->value));
  }
}

Expected<Tensor> stack_results(const Graph& body, size_t output, std::span<const Value> results, int64_t axis,
                               bool reversed) {
  if (results.empty()) return empty_stack(body, output, axis);
  std::vector<Tensor> parts;
  parts.reserve(results.size());
  for (size_t i = 0; i < results.size(); ++i) {
    const Value& v = results[reversed ? results.size() - 1 - i : i];
    if (!v.is_tensor()) {
      return invalid_argument("body output {} must be a tensor, found {}", output, v.type_string());
    }
    parts.push_back(v.tensor());
  }
  ANYRT_ASSIGN(const int64_t at, normalize_axis(axis, parts[0].rank() + 1));
  Expected<Tensor> y = stack(parts, at);
  return y.ok() ? std::move(y) : std::move(y).status().with_context(fmt::format("body output {}", output));
}

}  // namespace anyrt
