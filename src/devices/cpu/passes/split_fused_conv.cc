#include "devices/cpu/passes/passes.h"
#include "opdef/rewrite.h"

namespace anyrt::cpu {

Status split_fused_conv(Graph& graph, const PassSetup& setup, DevicePassReport& report) {
  const std::vector<NodeId> order = graph.order();
  for (NodeId id : order) {
    const Node& node = graph.node(id);
    if (!node.alive || node.domain != "anyrt" || node.op != "FusedConv" || has_kernel(graph, id, setup.accuracy))
      continue;
    // Narrower types would be rounded after each part.
    if (graph.value(node.inputs[0]).type.dtype != DType::kFloat32) continue;
    const std::string label = node.label();
    RewriteContext c(graph, id, node.def->since);
    Status status = node.def->decompose(c);
    if (status.ok()) status = c.finish();
    if (!status.ok()) return std::move(status).with_context("node " + label);
    ++report.changes;
  }
  if (report.changes > 0)
    report.notes.push_back(fmt::format("{} fused convolutions have no kernel of their own", report.changes));
  return {};
}

}  // namespace anyrt::cpu
