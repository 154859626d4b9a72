#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"

namespace anyrt::cpu {

// What follows a sum: an activation, and a value of the same shape that is added before it, or after it.
struct MatchedEpilogue {
  std::string activation;
  std::vector<float> params;
  std::vector<float> rescale;  // scale, shift, low, high after all of it; empty: nothing
  ValueId z = kNoValue;
  bool add_after = false;
  NodeId last = kNoNode;  // kNoNode: nothing
};

// Follows the only reader of y as long as a fused operator can do what it does; `stop` says what ended it.
MatchedEpilogue match_epilogue(const Graph& graph, ValueId y, bool rescales, std::string& stop);

}  // namespace anyrt::cpu
