#pragma once

#include "opdef/cases.h"
#include "opdef/schema.h"

namespace anyrt {

// A graph of one node for a test case of an operator.
struct CaseGraph {
  Graph graph;
  NodeId node = kNoNode;
  std::vector<Value> inputs;  // of the graph; those that are constants in it are left out
  size_t outputs = 0;         // of the node, omitted ones included
};

// With `constants`, all inputs but the first become constants.
inline CaseGraph make_case_graph(const OpDef& def, const OpCase& one, bool constants = false) {
  CaseGraph out;
  Node node = case_node(def, one);
  for (const Value& v : one.inputs) {
    if (v.empty()) {
      node.inputs.push_back(kNoValue);
    } else if (constants && !node.inputs.empty() && v.is_tensor()) {
      node.inputs.push_back(out.graph.add_constant("", v.tensor()));
    } else {
      node.inputs.push_back(out.graph.add_input("", v.type()));
      out.inputs.push_back(v);
    }
  }
  out.outputs = case_output_count(def, one);
  for (size_t i = 0; i < out.outputs; ++i) {
    const bool omitted = i < one.outputs.size() && one.outputs[i].empty() && def.outputs.size() > i &&
                         (def.outputs[i].flags & kOptionalParam);
    node.outputs.push_back(omitted ? kNoValue : out.graph.add_value(""));
    if (!omitted) out.graph.outputs.push_back(node.outputs.back());
  }
  out.node = out.graph.add_node(std::move(node));
  return out;
}

}  // namespace anyrt
