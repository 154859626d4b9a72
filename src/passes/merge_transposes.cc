#include <numeric>

#include "opdef/attrs.h"
#include "passes/match.h"
#include "passes/passes.h"

namespace anyrt {
namespace {

// Empty when the rank is not known.
std::vector<int64_t> permutation(const Graph& graph, const Node& node) {
  const AttrReader attrs(node);
  if (attrs.has_attr("perm")) return attrs.ints("perm");
  const SymShape* shape = shape_of(graph, node.inputs[0]);
  std::vector<int64_t> perm(shape ? shape->size() : 0);
  std::iota(perm.rbegin(), perm.rend(), 0);
  return perm;
}

}  // namespace

Status merge_transposes(Graph& graph, PassContext& context) {
  for (NodeId id = graph.first_node(); id != kNoNode;) {
    const NodeId next = graph.next_node(id);
    const Node& node = graph.node(id);
    const Node* inner = is_op(node, "Transpose") ? made_by(graph, node.inputs[0], "Transpose") : nullptr;
    if (inner) {
      const std::vector<int64_t> first = permutation(graph, *inner);
      std::vector<int64_t> perm = permutation(graph, node);
      if (!perm.empty() && perm.size() == first.size()) {
        for (int64_t& p : perm) p = first[static_cast<size_t>(p)];
        Rewrite rewrite(graph, id);
        rewrite.replace(node.outputs[0], rewrite.op("Transpose", {inner->inputs[0]}, {{"perm", std::move(perm)}}));
        ANYRT_TRY(rewrite.apply());
        context.count();
      }
    }
    id = next;
  }
  return {};
}

}  // namespace anyrt
