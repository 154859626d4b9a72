#include "tools/dump/dump.h"

namespace anyrt {

namespace {

Json value_json(const Graph& graph, ValueId id) {
  Json out = Json::object();
  out.set("name", graph.value(id).name).set("type", graph.value(id).type.to_string());
  return out;
}

Json names_json(const Graph& graph, const std::vector<ValueId>& ids) {
  Json out = Json::array();
  for (ValueId id : ids) out.push_back(id == kNoValue ? Json("") : Json(graph.value(id).name));
  return out;
}

Json node_json(const Graph& graph, const Node& node, const PrintOptions& options) {
  Json out = Json::object();
  out.set("op", node.op).set("domain", node.domain.empty() ? "ai.onnx" : node.domain).set("name", node.name);
  out.set("inputs", names_json(graph, node.inputs)).set("outputs", names_json(graph, node.outputs));
  Json attributes = Json::object(), graphs = Json::object();
  for (const Attr& a : node.attrs) {
    if (a.kind() == AttrKind::kGraph) {
      graphs.set(a.name, graph_to_json(*std::get<GraphBox>(a.value), options));
    } else {
      attributes.set(a.name, print_attr_value(a.value, options));
    }
  }
  out.set("attributes", std::move(attributes));
  if (graphs.size() > 0) out.set("graphs", std::move(graphs));
  return out;
}

}  // namespace

Json graph_to_json(const Graph& graph, const PrintOptions& options) {
  Json inputs = Json::array(), outputs = Json::array(), constants = Json::array(), nodes = Json::array();
  for (ValueId id : graph.inputs) inputs.push_back(value_json(graph, id));
  for (ValueId id : graph.outputs) outputs.push_back(value_json(graph, id));
  for (size_t i = 0; i < graph.value_capacity(); ++i) {
    const ValueId id{static_cast<uint32_t>(i)};
    if (graph.value(id).is_constant()) constants.push_back(value_json(graph, id));
  }
  for (NodeId id : graph.order()) nodes.push_back(node_json(graph, graph.node(id), options));
  Json out = Json::object();
  out.set("name", graph.name).set("inputs", std::move(inputs)).set("outputs", std::move(outputs));
  out.set("constants", std::move(constants)).set("nodes", std::move(nodes));
  return out;
}

}  // namespace anyrt
