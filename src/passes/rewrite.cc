#include <algorithm>
#include <utility>

#include "opdef/inference.h"
#include "opdef/schema.h"
#include "passes/pass.h"

namespace anyrt {

std::vector<ValueId> Rewrite::add(std::string_view domain, std::string_view name, std::vector<ValueId> inputs,
                                  std::vector<Attr> attrs, size_t outputs) {
  Node n;
  n.domain = std::string(domain);
  n.op = std::string(name);
  n.inputs = std::move(inputs);
  n.attrs = std::move(attrs);
  const NodeId before = patch_.before();
  if (before != kNoNode) {
    n.name = patch_.graph().node(before).name;
    n.device = patch_.graph().node(before).device;
  }
  return add(std::move(n), outputs);
}

std::vector<ValueId> Rewrite::copy(const Node& node, std::vector<ValueId> inputs) {
  Node n = node;
  n.inputs = std::move(inputs);
  const size_t outputs = std::exchange(n.outputs, {}).size();
  return add(std::move(n), outputs);
}

std::vector<ValueId> Rewrite::add(Node node, size_t outputs) {
  Graph& graph = patch_.graph();
  const NodeId id = patch_.add(std::move(node), outputs);
  Status status = normalize_node(graph, id);
  if (status.ok()) status = infer_node(graph, id);
  if (!status.ok() && error_.ok()) error_ = std::move(status).with_context("new node " + graph.node(id).label());
  return graph.node(id).outputs;
}

Status Rewrite::apply() {
  ANYRT_TRY(std::move(error_));
  return patch_.apply();
}

}  // namespace anyrt
