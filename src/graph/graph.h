#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/status.h"
#include "graph/attr.h"
#include "tensor/type.h"
#include "tensor/value.h"

namespace anyrt {

struct OpDef;  // opdef/opdef.h

enum class NodeId : uint32_t {};
enum class ValueId : uint32_t {};
inline constexpr NodeId kNoNode{0xffffffffu};
inline constexpr ValueId kNoValue{0xffffffffu};
constexpr size_t index(NodeId id) { return static_cast<size_t>(id); }
constexpr size_t index(ValueId id) { return static_cast<size_t>(id); }

// One operator application. Edit inputs, outputs and captures through Graph only, so that uses stay true; attributes and
// names may be edited directly.
struct Node {
  NodeId id = kNoNode;
  std::string domain;  // "" is ai.onnx
  std::string op;
  std::string name;
  const OpDef* def = nullptr;     // set by the importer or by whoever builds the node
  std::vector<ValueId> inputs;    // kNoValue for an omitted optional input
  std::vector<ValueId> outputs;   // kNoValue for an omitted optional output
  std::vector<ValueId> captures;  // outer values that the node's subgraphs read; see Graph::captures
  std::vector<Attr> attrs;
  std::string doc;
  std::string device;  // placement wish of the model or the caller; "" = none
  bool alive = true;

  const Attr* find_attr(std::string_view attr_name) const;
  Attr* find_attr(std::string_view attr_name);
  void set_attr(std::string_view attr_name, AttrValue value);
  bool remove_attr(std::string_view attr_name);
  std::string label() const;  // "Conv 'features.0'" for messages
  // Subgraphs held by attributes, in attribute order.
  std::vector<Graph*> subgraphs() const;
};

struct Use {
  NodeId node;
  uint32_t slot;  // input index; inputs.size() + k is capture k
  bool operator==(const Use&) const = default;
};

struct ValueInfo {
  std::string name;
  Type type;
  NodeId producer = kNoNode;
  uint32_t output_index = 0;
  std::vector<Use> uses;
  Tensor constant;       // defined: an initializer (or a folded constant)
  std::string doc;
  // Integer contents known symbolically (shape arithmetic): one Dim an element. Set by inference.
  std::optional<SymShape> known_elements;
  bool is_constant() const { return constant.defined(); }
};

// How a subgraph sees an outer value: capture `slot` of the node that holds the subgraph is `inner` in here.
struct Capture {
  uint32_t slot;
  ValueId inner;
};

// A dataflow graph in single-assignment form. Ids stay valid until the node or value is removed; removed ids are not reused.
class Graph {
 public:
  std::string name;
  std::string doc;

  // Values. Names are made unique by a suffix when taken ("x", "x_1"); "" gives a fresh name.
  ValueId add_value(std::string value_name, Type type = {});
  ValueId add_input(std::string value_name, Type type);
  ValueId add_constant(std::string value_name, Tensor tensor);
  const ValueInfo& value(ValueId id) const { return values_[index(id)]; }
  ValueInfo& value(ValueId id) { return values_[index(id)]; }
  size_t value_capacity() const { return values_.size(); }  // ids are below this
  ValueId find_value(std::string_view value_name) const;    // kNoValue when there is none
  Status rename_value(ValueId id, std::string new_name);

  // Nodes. `add_node` appends at the end of the order, or before `before`; outputs are existing values without producer.
  NodeId add_node(Node node, NodeId before = kNoNode);
  const Node& node(NodeId id) const { return nodes_[index(id)]; }
  Node& node(NodeId id) { return nodes_[index(id)]; }
  size_t node_capacity() const { return nodes_.size(); }
  // Nodes that are alive, in execution order. Valid until the graph changes.
  const std::vector<NodeId>& order() const { return order_; }
  size_t node_count() const { return order_.size(); }
  void remove_node(NodeId id);  // its outputs lose their producer; they must have no uses unless rewired before
  void set_input(NodeId node, size_t slot, ValueId value);      // slot as in Use; extends inputs with kNoValue as needed
  void truncate_inputs(NodeId node, size_t count);
  void set_output(NodeId node, size_t slot, ValueId value);
  uint32_t add_capture(NodeId node, ValueId outer);             // returns the slot index into captures (reuses an equal one)
  void remove_capture(NodeId node, uint32_t capture_index);     // renumbers Capture::slot in the node's subgraphs
  // Every reader of `from` (nodes, captures and graph outputs) reads `to` instead.
  void replace_uses(ValueId from, ValueId to);
  bool is_input(ValueId id) const;
  bool is_output(ValueId id) const;

  // Interface. A graph input with a constant is an initializer that the caller may override.
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;
  std::vector<Capture> captures;  // subgraphs only

  // Sorts `order` so that producers come first. InvalidModel, naming the nodes, when there is a cycle.
  Status sort();
  // Drops removed nodes and unused values from the arenas; ids change.
  void compact();

 private:
  std::vector<Node> nodes_;
  std::vector<ValueInfo> values_;
  std::vector<NodeId> order_;
  std::unordered_map<std::string, ValueId> names_;
  uint32_t next_name_ = 0;
};

// What surrounds the graph in a model file.
struct ModelInfo {
  std::string file;  // path it was read from, "" when from memory
  int64_t ir_version = 0;
  std::string producer_name, producer_version, domain, doc;
  int64_t model_version = 0;
  std::map<std::string, int64_t> opsets;  // domain ("" = ai.onnx) -> version as imported
  std::map<std::string, std::string> metadata;
};

struct Model {
  Graph graph;
  ModelInfo info;
};

// Checks what every graph must hold at all times: ids in range, uses mirror inputs, one producer a value, order is
// topological, captures and subgraphs consistent. A failure is a bug of whoever edited the graph, or a broken model.
Status verify_structure(const Graph& graph);

}  // namespace anyrt
