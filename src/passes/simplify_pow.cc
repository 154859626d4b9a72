#include "passes/match.h"
#include "passes/passes.h"

namespace anyrt {

Status simplify_pow(Graph& graph, PassContext& context) {
  for (NodeId id = graph.first_node(); id != kNoNode;) {
    const NodeId next = graph.next_node(id);
    const Node& node = graph.node(id);
    const auto exponent = is_op(node, "Pow") ? uniform_constant(graph, node.inputs[1]) : std::nullopt;
    if (exponent && same_shape(graph, node.inputs[0], node.outputs[0])) {
      const ValueId x = node.inputs[0];
      const bool real = is_float(dtype_of_value(graph, x));
      Rewrite rewrite(graph, id);
      ValueId y = kNoValue;
      if (*exponent == 2) y = rewrite.op("Mul", {x, x});
      if (*exponent == 0.5 && real) y = rewrite.op("Sqrt", {x});
      if (*exponent == -1 && real) y = rewrite.op("Reciprocal", {x});
      if (y != kNoValue) {
        rewrite.replace(node.outputs[0], y);
        ANYRT_TRY(rewrite.apply());
        context.count();
      }
    }
    id = next;
  }
  return {};
}

}  // namespace anyrt
