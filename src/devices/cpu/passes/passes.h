#pragma once

#include <optional>
#include <vector>

#include "device/device.h"
#include "passes/match.h"
#include "passes/pass.h"

namespace anyrt::cpu {

// What the passes of the CPU go by.
struct PassSetup {
  Accuracy accuracy = Accuracy::kDefault;
  int64_t block = 16;  // channels that lie side by side in blocked values: the lanes of a vector
};

// One pass, one file. Names and order stand in pass_list.cc.
Status lower_quantized(Graph& graph, const PassSetup& setup, DevicePassReport& report);
Status fuse_conv_epilogue(Graph& graph, const PassSetup& setup, DevicePassReport& report);
Status fuse_matmul_epilogue(Graph& graph, const PassSetup& setup, DevicePassReport& report);
Status assign_layout(Graph& graph, const PassSetup& setup, DevicePassReport& report);
Status fuse_elementwise(Graph& graph, const PassSetup& setup, DevicePassReport& report);
Status split_fused_conv(Graph& graph, const PassSetup& setup, DevicePassReport& report);

std::vector<DevicePass> pass_list(Accuracy accuracy);
// 16 with AVX-512, 8 with AVX2, 4 with SSE4 and NEON, 1 without vectors; as ANYRT_ISA limits it.
int64_t channel_block();

// Attributes with which a FusedConv computes the same as this Conv or FusedConv; nullopt for another operator, and
// where the padding depends on sizes that are not known.
std::optional<std::vector<Attr>> fused_conv_attrs(const Graph& graph, const Node& node);
// Whether there is a kernel for a node of this graph (one that is just being made, too).
bool has_kernel(const Graph& graph, NodeId id, Accuracy accuracy);

}  // namespace anyrt::cpu
