#include <cmath>

#include "passes/match.h"
#include "passes/passes.h"

namespace anyrt {
namespace {

// The operand that the result equals bit by bit; kNoValue when there is none. x + 0 is not x where x is -0.
ValueId kept_operand(const Graph& graph, const Node& node) {
  if (node.inputs.size() != 2 || node.outputs.empty()) return kNoValue;
  const bool integer = is_int(dtype_of_value(graph, node.inputs[0]));
  const auto keeps = [&](size_t other) {
    const auto c = uniform_constant(graph, node.inputs[other]);
    if (!c) return false;
    const bool left = other == 0;
    if (is_op(node, "Mul")) return *c == 1;
    if (is_op(node, "Div")) return *c == 1 && !left;
    if (is_op(node, "Sub")) return *c == 0 && !left && !std::signbit(*c);
    if (is_op(node, "Add")) return *c == 0 && (integer || std::signbit(*c));
    return is_op(node, "Pow") && *c == 1 && !left &&
           dtype_of_value(graph, node.inputs[0]) == dtype_of_value(graph, node.outputs[0]);
  };
  for (size_t other : {1, 0}) {
    const ValueId kept = node.inputs[1 - other];
    if (kept != kNoValue && keeps(other) && same_shape(graph, kept, node.outputs[0])) return kept;
  }
  return kNoValue;
}

}  // namespace

Status eliminate_neutral(Graph& graph, PassContext& context) {
  for (NodeId id = graph.first_node(); id != kNoNode;) {
    const NodeId next = graph.next_node(id);
    const ValueId kept = kept_operand(graph, graph.node(id));
    if (kept != kNoValue && may_replace(graph, graph.node(id).outputs[0], kept)) {
      Rewrite rewrite(graph, id);
      rewrite.replace(graph.node(id).outputs[0], kept);
      ANYRT_TRY(rewrite.apply());
      context.count();
    }
    id = next;
  }
  return {};
}

}  // namespace anyrt
