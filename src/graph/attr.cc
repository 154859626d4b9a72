#include "graph/attr.h"

#include <utility>

#include "graph/graph.h"

namespace anyrt {

GraphBox::GraphBox() : graph_(std::make_unique<Graph>()) {}
GraphBox::GraphBox(Graph graph) : graph_(std::make_unique<Graph>(std::move(graph))) {}
GraphBox::GraphBox(const GraphBox& other) : graph_(other.graph_ ? std::make_unique<Graph>(*other.graph_) : nullptr) {}
GraphBox& GraphBox::operator=(const GraphBox& other) {
  if (this != &other) graph_ = other.graph_ ? std::make_unique<Graph>(*other.graph_) : nullptr;
  return *this;
}
GraphBox::GraphBox(GraphBox&&) noexcept = default;
GraphBox& GraphBox::operator=(GraphBox&&) noexcept = default;
GraphBox::~GraphBox() = default;

std::string_view attr_kind_name(AttrKind kind) {
  switch (kind) {
    case AttrKind::kInt: return "INT";
    case AttrKind::kFloat: return "FLOAT";
    case AttrKind::kString: return "STRING";
    case AttrKind::kTensor: return "TENSOR";
    case AttrKind::kGraph: return "GRAPH";
    case AttrKind::kInts: return "INTS";
    case AttrKind::kFloats: return "FLOATS";
    case AttrKind::kStrings: return "STRINGS";
    case AttrKind::kTensors: return "TENSORS";
    case AttrKind::kGraphs: return "GRAPHS";
    case AttrKind::kType: return "TYPE_PROTO";
    case AttrKind::kTypes: return "TYPE_PROTOS";
    case AttrKind::kSparse: return "SPARSE_TENSOR";
    case AttrKind::kSparses: return "SPARSE_TENSORS";
  }
  return "UNDEFINED";
}

const Attr* Node::find_attr(std::string_view attr_name) const {
  for (const Attr& a : attrs) {
    if (a.name == attr_name) return &a;
  }
  return nullptr;
}

Attr* Node::find_attr(std::string_view attr_name) {
  return const_cast<Attr*>(static_cast<const Node*>(this)->find_attr(attr_name));
}

void Node::set_attr(std::string_view attr_name, AttrValue value) {
  if (Attr* a = find_attr(attr_name)) {
    a->value = std::move(value);
  } else {
    attrs.push_back({std::string(attr_name), std::move(value)});
  }
}

bool Node::remove_attr(std::string_view attr_name) {
  return std::erase_if(attrs, [&](const Attr& a) { return a.name == attr_name; }) > 0;
}

std::string Node::label() const {
  std::string text = domain.empty() ? op : domain + "." + op;
  return name.empty() ? text + " #" + std::to_string(index(id)) : text + " '" + name + "'";
}

std::vector<Graph*> Node::subgraphs() const {
  std::vector<Graph*> found;
  for (const Attr& a : attrs) {
    if (const auto* one = std::get_if<GraphBox>(&a.value)) found.push_back(&**one);
    if (const auto* many = std::get_if<std::vector<GraphBox>>(&a.value)) {
      for (const GraphBox& g : *many) found.push_back(&*g);
    }
  }
  return found;
}

}  // namespace anyrt
