#include "plan/infer_step.h"

#include <algorithm>

#include "opdef/inference.h"

namespace anyrt {
namespace {

constexpr int64_t kSmall = 1024;  // elements of inputs that inference may look at

ValueId add_input(Graph& graph, const BoundTensor& t) {
  if (!t.present()) return kNoValue;
  if (t.constant && t.constant->size() <= kSmall) return graph.add_constant("", *t.constant);
  if (t.ints && (t.dtype == DType::kInt64 || t.dtype == DType::kInt32)) {
    Expected<Tensor> made = Tensor::make(t.dtype, t.dims);
    if (made.ok() && made->size() == static_cast<int64_t>(t.ints->size())) {
      if (t.dtype == DType::kInt64) {
        std::copy(t.ints->begin(), t.ints->end(), made->mutable_data<int64_t>());
      } else {
        std::transform(t.ints->begin(), t.ints->end(), made->mutable_data<int32_t>(),
                       [](int64_t v) { return static_cast<int32_t>(v); });
      }
      return graph.add_constant("", std::move(*made));
    }
  }
  return graph.add_input("", Type::tensor(t.dtype, to_sym_shape(t.dims)));
}

}  // namespace

bool infer_step(const Node& node, const std::vector<BoundTensor>& inputs, std::vector<BoundTensor>& outputs) {
  Graph graph;
  Node copy = node;
  copy.inputs.clear();
  copy.outputs.clear();
  copy.captures.clear();
  for (const BoundTensor& t : inputs) copy.inputs.push_back(add_input(graph, t));
  for (const ValueId v : node.outputs) copy.outputs.push_back(v == kNoValue ? kNoValue : graph.add_value(""));
  const NodeId id = graph.add_node(std::move(copy));
  if (!infer_node(graph, id).ok()) return false;
  outputs.clear();
  for (const ValueId v : graph.node(id).outputs) {
    BoundTensor t;
    if (v != kNoValue) {
      const ValueInfo& value = graph.value(v);
      const auto dims = value.type.is_tensor() && value.type.shape ? to_dims(*value.type.shape) : std::nullopt;
      if (!dims || value.type.dtype == DType::kUndefined || value.type.dtype == DType::kString) return false;
      t.dtype = value.type.dtype;
      t.dims = *dims;
      if (value.known_elements) t.ints = to_dims(*value.known_elements);
    }
    outputs.push_back(std::move(t));
  }
  return true;
}

}  // namespace anyrt
