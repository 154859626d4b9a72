#include "devices/cpu/conv/tile.h"
#include "devices/cpu/kernel.h"
#include "devices/cpu/passes/passes.h"

namespace anyrt::cpu {

int64_t channel_block() {
  apply_isa_limit();
  return conv_tile_kernels().lanes;
}

bool has_kernel(const Graph& graph, NodeId id, Accuracy accuracy) {
  return find_kernel(KernelQuery(graph, id, accuracy)) != nullptr;
}

std::vector<DevicePass> pass_list(Accuracy accuracy) {
  PassSetup setup;
  setup.accuracy = accuracy;
  setup.block = channel_block();
  const auto bound = [&](auto f) {
    return [f, setup](Graph& graph, DevicePassReport& report) { return f(graph, setup, report); };
  };
  return {
      {"cpu_lower_quantized", true, bound(lower_quantized)},
      {"cpu_fuse_conv_epilogue", true, bound(fuse_conv_epilogue)},
      {"cpu_fuse_matmul_epilogue", true, bound(fuse_matmul_epilogue)},
      {"cpu_split_fused_conv", true, bound(split_fused_conv)},
      {"cpu_assign_layout", true, bound(assign_layout)},
      {"cpu_fuse_elementwise", true, bound(fuse_elementwise)},
  };
}

}  // namespace anyrt::cpu
