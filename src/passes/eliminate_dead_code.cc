#include <algorithm>

#include "opdef/schema.h"
#include "passes/match.h"
#include "passes/passes.h"

namespace anyrt {
namespace {

// Captures that nothing in the graph reads.
size_t drop_unread(Graph& graph) {
  return std::erase_if(graph.captures, [&](const Capture& c) { return is_unused(graph, c.inner); });
}

// Captures of the node that none of its subgraphs has.
size_t drop_unclaimed(Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  std::vector<bool> claimed(node.captures.size());
  for (const Graph* sub : node.subgraphs()) {
    for (const Capture& c : sub->captures) claimed[c.slot] = true;
  }
  size_t dropped = 0;
  for (size_t k = claimed.size(); k-- > 0;) {
    if (claimed[k]) continue;
    graph.remove_capture(id, static_cast<uint32_t>(k));
    ++dropped;
  }
  return dropped;
}

// Optional outputs that nobody reads need not be made.
size_t omit_outputs(Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  size_t omitted = 0;
  for (size_t i = 1; node.def && i < node.outputs.size(); ++i) {
    const Param* param = formal_param(node.def->outputs, i);
    if (!param || param->flags != kOptionalParam || node.outputs[i] == kNoValue || is_read(graph, node, i)) continue;
    graph.set_output(id, i, kNoValue);
    ++omitted;
  }
  return omitted;
}

}  // namespace

Status eliminate_dead_code(Graph& graph, PassContext& context) {
  for (NodeId id = graph.first_node(); id != kNoNode; id = graph.next_node(id)) {
    if (!graph.node(id).captures.empty()) context.count(drop_unclaimed(graph, id));
  }
  std::vector<bool> needed = needed_nodes(graph);
  // A custom operator without outputs does something that cannot be seen in the graph.
  for (NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    const bool pure = node.def && node.def == find_op(node.domain, node.op);
    if (needed[index(id)] || pure ||
        std::any_of(node.outputs.begin(), node.outputs.end(), [](ValueId v) { return v != kNoValue; }))
      continue;
    const std::vector<bool> more = upstream(graph, id);
    for (size_t i = 0; i < more.size(); ++i) needed[i] = needed[i] || more[i];
  }
  const std::vector<NodeId> order = graph.order();
  for (auto id = order.rbegin(); id != order.rend(); ++id) {
    if (needed[index(*id)]) {
      context.count(omit_outputs(graph, *id));
    } else {
      graph.remove_node(*id);
      context.count();
    }
  }
  context.count(drop_unread(graph));
  return {};
}

}  // namespace anyrt
