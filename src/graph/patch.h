#pragma once

#include <vector>

#include "graph/graph.h"

namespace anyrt {

// A local rewrite that is made as a whole or not at all: new nodes and constants, then which values they stand for.
// What is not applied is undone when the patch goes. One patch of a graph at a time, and no other edits meanwhile.
class Patch {
 public:
  // New nodes go right before `before` (kNoNode: at the end).
  Patch(Graph& graph, NodeId before) : graph_(graph), before_(before) {}
  ~Patch();
  Patch(const Patch&) = delete;
  Patch& operator=(const Patch&) = delete;

  Graph& graph() { return graph_; }
  NodeId before() const { return before_; }
  ValueId constant(Tensor tensor);
  // `outputs` new values are made for the node.
  NodeId add(Node node, size_t outputs = 1);
  // All readers of `from` but the patch's own nodes shall read `to`.
  void replace(ValueId from, ValueId to) { replacements_.push_back({from, to}); }

  // Checks every replacement (the types agree, no graph output changes its name), makes them, and removes the nodes
  // that nobody reads any more. New values take over the name of what they replace. After an error the graph
  // is as it was before the patch.
  Status apply();

 private:
  struct Replacement {
    ValueId from;
    ValueId to;
  };
  Status check(const Replacement& r) const;
  void make(const Replacement& r);
  bool is_own(NodeId id) const;
  bool is_own_constant(ValueId v) const;
  void undo();
  void forget();

  Graph& graph_;
  NodeId before_;
  std::vector<NodeId> nodes_;  // own ones, ascending
  std::vector<ValueId> constants_;
  std::vector<Replacement> replacements_;
};

}  // namespace anyrt
