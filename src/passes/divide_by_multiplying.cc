#include <cmath>
#include <span>

#include "passes/match.h"
#include "passes/passes.h"

namespace anyrt {
namespace {

// The smallest exponent of normal numbers; 0 for other types.
int min_exponent(DType dtype) {
  switch (dtype) {
    case DType::kFloat16: return -14;
    case DType::kBFloat16:
    case DType::kFloat32: return -126;
    case DType::kFloat64: return -1022;
    default: return 0;
  }
}

// 1/c, when every element is a power of two and so is its reciprocal, without leaving the normal numbers. Otherwise an
// undefined tensor.
Expected<Tensor> exact_reciprocal(const Tensor& c) {
  constexpr int64_t kMaxElements = 1 << 16;
  const int lowest = min_exponent(c.dtype());
  if (lowest == 0 || c.size() > kMaxElements || c.size() == 0) return Tensor();
  ANYRT_ASSIGN(std::vector<double> values, to_doubles(c));
  for (double& d : values) {
    int exponent = 0;
    const double mantissa = std::frexp(d, &exponent);
    if (std::abs(mantissa) != 0.5 || exponent - 1 < lowest || 1 - exponent < lowest) return Tensor();
    d = 1 / d;
  }
  ANYRT_ASSIGN(Tensor t, Tensor::vector<double>(std::span<const double>(values)).reshaped(c.dims()));
  return cast_tensor(t, c.dtype());
}

}  // namespace

Status divide_by_multiplying(Graph& graph, PassContext& context) {
  for (NodeId id = graph.first_node(); id != kNoNode;) {
    const NodeId next = graph.next_node(id);
    const Node& node = graph.node(id);
    if (const Tensor* c = is_op(node, "Div") ? fixed_constant(graph, node.inputs[1]) : nullptr) {
      ANYRT_ASSIGN(Tensor reciprocal, exact_reciprocal(*c));
      if (reciprocal.defined()) {
        Rewrite rewrite(graph, id);
        rewrite.replace(node.outputs[0], rewrite.op("Mul", {node.inputs[0], rewrite.constant(std::move(reciprocal))}));
        ANYRT_TRY(rewrite.apply());
        context.count();
      }
    }
    id = next;
  }
  return {};
}

}  // namespace anyrt
