#include "format/onnx/graph_out.h"

#include <algorithm>
#include <utility>

#include "format/onnx/proto.h"
#include "opdef/opdef.h"

namespace anyrt::onnx {
namespace {

// Subgraphs share the tensors of outer constants: one with the same bytes need not be written again.
std::string data_key(const Tensor& t) {
  return fmt::format("{} {}", t.size() == 0 ? nullptr : static_cast<const void*>(t.raw()), t.type_string());
}

template <class T>
bool equals(const AttrValue& value, const T& other) {
  const T* held = std::get_if<T>(&value);
  return held != nullptr && *held == other;
}

// Defaults of the newest form are left out of nodes that are in the newest form.
bool is_default(const Node& node, const Attr& attr) {
  if (node.def == nullptr || node.opset != 0) return false;
  for (const AttrDef& def : node.def->attrs) {
    if (attr.name != def.name) continue;
    if (!def.has_default) return false;
    switch (def.kind) {
      case AttrKind::kInt: return equals<int64_t>(attr.value, def.i);
      case AttrKind::kFloat: return equals<float>(attr.value, def.f);
      case AttrKind::kString: return equals<std::string>(attr.value, def.s);
      case AttrKind::kInts: return equals(attr.value, std::vector<int64_t>(def.ints.begin(), def.ints.end()));
      default: return false;
    }
  }
  return false;
}

}  // namespace

std::string GraphOut::fresh(Names& names, const std::string& wanted) {
  const auto taken = [&](const std::string& name) {
    if (names.used.contains(name)) return true;
    for (const Names* outer = names.parent; outer != nullptr; outer = outer->parent) {
      if (outer->used.contains(name)) return true;
    }
    return false;
  };
  std::string name = wanted;
  while (taken(name)) name = fmt::format("{}_{}", wanted, ++names.next_suffix[wanted]);
  names.used.insert(name);
  return name;
}

GraphOut::Names GraphOut::name_values(const Graph& graph, const Names* parent, const Node* holder) {
  Names names;
  names.graph = &graph;
  names.parent = parent;
  for (const Capture& capture : graph.captures) {
    names.of[static_cast<uint32_t>(capture.inner)] =
        parent->of.at(static_cast<uint32_t>(holder->captures[capture.slot]));
  }
  std::vector<bool> is_input(graph.value_capacity());
  for (const ValueId id : graph.inputs) is_input[index(id)] = true;
  // The interface first: its names matter most.
  const auto name = [&](ValueId id) {
    if (!names.of.contains(static_cast<uint32_t>(id))) {
      names.of[static_cast<uint32_t>(id)] = fresh(names, graph.value(id).name);
    }
  };
  for (const ValueId id : graph.inputs) name(id);
  for (const ValueId id : graph.outputs) name(id);
  for (size_t i = 0; i < graph.value_capacity(); ++i) {
    const ValueId id{static_cast<uint32_t>(i)};
    const ValueInfo& value = graph.value(id);
    if (value.is_constant() && parent != nullptr && !names.of.contains(static_cast<uint32_t>(i))) {
      const std::string key = data_key(value.constant);
      for (const Names* outer = parent; outer != nullptr; outer = outer->parent) {
        if (auto found = outer->constants.find(key); found != outer->constants.end()) {
          names.of[static_cast<uint32_t>(i)] = found->second;
          if (!value.uses.empty()) outer->read_by_subgraphs.insert(found->second);
          break;
        }
      }
    }
    if (value.is_constant() || value.producer != kNoNode) name(id);
    if (value.is_constant() && !is_input[i]) {
      names.constants.emplace(data_key(value.constant), names.of[static_cast<uint32_t>(i)]);
    }
  }
  return names;
}

MessageOut GraphOut::value_info(const ValueInfo& value, const std::string& name, bool with_shape) {
  MessageOut out;
  out.text(1, name);
  if (is_complete(value.type)) {
    Type type = value.type;
    if (!with_shape) type.shape.reset();
    out.message(2, type_message(type, context_));
  }
  out.text_if(3, value.doc);
  return out;
}

Expected<MessageOut> GraphOut::graph_message(const Graph& graph, const Names* parent, const Node* holder) {
  const Names names = name_values(graph, parent, holder);
  const auto name_of = [&](ValueId id) -> const std::string& { return names.of.at(static_cast<uint32_t>(id)); };
  const bool branch = holder != nullptr && holder->op == "If";
  const auto info = [&](ValueId id, bool with_shape = true) {
    return value_info(graph.value(id), name_of(id), with_shape);
  };
  MessageOut out;
  for (const NodeId id : graph.order()) {
    auto message = node_message(graph.node(id), names);
    if (!message.ok()) return std::move(message).status().with_context(graph.node(id).label());
    out.message(1, std::move(*message));
  }
  out.text(2, graph.name.empty() ? "graph" : graph.name);
  std::vector<bool> interface(graph.value_capacity());
  for (const ValueId id : graph.inputs) interface[index(id)] = true;
  for (const ValueId id : graph.outputs) interface[index(id)] = true;
  std::vector<ValueId> constants;
  for (size_t i = 0; i < graph.value_capacity(); ++i) {
    const ValueId id{static_cast<uint32_t>(i)};
    const ValueInfo& value = graph.value(id);
    if (!value.is_constant()) continue;
    const bool read = !value.uses.empty() || interface[i] || names.read_by_subgraphs.contains(name_of(id));
    // A name of an outer graph stands for the data there.
    if (!read || !names.used.contains(name_of(id))) continue;
    ANYRT_ASSIGN(MessageOut message, tensor_message(value.constant, name_of(id), context_));
    out.message(5, std::move(message));
    if (!interface[i]) constants.push_back(id);
  }
  out.text_if(10, graph.doc);
  for (const ValueId id : graph.inputs) out.message(11, info(id));
  if (options_.constants_as_inputs) {
    for (const ValueId id : constants) out.message(11, info(id));
  }
  for (const ValueId id : graph.outputs) out.message(12, info(id, !branch));
  if (!options_.value_types || parent != nullptr) return out;
  for (const NodeId id : graph.order()) {
    for (const ValueId output : graph.node(id).outputs) {
      if (output == kNoValue || interface[index(output)] || !is_complete(graph.value(output).type)) continue;
      out.message(13, info(output));
    }
  }
  return out;
}

Expected<MessageOut> GraphOut::node_message(const Node& node, const Names& names) {
  MessageOut out;
  const auto put_values = [&](uint32_t field, const std::vector<ValueId>& ids, size_t least) {
    size_t count = ids.size();
    while (count > 0 && ids[count - 1] == kNoValue) --count;
    for (size_t i = 0; i < std::max(count, least); ++i) {
      const bool omitted = i >= count || ids[i] == kNoValue;
      out.text(field, omitted ? std::string_view() : names.of.at(static_cast<uint32_t>(ids[i])));
    }
  };
  // ONNX counts the inputs before a variadic one as there even where they are optional (Loop).
  const bool variadic = node.def && !node.def->inputs.empty() &&
                        (node.def->inputs.back().flags & (kVariadicParam | kVariadicAnyParam)) != 0;
  put_values(1, node.inputs, variadic ? node.def->inputs.size() - 1 : 0);
  put_values(2, node.outputs, 0);
  out.text_if(3, node.name);
  out.text(4, node.op);
  for (const Attr& attr : node.attrs) {
    if (is_default(node, attr)) continue;
    auto message = attr_message(attr, node, names);
    if (!message.ok()) return std::move(message).status().with_context(fmt::format("attribute '{}'", attr.name));
    out.message(5, std::move(*message));
  }
  out.text_if(6, node.doc);
  out.text_if(7, node.domain);
  domains_.insert(node.domain);
  return out;
}

Expected<MessageOut> GraphOut::attr_message(const Attr& attr, const Node& node, const Names& names) {
  MessageOut out;
  out.text(1, attr.name);
  const auto graph = [&](const Graph& g) { return graph_message(g, &names, &node); };
  const auto tensor = [&](const Tensor& t) { return tensor_message(t, "", context_); };
  const auto sparse = [&](const SparseTensor& s) { return sparse_message(s, context_); };
  const auto type = [&](const Type& t) -> Expected<MessageOut> { return type_message(t, context_); };
  const auto one = [&](uint32_t field, AttrType kind, auto&& make, const auto& element) -> Status {
    ANYRT_ASSIGN(MessageOut message, make(element));
    out.message(field, std::move(message));
    out.integer(20, kind);
    return {};
  };
  const auto each = [&](uint32_t field, AttrType kind, auto&& make, const auto& elements) -> Status {
    for (const auto& element : elements) {
      ANYRT_ASSIGN(MessageOut message, make(element));
      out.message(field, std::move(message));
    }
    out.integer(20, kind);
    return {};
  };
  const auto unbox = [&](const GraphBox& box) { return graph(*box); };
  switch (attr.kind()) {
    case AttrKind::kInt:
      out.integer(3, std::get<int64_t>(attr.value));
      out.integer(20, kAttrInt);
      break;
    case AttrKind::kFloat:
      out.number(2, std::get<float>(attr.value));
      out.integer(20, kAttrFloat);
      break;
    case AttrKind::kString:
      out.text(4, std::get<std::string>(attr.value));
      out.integer(20, kAttrString);
      break;
    case AttrKind::kInts:
      for (const int64_t v : std::get<std::vector<int64_t>>(attr.value)) out.integer(8, v);
      out.integer(20, kAttrInts);
      break;
    case AttrKind::kFloats:
      for (const float v : std::get<std::vector<float>>(attr.value)) out.number(7, v);
      out.integer(20, kAttrFloats);
      break;
    case AttrKind::kStrings:
      for (const std::string& v : std::get<std::vector<std::string>>(attr.value)) out.text(9, v);
      out.integer(20, kAttrStrings);
      break;
    case AttrKind::kTensor: ANYRT_TRY(one(5, kAttrTensor, tensor, std::get<Tensor>(attr.value))); break;
    case AttrKind::kTensors:
      ANYRT_TRY(each(10, kAttrTensors, tensor, std::get<std::vector<Tensor>>(attr.value)));
      break;
    case AttrKind::kGraph: ANYRT_TRY(one(6, kAttrGraph, unbox, std::get<GraphBox>(attr.value))); break;
    case AttrKind::kGraphs: ANYRT_TRY(each(11, kAttrGraphs, unbox, std::get<std::vector<GraphBox>>(attr.value))); break;
    case AttrKind::kType: ANYRT_TRY(one(14, kAttrType, type, std::get<Type>(attr.value))); break;
    case AttrKind::kTypes: ANYRT_TRY(each(15, kAttrTypes, type, std::get<std::vector<Type>>(attr.value))); break;
    case AttrKind::kSparse: ANYRT_TRY(one(22, kAttrSparse, sparse, std::get<SparseTensor>(attr.value))); break;
    case AttrKind::kSparses:
      ANYRT_TRY(each(23, kAttrSparses, sparse, std::get<std::vector<SparseTensor>>(attr.value)));
      break;
  }
  return out;
}

}  // namespace anyrt::onnx
