#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/status.h"
#include "graph/attr.h"
#include "graph/stable_vector.h"
#include "tensor/type.h"
#include "tensor/value.h"

namespace anyrt {

struct OpDef;  // opdef/opdef.h
class OpSet;   // opdef/custom_op.h

enum class NodeId : uint32_t {};
enum class ValueId : uint32_t {};
inline constexpr NodeId kNoNode{0xffffffffu};
inline constexpr ValueId kNoValue{0xffffffffu};
constexpr size_t index(NodeId id) { return static_cast<size_t>(id); }
constexpr size_t index(ValueId id) { return static_cast<size_t>(id); }

// One operator application. Edit inputs, outputs and captures through Graph only, so that uses stay true; attributes
// and names may be edited directly.
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
  int opset =
      0;  // version of the domain that the node's form is of, where it differs from the model's; 0 = as the model
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
  Tensor constant;  // defined: an initializer (or a folded constant)
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

// A dataflow graph in single-assignment form. Ids stay valid until the node or value is removed; removed ids are not
// reused. References to nodes and values stay good while others are added. Copying clones subgraphs too; tensors share
// bytes.
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
  void swap_names(ValueId a, ValueId b);

  // Nodes. `add_node` appends at the end of the order, or before `before`; outputs are existing values without
  // producer.
  NodeId add_node(Node node, NodeId before = kNoNode);
  const Node& node(NodeId id) const { return nodes_[index(id)]; }
  Node& node(NodeId id) { return nodes_[index(id)]; }
  size_t node_capacity() const { return nodes_.size(); }
  // Nodes that are alive, in execution order. Valid until the graph changes; rebuilt, in time linear in the graph, by
  // the first call after a change. Who edits while walking takes a copy, or walks with first_node and next_node.
  const std::vector<NodeId>& order() const;
  size_t node_count() const { return order_.count; }
  NodeId first_node() const { return order_.first; }  // kNoNode when empty
  NodeId last_node() const { return order_.last; }
  NodeId next_node(NodeId id) const { return links_[index(id)].next; }  // kNoNode at the end
  NodeId previous_node(NodeId id) const { return links_[index(id)].previous; }
  void move_node(NodeId id, NodeId before);  // changes its place in the order; kNoNode = to the end
  void remove_node(NodeId id);  // its outputs lose their producer; they must have no uses unless rewired before
  // `slot` as in Use; beyond the last one it extends inputs with kNoValue as needed.
  void set_input(NodeId node, size_t slot, ValueId value);
  void append_input(NodeId node, ValueId value);  // also where the node has captures
  void truncate_inputs(NodeId node, size_t count);
  void set_output(NodeId node, size_t slot, ValueId value);
  uint32_t add_capture(NodeId node, ValueId outer);  // returns the slot index into captures (reuses an equal one)
  // Renumbers Capture::slot in the node's subgraphs; captures of this slot are dropped there.
  void remove_capture(NodeId node, uint32_t capture_index);
  // Every reader of `from` (nodes, captures and graph outputs) reads `to` instead, but for `except`. A graph output
  // keeps its name: `to` swaps names with `from`, unless `to` is itself an input or output (walk.h: may_replace).
  void replace_uses(ValueId from, ValueId to, NodeId except = kNoNode);
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
  struct Link {
    NodeId previous = kNoNode;
    NodeId next = kNoNode;
    std::vector<uint32_t> use_index;  // for each slot, where its Use is in the value's `uses`
  };
  // A linked list, and the same as a vector, made when somebody asks for it; threads may ask at once.
  struct Order {
    NodeId first = kNoNode;
    NodeId last = kNoNode;
    size_t count = 0;
    std::vector<NodeId> list;
    std::atomic<bool> fresh{true};
    Order() = default;
    Order(const Order& o) : first(o.first), last(o.last), count(o.count), list(o.list), fresh(o.fresh.load()) {}
    Order(Order&& other) noexcept { *this = std::move(other); }
    Order& operator=(const Order& other);
    Order& operator=(Order&& other) noexcept;
  };
  struct StringHash {
    using is_transparent = void;
    size_t operator()(std::string_view s) const { return std::hash<std::string_view>()(s); }
  };
  template <class T>
  using NameMap = std::unordered_map<std::string, T, StringHash, std::equal_to<>>;

  std::string unique_name(std::string wanted);
  ValueId& slot_value(Node& node, size_t slot);
  void add_use(NodeId node, size_t slot);
  void remove_use(NodeId node, size_t slot);
  void shift_captures(NodeId node, size_t new_input_count);
  void link_before(NodeId id, NodeId before);
  void unlink(NodeId id);
  friend class StructureCheck;

  StableVector<Node> nodes_;
  StableVector<ValueInfo> values_;
  std::vector<Link> links_;
  mutable Order order_;
  NameMap<ValueId> names_;
  NameMap<uint32_t> suffixes_;  // next suffix to try for a name that was taken
  uint32_t next_name_ = 0;
};

// What surrounds the graph in a model file.
struct ModelInfo {
  std::string file;       // path it was read from, "" when from memory
  uint64_t identity = 0;  // of the bytes it was read from; 0 = not known
  int64_t ir_version = 0;
  std::string producer_name, producer_version, domain, doc;
  int64_t model_version = 0;
  std::map<std::string, int64_t> opsets;  // domain ("" = ai.onnx) -> version as imported
  std::map<std::string, std::string> metadata;
  // Operators that nodes may refer to beside anyrt's own; set at import (opdef/inference.h) where it is null.
  std::shared_ptr<const OpSet> custom_ops;
};

struct Model {
  Graph graph;
  ModelInfo info;
};

// Checks what every graph must hold at all times: ids in range, uses mirror inputs, one producer a value, order is
// topological, captures and subgraphs consistent. A failure is a bug of whoever edited the graph, or a broken model.
Status verify_structure(const Graph& graph);

}  // namespace anyrt
