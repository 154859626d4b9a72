#pragma once

#include <map>
#include <string>

#include "base/status.h"
#include "graph/graph.h"

namespace anyrt::onnx {

using Opsets = std::map<std::string, int>;

// Brings a graph into a form that ONNX can hold: operators of anyrt's own domain are decomposed, and results of
// subgraphs are made results of nodes.
Status prepare_graph(Graph& graph);

// The lowest opset of each domain whose forms the nodes are in. Nodes without a definition do not count.
void raise_to_needed(const Graph& graph, Opsets& opsets);

// Brings every node into the form of `opsets`. An error names the node and what stands in the way.
Status lower_graph(Graph& graph, const Opsets& opsets);

}  // namespace anyrt::onnx
