#pragma once

#include "device/device.h"

namespace anyrt::cpu {

// Sets CompiledStep::parts where the node is a Concat, Split or Slice of whole blocks of bytes.
void set_parts(const Graph& graph, const Node& node, CompiledStep& step);

}  // namespace anyrt::cpu
