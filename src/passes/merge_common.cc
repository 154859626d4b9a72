#include <unordered_map>

#include "base/hash.h"
#include "graph/hash.h"
#include "passes/match.h"
#include "passes/passes.h"

namespace anyrt {
namespace {

uint64_t node_hash(const Node& node) {
  uint64_t h = hash_text(node.op, hash_text(node.domain));
  for (ValueId v : node.inputs) h = hash_combine(h, index(v));
  uint64_t attrs = 0;
  for (const Attr& a : node.attrs) attrs += hash_attr(a);
  return hash_combine(h, attrs);
}

// Whether `second` computes nothing that `first` does not.
bool is_covered(const Graph& graph, const Node& first, const Node& second) {
  if (first.op != second.op || first.domain != second.domain || first.inputs != second.inputs ||
      first.device != second.device || first.outputs.size() != second.outputs.size() || !same_attrs(first, second)) {
    return false;
  }
  for (size_t i = 0; i < first.outputs.size(); ++i) {
    if (second.outputs[i] == kNoValue) continue;
    if (first.outputs[i] == kNoValue || !may_replace(graph, second.outputs[i], first.outputs[i])) return false;
  }
  return true;
}

}  // namespace

Status merge_common(Graph& graph, PassContext& context) {
  std::unordered_multimap<uint64_t, NodeId> seen;
  for (NodeId id = graph.first_node(); id != kNoNode;) {
    const NodeId next = graph.next_node(id);
    const Node& node = graph.node(id);
    const bool pure = node.def && !(node.def->flags & kRandom) && node.captures.empty() && node.subgraphs().empty();
    if (pure && !node.outputs.empty()) {
      const uint64_t h = node_hash(node);
      const auto [begin, end] = seen.equal_range(h);
      auto same = begin;
      while (same != end && !is_covered(graph, graph.node(same->second), node)) ++same;
      if (same == end) {
        seen.emplace(h, id);
      } else {
        const Node& first = graph.node(same->second);
        Rewrite rewrite(graph, id);
        for (size_t i = 0; i < node.outputs.size(); ++i) {
          if (node.outputs[i] != kNoValue) rewrite.replace(node.outputs[i], first.outputs[i]);
        }
        ANYRT_TRY(rewrite.apply());
        context.count();
      }
    }
    id = next;
  }
  return {};
}

}  // namespace anyrt
