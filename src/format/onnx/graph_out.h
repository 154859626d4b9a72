#pragma once

#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "format/onnx/value_out.h"
#include "graph/graph.h"

namespace anyrt::onnx {

// Makes the GraphProto of a graph and of its subgraphs. Captured values get the names of the outer ones again, and no
// name in a subgraph is one of the graphs around it.
class GraphOut {
 public:
  struct Options {
    bool value_types = true;           // ValueInfoProto of values inside
    bool constants_as_inputs = false;  // IR version 3
  };
  GraphOut(OutContext& context, Options options) : context_(context), options_(options) {}

  Expected<MessageOut> make(const Graph& graph) { return graph_message(graph, nullptr, nullptr); }
  const std::set<std::string>& domains() const { return domains_; }

 private:
  struct Names {
    const Graph* graph = nullptr;
    const Names* parent = nullptr;
    std::unordered_map<uint32_t, std::string> of;
    std::unordered_set<std::string> used;
    std::unordered_map<std::string, uint32_t> next_suffix;
    std::map<std::string, std::string> constants;     // identity of the data -> name
    mutable std::set<std::string> read_by_subgraphs;  // of `constants`
  };

  Names name_values(const Graph& graph, const Names* parent, const Node* holder);
  Expected<MessageOut> graph_message(const Graph& graph, const Names* parent, const Node* holder);
  Expected<MessageOut> node_message(const Node& node, const Names& names);
  Expected<MessageOut> attr_message(const Attr& attr, const Node& node, const Names& names);
  MessageOut value_info(const ValueInfo& value, const std::string& name, bool with_shape);
  std::string fresh(Names& names, const std::string& wanted);

  OutContext& context_;
  Options options_;
  std::set<std::string> domains_;
};

}  // namespace anyrt::onnx
