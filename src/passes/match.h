#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "graph/walk.h"
#include "opdef/opdef.h"

namespace anyrt {

// What passes ask again and again. Operators are those of the ai.onnx domain.
inline bool is_op(const Node& node, std::string_view op) { return node.op == op && node.domain.empty(); }
bool is_one_of(const Node& node, std::initializer_list<std::string_view> ops);
// The node that makes `v`, when it is an `op`; else null.
const Node* made_by(const Graph& graph, ValueId v, std::string_view op);
inline ValueId input(const Node& node, size_t i) { return i < node.inputs.size() ? node.inputs[i] : kNoValue; }
inline ValueId output(const Node& node, size_t i) { return i < node.outputs.size() ? node.outputs[i] : kNoValue; }
// Output i is there, and somebody reads it.
bool is_read(const Graph& graph, const Node& node, size_t i);

const SymShape* shape_of(const Graph& graph, ValueId v);         // null unless a tensor of known rank
std::optional<Dims> fixed_shape(const Graph& graph, ValueId v);  // every dim an integer
bool same_shape(const Graph& graph, ValueId a, ValueId b);       // surely equal
DType dtype_of_value(const Graph& graph, ValueId v);             // kUndefined unless a tensor

// Elements of a constant integer tensor that nobody can override.
std::optional<std::vector<int64_t>> constant_ints(const Graph& graph, ValueId v);
// The one number that all elements of a constant are; nullopt for an empty tensor and what is no real number.
std::optional<double> uniform_constant(const Graph& graph, ValueId v);

}  // namespace anyrt
