#include <algorithm>

#include "opdef/attrs.h"
#include "passes/match.h"
#include "passes/passes.h"

namespace anyrt {
namespace {

bool is_view(const Node& node) { return is_one_of(node, {"Reshape", "Squeeze", "Unsqueeze", "Flatten"}); }

// The value at the start of the chain of views that ends before `v`.
ValueId view_source(const Graph& graph, ValueId v) {
  for (const Node* node = producer(graph, v); node && is_view(*node); node = producer(graph, v)) v = node->inputs[0];
  return v;
}

// The wanted shape as constants: 0 for a dim that is copied, -1 for one that no constant stands for.
std::optional<std::vector<int64_t>> constant_shape(const Graph& graph, const Node& node) {
  const std::optional<SymShape>& wanted = graph.value(node.inputs[1]).known_elements;
  const SymShape* from = shape_of(graph, node.inputs[0]);
  if (!wanted || !from || AttrReader(node).i("allowzero") != 0) return std::nullopt;
  std::vector<int64_t> shape;
  for (size_t i = 0; i < wanted->size(); ++i) {
    const Dim& d = (*wanted)[i];
    shape.push_back(d.is_const() ? d.value() : i < from->size() && d == (*from)[i] ? 0 : -1);
  }
  if (std::count(shape.begin(), shape.end(), -1) > 1) return std::nullopt;
  return shape;
}

}  // namespace

Status simplify_reshape(Graph& graph, PassContext& context) {
  for (NodeId id = graph.first_node(); id != kNoNode;) {
    const NodeId next = graph.next_node(id);
    const Node& node = graph.node(id);
    const ValueId source = is_view(node) ? view_source(graph, node.inputs[0]) : kNoValue;
    Rewrite rewrite(graph, id);
    bool changed = false;
    if (source != kNoValue && same_shape(graph, source, node.outputs[0]) &&
        may_replace(graph, node.outputs[0], source)) {
      rewrite.replace(node.outputs[0], source);
      changed = true;
    } else if (is_op(node, "Reshape")) {
      const auto fixed = constant_ints(graph, node.inputs[1]);
      if (fixed) {
        const bool copies =
            std::find(fixed->begin(), fixed->end(), 0) != fixed->end() && AttrReader(node).i("allowzero") == 0;
        if (source != node.inputs[0] && !copies) {
          rewrite.replace(node.outputs[0], rewrite.copy(node, {source, node.inputs[1]})[0]);
          changed = true;
        }
      } else if (const auto shape = constant_shape(graph, node)) {
        rewrite.replace(node.outputs[0],
                        rewrite.copy(node, {node.inputs[0], rewrite.constant(Tensor::int64s(*shape))})[0]);
        changed = true;
      }
    }
    if (changed) {
      ANYRT_TRY(rewrite.apply());
      context.count();
    }
    id = next;
  }
  return {};
}

}  // namespace anyrt
