#include "devices/cpu/parts.h"

#include <algorithm>
#include <optional>

#include "graph/walk.h"

namespace anyrt::cpu {

namespace {

const SymShape* shape_of(const Graph& graph, ValueId v) {
  if (v == kNoValue) return nullptr;
  const Type& t = graph.value(v).type;
  return t.is_tensor() && t.shape && t.dtype != DType::kString ? &*t.shape : nullptr;
}

// The axis as a position, when every dim before it is 1.
std::optional<size_t> outermost(const SymShape& shape, int64_t axis) {
  if (axis < 0) axis += static_cast<int64_t>(shape.size());
  if (axis < 0 || axis >= static_cast<int64_t>(shape.size())) return std::nullopt;
  for (int64_t a = 0; a < axis; ++a) {
    if (!shape[static_cast<size_t>(a)].is(1)) return std::nullopt;
  }
  return static_cast<size_t>(axis);
}

std::optional<int64_t> only_int(const Graph& graph, const Node& node, size_t input) {
  const Tensor* t = input < node.inputs.size() && node.inputs[input] != kNoValue
                        ? fixed_constant(graph, node.inputs[input])
                        : nullptr;
  if (!t || t->size() != 1) return std::nullopt;
  const Expected<std::vector<int64_t>> ints = to_int64s(*t);
  return ints.ok() ? std::optional((*ints)[0]) : std::nullopt;
}

// A slice of step 1 along one axis.
void set_slice(const Graph& graph, const Node& node, CompiledStep& step) {
  const SymShape* in = shape_of(graph, node.inputs[0]);
  auto start = only_int(graph, node, 1);
  const bool has_axes = node.inputs.size() > 3 && node.inputs[3] != kNoValue;
  const bool has_steps = node.inputs.size() > 4 && node.inputs[4] != kNoValue;
  const auto axis_number = has_axes ? only_int(graph, node, 3) : std::optional<int64_t>(0);
  const auto stride = has_steps ? only_int(graph, node, 4) : std::optional<int64_t>(1);
  if (!in || !start || !axis_number || stride != 1) return;
  const auto axis = outermost(*in, *axis_number);
  if (!axis) return;
  const Dim& size = (*in)[*axis];
  if (*start < 0 && !size.is_const()) return;
  if (size.is_const()) *start = std::clamp<int64_t>(*start < 0 ? *start + size.value() : *start, 0, size.value());
  int64_t inner = static_cast<int64_t>(element_size(graph.value(node.inputs[0]).type.dtype));
  for (size_t a = *axis + 1; a < in->size(); ++a) {
    if (!(*in)[a].is_const() || __builtin_mul_overflow(inner, (*in)[a].value(), &inner)) return;
  }
  if (__builtin_mul_overflow(inner, *start, &step.part_begin)) return;
  step.parts = Parts::kSplit;
}

}  // namespace

void set_parts(const Graph& graph, const Node& node, CompiledStep& step) {
  if (!node.domain.empty() || node.inputs.empty()) return;
  if (node.op == "Slice") {
    set_slice(graph, node, step);
    return;
  }
  const bool join = node.op == "Concat";
  if (!join && node.op != "Split") return;
  const Attr* axis = node.find_attr("axis");
  const SymShape* shape = shape_of(graph, join ? node.outputs[0] : node.inputs[0]);
  const int64_t* number = axis ? std::get_if<int64_t>(&axis->value) : nullptr;
  if (!shape || !number || !outermost(*shape, *number)) return;
  step.parts = join ? Parts::kJoin : Parts::kSplit;
}

}  // namespace anyrt::cpu
