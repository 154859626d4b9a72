#pragma once

#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "format/onnx/proto.h"
#include "format/onnx/reader.h"
#include "format/onnx/tensor_data.h"
#include "graph/graph.h"

namespace anyrt::onnx {

// Outer values that the subgraphs of one node read.
struct CaptureList {
  std::vector<ValueId> outer;
  std::unordered_map<uint32_t, uint32_t> slots;  // value -> index in `outer`
};

// The names that nodes of one graph, or of one function body inlined into it, can see.
struct Scope {
  Graph* graph = nullptr;
  std::unordered_map<std::string_view, ValueId> names;  // kNoValue: a function input that the call omits
  Scope* parent = nullptr;                              // of a subgraph: the scope of the node that holds it
  CaptureList* captures = nullptr;                      // of that node
  std::string prefix;                                   // of values and nodes that come from a function body
};

struct AttrBinding;
using AttrBindings = std::map<std::string_view, AttrBinding>;

struct Function {
  FunctionMsg msg;
  std::string label;
  std::map<std::string, int64_t> opsets;
  bool active = false;  // being inlined now
};

// What surrounds the nodes being built.
struct Frame {
  Scope* scope = nullptr;
  const AttrBindings* bindings = nullptr;  // null outside of functions
  const Function* function = nullptr;
  int depth = 0;
};

// A function attribute as the call gives it. Graphs in it see the names around the call.
struct AttrBinding {
  AttrMsg attr;
  Frame frame;
};

using Initializers = std::vector<std::pair<std::string_view, Tensor>>;

// Turns decoded messages into a Graph: names become ids, outer references captures, function calls their bodies.
class Builder {
 public:
  Builder(const TensorSource& source, const ReadOptions& options) : source_(source), options_(options) {}

  Status build(const ModelMsg& msg, Model& model);

 private:
  // builder.cc
  Status add_function(std::string_view bytes);
  Status build_graph(std::string_view bytes, Graph& graph, const Frame& frame);
  Status read_initializers(const GraphMsg& msg, bool is_main, Initializers& out);
  Status add_inputs(const GraphMsg& msg, const Initializers& initializers, Scope& scope);
  Status add_value_types(const GraphMsg& msg, Scope& scope);
  Status add_outputs(const GraphMsg& msg, Scope& scope);
  Status declare(Scope& scope, std::string_view name, ValueId id, std::string_view what);
  Status declare_outputs(const std::vector<std::string_view>& nodes, Scope& scope,
                         const std::unordered_map<std::string_view, ValueId>* given = nullptr);

  // nodes.cc
  Status build_nodes(const std::vector<std::string_view>& nodes, const Frame& frame);
  Status build_node(const NodeMsg& msg, const Frame& frame);
  Status resolve_inputs(const NodeMsg& msg, Scope& scope, std::vector<ValueId>& out);
  bool resolve(Scope& scope, std::string_view name, ValueId& out);
  void set_opset(const Function& function, Node& node);
  Status add_attr(std::string_view bytes, const Frame& frame, Node& node, CaptureList& captures);
  Expected<AttrValue> attr_value(const AttrMsg& attr, const Frame& frame, CaptureList& captures);

  // inline.cc
  Function* find_function(const NodeMsg& msg);
  Status inline_call(const NodeMsg& call, Function& function, const Frame& frame);
  Status bind_attrs(const NodeMsg& call, const Function& function, const Frame& frame, AttrBindings& out);

  const TensorSource& source_;
  const ReadOptions& options_;
  Model* model_ = nullptr;
  bool drop_initializer_inputs_ = false;
  size_t inlined_nodes_ = 0;
  std::map<std::tuple<std::string, std::string, std::string>, Function> functions_;  // domain, name, overload
};

// "node 'conv1' (Conv)" for messages.
std::string node_label(const NodeMsg& msg);
std::string plain_domain(std::string_view domain);  // "ai.onnx" -> ""

}  // namespace anyrt::onnx
