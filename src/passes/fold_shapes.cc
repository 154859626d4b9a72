#include "passes/match.h"
#include "passes/passes.h"

namespace anyrt {
namespace {

// The tensor that a value surely is, by what inference knows of its elements.
Expected<Tensor> known_tensor(const Graph& graph, ValueId v) {
  const ValueInfo& info = graph.value(v);
  const DType dtype = dtype_of_value(graph, v);
  const auto dims = fixed_shape(graph, v);
  if (!info.known_elements || !dims || !is_int(dtype)) return Tensor();
  const auto elements = to_dims(*info.known_elements);
  const Expected<int64_t> count = checked_element_count(*dims);
  if (!elements || !count.ok() || *count != static_cast<int64_t>(elements->size())) return Tensor();
  ANYRT_ASSIGN(Tensor t, Tensor::int64s(*elements).reshaped(*dims));
  return cast_tensor(t, dtype);
}

}  // namespace

Status fold_shapes(Graph& graph, PassContext& context) {
  for (NodeId id = graph.first_node(); id != kNoNode;) {
    const NodeId next = graph.next_node(id);
    const bool random = graph.node(id).def && (graph.node(id).def->flags & kRandom);
    const std::vector<ValueId> outputs = graph.node(id).outputs;
    for (ValueId v : outputs) {
      if (random || v == kNoValue || is_unused(graph, v)) continue;
      ANYRT_ASSIGN(Tensor t, known_tensor(graph, v));
      if (!t.defined()) continue;
      Rewrite rewrite(graph, id);
      rewrite.replace(v, rewrite.constant(std::move(t)));
      ANYRT_TRY(rewrite.apply());
      context.count();
    }
    id = next;
  }
  return {};
}

}  // namespace anyrt
