#pragma once

#include <vector>

#include "device/bound.h"
#include "graph/graph.h"

namespace anyrt {

// Sizes of the outputs of a node for these inputs, by the operator's own inference: all of them tensors, with `ints`
// where their elements follow, too. False when running alone tells.
bool infer_step(const Node& node, const std::vector<BoundTensor>& inputs, std::vector<BoundTensor>& outputs);

}  // namespace anyrt
