#include "passes/match.h"
#include "passes/passes.h"

namespace anyrt {
namespace {

bool has_rank(const Graph& graph, ValueId v, size_t most, size_t least) {
  const SymShape* shape = shape_of(graph, v);
  return shape && shape->size() <= most && shape->size() >= least;
}

}  // namespace

Status fuse_matmul_add(Graph& graph, PassContext& context) {
  for (NodeId id = graph.first_node(); id != kNoNode;) {
    const NodeId next = graph.next_node(id);
    const Node& node = graph.node(id);
    for (size_t side = 0; is_op(node, "Add") && side < 2; ++side) {
      const ValueId product = node.inputs[side], bias = node.inputs[1 - side];
      const Node* matmul = made_by(graph, product, "MatMul");
      const bool fits = matmul && single_use(graph, product) == id && has_rank(graph, matmul->inputs[0], 2, 2) &&
                        has_rank(graph, matmul->inputs[1], 2, 2) && has_rank(graph, bias, 2, 0) &&
                        same_shape(graph, product, node.outputs[0]);
      if (!fits) continue;
      Rewrite rewrite(graph, id);
      rewrite.replace(node.outputs[0], rewrite.op("Gemm", {matmul->inputs[0], matmul->inputs[1], bias}));
      ANYRT_TRY(rewrite.apply());
      context.count();
      break;
    }
    id = next;
  }
  return {};
}

}  // namespace anyrt
