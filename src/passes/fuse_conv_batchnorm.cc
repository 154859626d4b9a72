#include <array>
#include <cmath>

#include "opdef/attrs.h"
#include "passes/conv_fold.h"
#include "passes/passes.h"

namespace anyrt {
namespace {

// scale, bias, mean and variance; nullopt unless all are constants of one number for each channel.
std::optional<std::array<std::vector<double>, 4>> statistics(const Graph& graph, const Node& node, int64_t channels) {
  std::array<std::vector<double>, 4> found;
  for (size_t i = 0; i < found.size(); ++i) {
    const Tensor* t = fixed_constant(graph, input(node, i + 1));
    if (!t || t->size() != channels) return std::nullopt;
    Expected<std::vector<double>> values = to_doubles(*t);
    if (!values.ok()) return std::nullopt;
    found[i] = std::move(*values);
  }
  return found;
}

bool is_inference(const Graph& graph, const Node& node) {
  return is_op(node, "BatchNormalization") && AttrReader(node).i("training_mode") == 0 && !is_read(graph, node, 1) &&
         !is_read(graph, node, 2);
}

}  // namespace

Status fuse_conv_batchnorm(Graph& graph, PassContext& context) {
  for (NodeId id = graph.first_node(); id != kNoNode;) {
    const NodeId next = graph.next_node(id);
    const Node& node = graph.node(id);
    const auto conv = is_inference(graph, node) ? foldable_conv(graph, node.inputs[0]) : std::nullopt;
    const auto stats = conv ? statistics(graph, node, conv->channels) : std::nullopt;
    if (stats) {
      const auto& [gamma, beta, mean, variance] = *stats;
      const double epsilon = static_cast<double>(AttrReader(node).f("epsilon", 1e-5f));
      std::vector<double> scale, shift;
      for (size_t c = 0; c < gamma.size(); ++c) {
        scale.push_back(gamma[c] / std::sqrt(variance[c] + epsilon));
        shift.push_back(beta[c] - mean[c] * scale[c]);
      }
      Rewrite rewrite(graph, id);
      ANYRT_ASSIGN(const ValueId fused, scaled_conv(rewrite, graph, *conv, scale, shift));
      if (fused != kNoValue) {
        rewrite.replace(node.outputs[0], fused);
        ANYRT_TRY(rewrite.apply());
        context.count();
      }
    }
    id = next;
  }
  return {};
}

}  // namespace anyrt
