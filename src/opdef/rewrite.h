#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "opdef/attrs.h"
#include "opdef/opdef.h"

namespace anyrt {

// What `upgrade`, `downgrade` and `decompose` see: one node in a graph, and the means to change or replace it.
class RewriteContext : public AttrReader {
 public:
  RewriteContext(Graph& graph, NodeId id, int version)
      : AttrReader(graph.node(id)), graph_(graph), id_(id), version_(version) {}

  int version() const { return version_; }  // opset of the node's domain to upgrade from, or to downgrade to
  Graph& graph() { return graph_; }
  NodeId id() const { return id_; }
  Node& mutable_node() { return graph_.node(id_); }

  size_t num_inputs() const { return graph_.node(id_).inputs.size(); }
  size_t num_outputs() const { return graph_.node(id_).outputs.size(); }
  bool has_input(size_t i) const;
  bool has_output(size_t i) const;
  ValueId input(size_t i) const;  // kNoValue when omitted
  ValueId output(size_t i) const;
  const Type& input_type(size_t i) const;  // as inferred so far; may be undefined
  const Type& output_type(size_t i) const;
  std::optional<int64_t> input_rank(size_t i) const;
  const Tensor* input_constant(size_t i) const;

  // New nodes go right before this one. Returns the first output; `attrs` need not name defaults. Types are inferred at
  // once.
  ValueId op(std::string_view name, std::initializer_list<ValueId> inputs, std::vector<Attr> attrs = {}) {
    return ops("", name, std::vector<ValueId>(inputs), std::move(attrs), 1)[0];
  }
  std::vector<ValueId> ops(std::string_view domain, std::string_view name, std::vector<ValueId> inputs,
                           std::vector<Attr> attrs, size_t num_outputs);
  ValueId constant(Tensor tensor);
  ValueId constant_ints(const std::vector<int64_t>& values) { return constant(Tensor::int64s(values)); }
  // A scalar float constant of the given dtype.
  ValueId constant_scalar(double value, DType dtype);

  // The node's readers read `value` instead of output i. When every output is replaced the driver removes the node.
  void replace_output(size_t i, ValueId value);
  // Changes of the node itself.
  void set_input(size_t i, ValueId value) { graph_.set_input(id_, i, value); }
  void set_attr(std::string_view name, AttrValue value);
  void remove_attr(std::string_view name);
  void rename_attr(std::string_view from, std::string_view to);
  // Moves an INT or INTS attribute into int64 input i (an INT gives a scalar, or one element when `as_vector`).
  void attr_to_input(std::string_view name, size_t i, bool as_vector = true);
  // The reverse, for downgrades; an error when the input is not constant.
  Status input_to_attr(size_t i, std::string_view name);
  // Turns the node into another operator, keeping inputs and outputs.
  void become(std::string_view domain, std::string_view op);

  // Called by the driver afterwards: the first error met by the helpers above; removes the node when its outputs were
  // replaced.
  Status finish();

 private:
  void refresh();  // node storage may move when nodes are added
  Graph& graph_;
  NodeId id_;
  int version_;
  bool replaced_ = false;
  Status error_;
};

// The decomposition of one node as a graph of its own: inputs are the node's present inputs that are not constant, in
// order; outputs its present outputs. `constants` gives, per input, a tensor known at compile time, or null (may be
// shorter).
Expected<Graph> decompose_node(const Node& node, const std::vector<Type>& input_types,
                               const std::vector<const Tensor*>& constants = {});

}  // namespace anyrt
