#include <algorithm>

#include "opdef/attrs.h"
#include "passes/match.h"
#include "passes/passes.h"

namespace anyrt {
namespace {

bool all_are(const Graph& graph, ValueId v, int64_t wanted) {
  const auto ints = constant_ints(graph, v);
  return ints && std::all_of(ints->begin(), ints->end(), [&](int64_t i) { return i == wanted; });
}

bool is_idle_dropout(const Graph& graph, const Node& node) {
  const ValueId training = input(node, 2);
  const Tensor* t = fixed_constant(graph, training);
  const bool off = training == kNoValue || (t && t->dtype() == DType::kBool && t->size() == 1 && !*t->data<bool>());
  return off && !is_read(graph, node, 1);
}

bool is_idle_transpose(const Graph& graph, const Node& node) {
  const AttrReader attrs(node);
  const SymShape* shape = shape_of(graph, node.inputs[0]);
  if (!attrs.has_attr("perm")) return shape && shape->size() <= 1;
  const std::vector<int64_t>& perm = attrs.ints("perm");
  return std::is_sorted(perm.begin(), perm.end());
}

bool is_idle_slice(const Graph& graph, const Node& node) {
  if (input(node, 4) != kNoValue && !all_are(graph, input(node, 4), 1)) return false;
  return same_shape(graph, node.inputs[0], node.outputs[0]);
}

// Whether output 0 is input 0, bit by bit.
bool is_identity(const Graph& graph, const Node& node) {
  if (is_one_of(node, {"Identity"})) return true;
  if (is_one_of(node, {"Concat", "Sum", "Max", "Min", "Mean"})) return node.inputs.size() == 1;
  if (is_op(node, "Dropout")) return is_idle_dropout(graph, node);
  if (is_op(node, "Cast") || is_op(node, "CastLike")) {
    const DType from = dtype_of_value(graph, node.inputs[0]);
    return from != DType::kUndefined && from == dtype_of_value(graph, node.outputs[0]);
  }
  if (is_op(node, "Transpose")) return is_idle_transpose(graph, node);
  if (is_op(node, "Slice")) return is_idle_slice(graph, node);
  if (is_op(node, "Pad")) return all_are(graph, input(node, 1), 0);
  if (is_op(node, "Tile")) return all_are(graph, input(node, 1), 1);
  if (is_op(node, "Split")) return node.outputs.size() == 1;
  if (is_one_of(node, {"Reshape", "Expand", "Flatten", "Squeeze", "Unsqueeze"})) {
    return same_shape(graph, node.inputs[0], node.outputs[0]);
  }
  return false;
}

}  // namespace

Status eliminate_identity(Graph& graph, PassContext& context) {
  for (NodeId id = graph.first_node(); id != kNoNode;) {
    const NodeId next = graph.next_node(id);
    const Node& node = graph.node(id);
    const ValueId from = input(node, 0), to = output(node, 0);
    if (from != kNoValue && to != kNoValue && is_identity(graph, node) && may_replace(graph, to, from)) {
      Rewrite rewrite(graph, id);
      rewrite.replace(to, from);
      ANYRT_TRY(rewrite.apply());
      context.count();
    }
    id = next;
  }
  return {};
}

}  // namespace anyrt
