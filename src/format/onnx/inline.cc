#include <utility>

#include "format/onnx/builder.h"

namespace anyrt::onnx {

Function* Builder::find_function(const NodeMsg& msg) {
  if (functions_.empty()) return nullptr;
  const auto found =
      functions_.find(std::make_tuple(plain_domain(msg.domain), std::string(msg.op), std::string(msg.overload)));
  return found == functions_.end() ? nullptr : &found->second;
}

// What the call gives, else the function's own default; an attribute with neither is left out of the nodes that refer
// to it.
Status Builder::bind_attrs(const NodeMsg& call, const Function& function, const Frame& frame, AttrBindings& out) {
  AttrBindings given;
  for (std::string_view bytes : call.attrs) {
    AttrBinding binding{.attr = {}, .frame = frame};
    ANYRT_TRY(decode_message(source_.source, bytes, "AttributeProto", binding.attr));
    const std::string_view name = binding.attr.name;
    if (const std::string_view ref = binding.attr.ref_name; !ref.empty()) {
      const auto found = frame.bindings == nullptr ? AttrBindings::const_iterator() : frame.bindings->find(ref);
      if (frame.bindings == nullptr)
        return invalid_model("attribute '{}' refers to '{}' outside of functions", name, ref);
      if (found == frame.bindings->end()) continue;
      binding = found->second;
    }
    if (!given.emplace(name, std::move(binding)).second) return invalid_model("attribute '{}' appears twice", name);
  }
  for (std::string_view bytes : function.msg.default_attrs) {
    AttrBinding binding{.attr = {}, .frame = frame};
    ANYRT_TRY(decode_message(source_.source, bytes, "AttributeProto", binding.attr));
    const std::string_view name = binding.attr.name;
    if (auto found = given.find(name); found != given.end()) {
      binding = std::move(found->second);
      given.erase(found);
    }
    out.emplace(name, std::move(binding));
  }
  for (std::string_view name : function.msg.attrs) {
    if (auto found = given.find(name); found != given.end()) {
      out.emplace(name, std::move(found->second));
      given.erase(found);
    }
  }
  if (!given.empty()) return invalid_model("{} has no attribute '{}'", function.label, given.begin()->first);
  return {};
}

Status Builder::inline_call(const NodeMsg& call, Function& function, const Frame& frame) {
  const FunctionMsg& msg = function.msg;
  if (function.active) return invalid_model("{} calls itself", function.label);
  if (frame.depth >= kMaxDepth)
    return invalid_model("graphs and functions are nested deeper than {} levels", kMaxDepth);
  inlined_nodes_ += 1 + msg.nodes.size();
  if (inlined_nodes_ > options_.max_inlined_nodes) {
    return make_error(Code::kResourceExhausted, "the model-local functions expand to more than {} nodes",
                      options_.max_inlined_nodes);
  }
  if (call.inputs.size() > msg.inputs.size() || call.outputs.size() > msg.outputs.size()) {
    return invalid_model("{} inputs and {} outputs, expected at most {} and {} of {}", call.inputs.size(),
                         call.outputs.size(), msg.inputs.size(), msg.outputs.size(), function.label);
  }
  Scope& outer = *frame.scope;
  Graph& graph = *outer.graph;
  Scope scope;
  scope.graph = &graph;
  scope.prefix = fmt::format("{}{}/", outer.prefix, call.name.empty() ? call.op : call.name);
  std::vector<ValueId> inputs;
  ANYRT_TRY(resolve_inputs(call, outer, inputs));
  for (size_t i = 0; i < msg.inputs.size(); ++i) {
    ANYRT_TRY(declare(scope, msg.inputs[i], i < inputs.size() ? inputs[i] : kNoValue, function.label + " input"));
  }
  std::unordered_map<std::string_view, ValueId> wanted;
  for (size_t i = 0; i < call.outputs.size(); ++i) {
    if (!call.outputs[i].empty()) wanted.emplace(msg.outputs[i], outer.names.at(call.outputs[i]));
  }
  ANYRT_TRY(declare_outputs(msg.nodes, scope, &wanted).with_context(function.label));
  AttrBindings bindings;
  ANYRT_TRY(bind_attrs(call, function, frame, bindings));
  function.active = true;
  Status built =
      build_nodes(msg.nodes, {.scope = &scope, .bindings = &bindings, .function = &function, .depth = frame.depth + 1});
  function.active = false;
  ANYRT_TRY(std::move(built).with_context(function.label));
  // An output that is an input, or one that is listed twice, has no node of its own.
  for (size_t i = 0; i < call.outputs.size(); ++i) {
    if (call.outputs[i].empty()) continue;
    const ValueId target = outer.names.at(call.outputs[i]);
    if (graph.value(target).producer != kNoNode) continue;
    const auto found = scope.names.find(msg.outputs[i]);
    if (found == scope.names.end() || found->second == kNoValue) {
      return invalid_model("{}: output '{}' is produced by no node or given input", function.label, msg.outputs[i]);
    }
    Node copy;
    copy.op = "Identity";
    copy.name = scope.prefix + std::string(msg.outputs[i]);
    copy.inputs = {found->second};
    copy.outputs = {target};
    graph.add_node(std::move(copy));
  }
  return {};
}

}  // namespace anyrt::onnx
