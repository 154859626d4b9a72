#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "graph/graph.h"

namespace anyrt {

// Infers types and symbolic shapes of every value, subgraphs included, and checks input types against the type rules.
// Nodes must be normalised. An error names the node.
Status infer_types(Graph& graph);
// One node; its inputs have been inferred.
Status infer_node(Graph& graph, NodeId id);

struct UpgradeReport {
  size_t upgraded = 0;          // nodes that were in an older form
  bool collect_errors = false;  // go on after an error and list them all here; the graph is then of no use
  std::vector<std::string> errors;
};

// After reading a file: resolves operators, brings every node to its newest form (opset `info.opsets`), normalises it
// and infers types, in one walk, since older forms are often told apart by the ranks of their inputs. Operators that
// are not known are all reported in one error.
Status upgrade_and_infer(Model& model, UpgradeReport* report = nullptr);

}  // namespace anyrt
