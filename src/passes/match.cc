#include "passes/match.h"

#include <algorithm>

namespace anyrt {

bool is_one_of(const Node& node, std::initializer_list<std::string_view> ops) {
  return node.domain.empty() && std::find(ops.begin(), ops.end(), node.op) != ops.end();
}

const Node* made_by(const Graph& graph, ValueId v, std::string_view op) {
  const Node* node = producer(graph, v);
  return node && is_op(*node, op) ? node : nullptr;
}

bool is_read(const Graph& graph, const Node& node, size_t i) {
  const ValueId v = output(node, i);
  return v != kNoValue && !is_unused(graph, v);
}

const SymShape* shape_of(const Graph& graph, ValueId v) {
  if (v == kNoValue) return nullptr;
  const Type& type = graph.value(v).type;
  return type.is_tensor() && type.shape ? &*type.shape : nullptr;
}

std::optional<Dims> fixed_shape(const Graph& graph, ValueId v) {
  const SymShape* shape = shape_of(graph, v);
  return shape ? to_dims(*shape) : std::nullopt;
}

bool same_shape(const Graph& graph, ValueId a, ValueId b) {
  const SymShape* left = shape_of(graph, a);
  const SymShape* right = shape_of(graph, b);
  return left && right && *left == *right;
}

DType dtype_of_value(const Graph& graph, ValueId v) {
  if (v == kNoValue || !graph.value(v).type.is_tensor()) return DType::kUndefined;
  return graph.value(v).type.dtype;
}

std::optional<std::vector<int64_t>> constant_ints(const Graph& graph, ValueId v) {
  const Tensor* t = fixed_constant(graph, v);
  if (!t || !is_int(t->dtype())) return std::nullopt;
  Expected<std::vector<int64_t>> values = to_int64s(*t);
  return values.ok() ? std::optional(std::move(*values)) : std::nullopt;
}

std::optional<double> uniform_constant(const Graph& graph, ValueId v) {
  const Tensor* t = fixed_constant(graph, v);
  if (!t || t->size() == 0 || !(is_float(t->dtype()) || is_int(t->dtype()))) return std::nullopt;
  constexpr int64_t kMaxElements = 1 << 16;
  if (t->size() > kMaxElements) return std::nullopt;
  const Expected<std::vector<double>> values = to_doubles(*t);
  if (!values.ok() || !std::all_of(values->begin(), values->end(), [&](double d) { return d == values->front(); })) {
    return std::nullopt;
  }
  return values->front();
}

}  // namespace anyrt
