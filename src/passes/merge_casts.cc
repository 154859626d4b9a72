#include "passes/match.h"
#include "passes/passes.h"

namespace anyrt {
namespace {

// What a real type can hold: integers from -2^magnitude (0: from 0) to 2^magnitude exactly, and for floats the
// precision and exponent range. Zero bits: a type that this pass leaves alone.
struct Range {
  int digits = 0;  // significant bits
  bool negative = true;
  bool real = false;
  int max_exponent = 0;
  int min_exponent = 0;  // of the smallest subnormal
};

Range range_of(DType dtype) {
  switch (dtype) {
    case DType::kBool: return {1, false};
    case DType::kInt8: return {7, true};
    case DType::kInt16: return {15, true};
    case DType::kInt32: return {31, true};
    case DType::kInt64: return {63, true};
    case DType::kUInt8: return {8, false};
    case DType::kUInt16: return {16, false};
    case DType::kUInt32: return {32, false};
    case DType::kUInt64: return {64, false};
    case DType::kFloat16: return {11, true, true, 15, -24};
    case DType::kBFloat16: return {8, true, true, 127, -133};
    case DType::kFloat32: return {24, true, true, 127, -149};
    case DType::kFloat64: return {53, true, true, 1023, -1074};
    default: return {};
  }
}

// Every value of `from` is a value of `to`.
bool holds_all(DType from, DType to) {
  const Range a = range_of(from), b = range_of(to);
  if (a.digits == 0 || b.digits == 0 || to == DType::kBool || (a.negative && !b.negative)) return false;
  if (a.real && !b.real) return false;
  if (a.real) return a.digits <= b.digits && a.max_exponent <= b.max_exponent && a.min_exponent >= b.min_exponent;
  return a.digits <= b.digits && (!b.real || a.digits <= b.max_exponent);
}

}  // namespace

Status merge_casts(Graph& graph, PassContext& context) {
  for (NodeId id = graph.first_node(); id != kNoNode;) {
    const NodeId next = graph.next_node(id);
    const Node& node = graph.node(id);
    const Node* inner = is_op(node, "Cast") ? made_by(graph, node.inputs[0], "Cast") : nullptr;
    if (inner && holds_all(dtype_of_value(graph, inner->inputs[0]), dtype_of_value(graph, node.inputs[0]))) {
      Rewrite rewrite(graph, id);
      rewrite.replace(node.outputs[0], rewrite.copy(node, {inner->inputs[0]})[0]);
      ANYRT_TRY(rewrite.apply());
      context.count();
    }
    id = next;
  }
  return {};
}

}  // namespace anyrt
