#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "opdef/attrs.h"
#include "opdef/opdef.h"

namespace anyrt {

// What an operator's `infer` sees. Input types may be undefined (unknown) at any time: infer says what it can and
// reports an error only for what is surely wrong.
class InferContext : public AttrReader {
 public:
  InferContext(Graph& graph, NodeId node);

  size_t num_inputs() const { return node_->inputs.size(); }
  size_t num_outputs() const { return node_->outputs.size(); }
  bool has_input(size_t i) const;
  bool has_output(size_t i) const;
  const Type& input_type(size_t i) const;       // undefined when omitted or not known
  DType input_dtype(size_t i) const;            // kUndefined when not known
  const SymShape* input_shape(size_t i) const;  // null when omitted or rank not known
  std::optional<int64_t> input_rank(size_t i) const;
  const Tensor* input_constant(size_t i) const;  // null unless the value is known at compile time
  // Elements of an integer tensor, as far as known: constants, or shape arithmetic. At most 1024 elements.
  std::optional<SymShape> input_elements(size_t i) const;
  // The same when every element is an integer (axes, split sizes …).
  std::optional<std::vector<int64_t>> input_ints(size_t i) const;

  void set_output(size_t i, Type type);
  void set_output(size_t i, DType dtype, std::optional<SymShape> shape = std::nullopt);
  void set_output_elements(size_t i, SymShape elements);
  // A new symbol for a size that only running tells (NonZero, Unique …).
  Dim fresh_dim(std::string_view hint);

  // Infers the subgraph in attribute `name` with these input types; returns its output types.
  Expected<std::vector<Type>> infer_subgraph(std::string_view name, const std::vector<Type>& input_types);
  // The types of the outer values a subgraph captures are set by the driver before `infer` is called.

  // Set by the inference driver (opdef/inference.h).
  std::function<Status(Graph&)> infer_graph;

  Graph& owner() { return graph_; }

 private:
  Graph& graph_;
};

}  // namespace anyrt
