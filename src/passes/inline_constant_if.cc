#include "opdef/attrs.h"
#include "passes/match.h"
#include "passes/passes.h"

namespace anyrt {

Status inline_constant_if(Graph& graph, PassContext& context) {
  for (NodeId id = graph.first_node(); id != kNoNode;) {
    const NodeId next = graph.next_node(id);
    const Node& node = graph.node(id);
    const Tensor* cond = is_op(node, "If") ? fixed_constant(graph, node.inputs[0]) : nullptr;
    if (cond && cond->dtype() == DType::kBool && cond->size() == 1) {
      const Graph* branch = AttrReader(node).graph(*cond->data<bool>() ? "then_branch" : "else_branch");
      InlineOptions options;
      options.prefix = node.name.empty() ? "" : node.name + "/";
      options.identity = find_op("", "Identity");
      ANYRT_TRY(inline_graph(graph, id, *branch, {}, options));
      context.count();
    }
    id = next;
  }
  return {};
}

}  // namespace anyrt
