#include <algorithm>

#include "opdef/attrs.h"
#include "passes/match.h"
#include "passes/passes.h"

namespace anyrt {
namespace {

// Begins and ends for every axis, when the padding is constant, of zeros, and cuts nothing off.
std::optional<std::vector<int64_t>> zero_pads(const Graph& graph, const Node& pad, size_t rank) {
  const AttrReader attrs(pad);
  const ValueId value = input(pad, 2), axes_input = input(pad, 3);
  if (!attrs.s("mode").empty() && attrs.s("mode") != "constant") return std::nullopt;
  if (value != kNoValue && uniform_constant(graph, value) != 0.0) return std::nullopt;
  const auto given = constant_ints(graph, input(pad, 1));
  if (!given) return std::nullopt;
  std::vector<int64_t> axes;
  if (axes_input == kNoValue) {
    for (size_t i = 0; i < rank; ++i) axes.push_back(static_cast<int64_t>(i));
  } else if (auto listed = constant_ints(graph, axes_input)) {
    axes = std::move(*listed);
  }
  if (given->size() != 2 * axes.size()) return std::nullopt;
  std::vector<int64_t> pads(2 * rank, 0);
  for (size_t i = 0; i < axes.size(); ++i) {
    const int64_t axis = axes[i] < 0 ? axes[i] + static_cast<int64_t>(rank) : axes[i];
    if (axis < 0 || axis >= static_cast<int64_t>(rank)) return std::nullopt;
    pads[static_cast<size_t>(axis)] = (*given)[i];
    pads[static_cast<size_t>(axis) + rank] = (*given)[i + axes.size()];
  }
  constexpr int64_t kMaxPad = 1 << 20;
  const bool good = std::all_of(pads.begin(), pads.end(), [](int64_t p) { return p >= 0 && p <= kMaxPad; });
  return good && pads[0] == 0 && pads[1] == 0 && pads[rank] == 0 && pads[rank + 1] == 0 ? std::optional(pads)
                                                                                        : std::nullopt;
}

// The convolution's own pads plus those of the Pad; nullopt where they cannot be added.
std::optional<std::vector<int64_t>> joined_pads(const Graph& graph, const Node& conv, const Node& pad) {
  const SymShape* shape = shape_of(graph, pad.inputs[0]);
  const AttrReader attrs(conv);
  if (!shape || shape->size() < 3) return std::nullopt;
  if (!attrs.s("auto_pad").empty() && attrs.s("auto_pad") != "NOTSET" && attrs.s("auto_pad") != "VALID")
    return std::nullopt;
  const size_t rank = shape->size(), spatial = rank - 2;
  const auto zeros = zero_pads(graph, pad, rank);
  std::vector<int64_t> pads = attrs.ints("pads");
  if (pads.empty() || attrs.s("auto_pad") == "VALID") pads.assign(2 * spatial, 0);
  if (!zeros || pads.size() != 2 * spatial) return std::nullopt;
  for (size_t i = 0; i < spatial; ++i) {
    pads[i] += (*zeros)[i + 2];
    pads[i + spatial] += (*zeros)[i + 2 + rank];
  }
  return pads;
}

}  // namespace

Status fuse_pad_conv(Graph& graph, PassContext& context) {
  for (NodeId id = graph.first_node(); id != kNoNode; id = graph.next_node(id)) {
    Node& conv = graph.node(id);
    const Node* pad = is_op(conv, "Conv") ? made_by(graph, conv.inputs[0], "Pad") : nullptr;
    const auto pads = pad ? joined_pads(graph, conv, *pad) : std::nullopt;
    if (!pads) continue;
    conv.set_attr("pads", *pads);
    conv.set_attr("auto_pad", "NOTSET");
    const NodeId old = pad->id;
    graph.set_input(id, 0, pad->inputs[0]);
    remove_unused(graph, old);
    context.count();
  }
  return {};
}

}  // namespace anyrt
