#include "format/onnx/lower.h"

#include <functional>
#include <unordered_set>
#include <utility>

#include "opdef/opdef.h"
#include "opdef/rewrite.h"

namespace anyrt::onnx {
namespace {

constexpr std::string_view kOwnDomain = "anyrt";
constexpr int kMaxRewrites = 16;  // of nodes that come from rewriting a node

using Rewrite = Status (*)(RewriteContext&);

// Runs `rewrite`, then `again` on every node it has added.
Status apply(Graph& graph, NodeId id, Rewrite rewrite, int version, const std::function<Status(NodeId)>& again) {
  const std::string label = graph.node(id).label();
  const size_t before = graph.node_capacity();
  RewriteContext context(graph, id, version);
  Status status = rewrite(context);
  if (status.ok()) status = context.finish();
  if (!status.ok()) return std::move(status).with_context(label);
  for (size_t i = before; i < graph.node_capacity(); ++i) {
    const NodeId added{static_cast<uint32_t>(i)};
    if (!graph.node(added).alive) continue;
    if (Status s = again(added); !s.ok()) return std::move(s).with_context(label);
  }
  return {};
}

Status decompose_own(Graph& graph, NodeId id, int depth) {
  const Node& node = graph.node(id);
  if (node.domain != kOwnDomain) return {};
  if (node.def == nullptr || node.def->decompose == nullptr || depth > kMaxRewrites) {
    return not_implemented("{}: the operator has no form in ONNX", node.label());
  }
  return apply(graph, id, node.def->decompose, node.def->since,
               [&](NodeId added) { return decompose_own(graph, added, depth + 1); });
}

// Runtimes want each output of a subgraph to be made by a node of its own.
void add_identities(Graph& graph) {
  std::unordered_set<uint32_t> seen;
  for (ValueId& output : graph.outputs) {
    const ValueInfo& value = graph.value(output);
    if (value.producer != kNoNode && seen.insert(static_cast<uint32_t>(output)).second) continue;
    Node copy;
    copy.op = "Identity";
    copy.def = find_op("", "Identity");
    copy.inputs = {output};
    copy.outputs = {graph.add_value(value.name + "_out", value.type)};
    output = copy.outputs[0];
    graph.add_node(std::move(copy));
  }
}

Status lower_node(Graph& graph, NodeId id, const Opsets& opsets, int depth) {
  const Node& node = graph.node(id);
  const OpDef* def = node.def;
  if (def == nullptr) return {};
  const auto target = opsets.find(node.domain);
  const int version = target == opsets.end() ? def->since : target->second;
  if (version >= def->since) return {};
  if (depth > kMaxRewrites) return internal_error("{}: rewriting does not end", node.label());
  const auto again = [&](NodeId added) { return lower_node(graph, added, opsets, depth + 1); };
  const char* domain = *def->domain != '\0' ? def->domain : "ai.onnx";
  if (version >= def->first && def->downgrade != nullptr) {
    ANYRT_TRY(apply(graph, id, def->downgrade, version, again));
    if (graph.node(id).alive) graph.node(id).opset = version;
    return {};
  }
  if (def->decompose != nullptr) return apply(graph, id, def->decompose, def->since, again);
  if (version < def->first) {
    return not_implemented("{}: opset {} of {} does not have the operator, it came with {}", node.label(), version,
                           domain, def->first);
  }
  return not_implemented("{}: no form for opset {} of {}, the operator needs at least {}", node.label(), version,
                         domain, def->since);
}

}  // namespace

Status prepare_graph(Graph& graph) {
  const std::vector<NodeId> order = graph.order();
  for (const NodeId id : order) {
    ANYRT_TRY(decompose_own(graph, id, 0));
    if (!graph.node(id).alive) continue;
    for (Graph* sub : graph.node(id).subgraphs()) {
      ANYRT_TRY(prepare_graph(*sub));
      add_identities(*sub);
    }
  }
  return {};
}

void raise_to_needed(const Graph& graph, Opsets& opsets) {
  for (const NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    if (node.def != nullptr) {
      int& version = opsets[node.domain];
      version = std::max(version, node.def->since);
    }
    for (const Graph* sub : node.subgraphs()) raise_to_needed(*sub, opsets);
  }
}

Status lower_graph(Graph& graph, const Opsets& opsets) {
  const std::vector<NodeId> order = graph.order();
  for (const NodeId id : order) {
    ANYRT_TRY(lower_node(graph, id, opsets, 0));
  }
  // Rewriting may have added nodes with subgraphs, so they come last.
  for (const NodeId id : graph.order()) {
    for (Graph* sub : graph.node(id).subgraphs()) ANYRT_TRY(lower_graph(*sub, opsets));
  }
  return {};
}

}  // namespace anyrt::onnx
