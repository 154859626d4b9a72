#pragma once

#include "base/json.h"
#include "graph/graph.h"
#include "graph/text.h"

namespace anyrt {

// A graph for machines: {"inputs", "outputs", "constants": [{"name", "type"}], "nodes": [{"op", "domain", "name",
// "inputs", "outputs", "attributes": {name: text}, "graphs": {name: graph}}]}. An omitted input or output is "".
Json graph_to_json(const Graph& graph, const PrintOptions& options = {});

}  // namespace anyrt
