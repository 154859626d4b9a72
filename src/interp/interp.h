#pragma once

#include <functional>
#include <vector>

#include "base/status.h"
#include "graph/graph.h"
#include "opdef/eval.h"
#include "tensor/value.h"

namespace anyrt {

struct InterpOptions {
  // Called after each node with its outputs (profiling, dumping, comparing).
  std::function<void(const Graph&, NodeId, const std::vector<Value>&)> on_node;
  std::function<Status()> check_cancelled;
  uint64_t seed = 0x9e3779b97f4a7c15ull;
};

// Runs a graph node by node with each operator's `eval` (or its decomposition): slow, simple, the oracle. `inputs`
// follow graph.inputs; an empty value for an input with an initializer means the initializer. Errors name the node.
Expected<std::vector<Value>> interpret(const Graph& graph, const std::vector<Value>& inputs,
                                       const InterpOptions& options = {});

// One node on given inputs (an empty value for omitted ones).
Expected<std::vector<Value>> interpret_node(const Node& node, const std::vector<Value>& inputs,
                                            const InterpOptions& options = {});

}  // namespace anyrt
