#include "passes/conv_fold.h"
#include "passes/passes.h"

namespace anyrt {
namespace {

struct Affine {
  std::vector<double> scale;
  std::vector<double> shift;
};

// What the node does to the convolution's result, whose operand number is `side`: x * scale + shift.
std::optional<Affine> affine(const Node& node, size_t side, std::vector<double> c) {
  const std::vector<double> ones(c.size(), 1), zeros(c.size(), 0);
  if (is_op(node, "Add")) return Affine{ones, std::move(c)};
  if (is_op(node, "Mul")) return Affine{std::move(c), zeros};
  if (is_op(node, "Sub") && side == 1) return Affine{std::vector<double>(c.size(), -1), std::move(c)};
  if (is_op(node, "Sub")) {
    for (double& v : c) v = -v;
    return Affine{ones, std::move(c)};
  }
  if (is_op(node, "Div") && side == 0) {
    for (double& v : c) v = 1 / v;
    return Affine{std::move(c), zeros};
  }
  return std::nullopt;
}

Expected<bool> fuse(Graph& graph, NodeId id, size_t side) {
  const Node& node = graph.node(id);
  const Tensor* c = fixed_constant(graph, node.inputs[1 - side]);
  const auto conv = c ? foldable_conv(graph, node.inputs[side]) : std::nullopt;
  if (!conv) return false;
  auto values = channel_values(*conv, *c);
  const auto change = values ? affine(node, side, std::move(*values)) : std::nullopt;
  if (!change) return false;
  Rewrite rewrite(graph, id);
  ANYRT_ASSIGN(const ValueId fused, scaled_conv(rewrite, graph, *conv, change->scale, change->shift));
  if (fused == kNoValue) return false;
  rewrite.replace(node.outputs[0], fused);
  ANYRT_TRY(rewrite.apply());
  return true;
}

}  // namespace

Status fuse_conv_arithmetic(Graph& graph, PassContext& context) {
  for (NodeId id = graph.first_node(); id != kNoNode;) {
    const NodeId next = graph.next_node(id);
    for (size_t side = 0; side < 2 && is_one_of(graph.node(id), {"Add", "Sub", "Mul", "Div"}); ++side) {
      ANYRT_ASSIGN(const bool fused, fuse(graph, id, side));
      if (!fused) continue;
      context.count();
      break;
    }
    id = next;
  }
  return {};
}

}  // namespace anyrt
