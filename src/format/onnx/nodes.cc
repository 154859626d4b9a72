#include <utility>

#include "format/onnx/builder.h"

namespace anyrt::onnx {
namespace {

// AttrType -> AttrKind, index by index from kAttrFloat on.
constexpr const char* kTypeNames[] = {
    "UNDEFINED", "FLOAT",   "INT",    "STRING",        "TENSOR",         "GRAPH",      "FLOATS",     "INTS",
    "STRINGS",   "TENSORS", "GRAPHS", "SPARSE_TENSOR", "SPARSE_TENSORS", "TYPE_PROTO", "TYPE_PROTOS"};

// Old files do not state the type of an attribute: the one field that is there tells it.
Expected<AttrType> attr_type(const AttrMsg& attr) {
  if (attr.type < 0 || attr.type >= kAttrTypeCount) {
    return invalid_model("attribute '{}' has type {}, which is not known", attr.name, attr.type);
  }
  auto type = static_cast<AttrType>(attr.type);
  if (type == kAttrUndefined) {
    for (int t = kAttrFloat; t < kAttrTypeCount; ++t) {
      if (attr.present == 1u << t) type = static_cast<AttrType>(t);
    }
    if (type == kAttrUndefined)
      return invalid_model("attribute '{}' states no type, and its value does not tell one", attr.name);
  } else if (attr.present != 0 && (attr.present & (1u << type)) == 0) {
    return invalid_model("attribute '{}' is of type {}, but holds a value of another type", attr.name,
                         kTypeNames[type]);
  }
  return type;
}

}  // namespace

bool Builder::resolve(Scope& scope, std::string_view name, ValueId& out) {
  if (auto found = scope.names.find(name); found != scope.names.end()) {
    out = found->second;
    return true;
  }
  ValueId outer = kNoValue;
  if (scope.parent == nullptr || !resolve(*scope.parent, name, outer)) return false;
  if (outer == kNoValue) {
    out = kNoValue;
    return true;
  }
  CaptureList& list = *scope.captures;
  const auto [slot, fresh] = list.slots.emplace(static_cast<uint32_t>(outer), static_cast<uint32_t>(list.outer.size()));
  if (fresh) list.outer.push_back(outer);
  out = scope.graph->add_value(std::string(name), scope.parent->graph->value(outer).type);
  scope.graph->captures.push_back({slot->second, out});
  scope.names.emplace(name, out);
  return true;
}

Status Builder::resolve_inputs(const NodeMsg& msg, Scope& scope, std::vector<ValueId>& out) {
  out.reserve(msg.inputs.size());
  for (std::string_view name : msg.inputs) {
    ValueId id = kNoValue;
    if (!name.empty() && !resolve(scope, name, id)) {
      return invalid_model("{} reads '{}', which no node, input or initializer provides", node_label(msg), name);
    }
    out.push_back(id);
  }
  while (!out.empty() && out.back() == kNoValue) out.pop_back();
  return {};
}

Status Builder::build_nodes(const std::vector<std::string_view>& nodes, const Frame& frame) {
  for (std::string_view bytes : nodes) {
    NodeMsg msg;
    ANYRT_TRY(decode_message(source_.source, bytes, "NodeProto", msg));
    if (msg.op.empty()) return invalid_model("{} has no operator type", node_label(msg));
    if (Function* function = find_function(msg)) {
      if (Status s = inline_call(msg, *function, frame); !s.ok()) return std::move(s).with_context(node_label(msg));
    } else {
      ANYRT_TRY(build_node(msg, frame));
    }
  }
  return {};
}

Status Builder::build_node(const NodeMsg& msg, const Frame& frame) {
  Scope& scope = *frame.scope;
  Node node;
  node.domain = plain_domain(msg.domain);
  node.op = msg.op;
  node.name = msg.name.empty() ? std::string() : scope.prefix + std::string(msg.name);
  node.doc = msg.doc;
  if (frame.function != nullptr) set_opset(*frame.function, node);
  ANYRT_TRY(resolve_inputs(msg, scope, node.inputs));
  for (std::string_view name : msg.outputs) node.outputs.push_back(name.empty() ? kNoValue : scope.names.at(name));
  CaptureList captures;
  for (std::string_view bytes : msg.attrs) {
    if (Status s = add_attr(bytes, frame, node, captures); !s.ok()) return std::move(s).with_context(node_label(msg));
  }
  node.captures = std::move(captures.outer);
  scope.graph->add_node(std::move(node));
  return {};
}

// Nodes of a function follow the function's opset imports, which may differ from the model's.
void Builder::set_opset(const Function& function, Node& node) {
  const auto own = function.opsets.find(node.domain);
  if (own == function.opsets.end()) return;
  const auto [models, fresh] = model_->info.opsets.emplace(node.domain, own->second);
  if (models->second != own->second) node.opset = static_cast<int>(own->second);
}

Status Builder::add_attr(std::string_view bytes, const Frame& frame, Node& node, CaptureList& captures) {
  AttrMsg attr;
  ANYRT_TRY(decode_message(source_.source, bytes, "AttributeProto", attr));
  const std::string name(attr.name);
  if (name.empty()) return invalid_model("an attribute has no name");
  if (node.find_attr(name) != nullptr) return invalid_model("attribute '{}' appears twice", name);
  const AttrMsg* value = &attr;
  const Frame* where = &frame;
  if (!attr.ref_name.empty()) {
    if (frame.bindings == nullptr) {
      return invalid_model("attribute '{}' refers to '{}' of a function, but stands outside of functions", name,
                           attr.ref_name);
    }
    const auto found = frame.bindings->find(attr.ref_name);
    if (found == frame.bindings->end()) return {};  // the call leaves it to the operator's default
    value = &found->second.attr;
    where = &found->second.frame;
  }
  auto made = attr_value(*value, *where, captures);
  if (!made.ok()) return std::move(made).status().with_context(fmt::format("attribute '{}'", name));
  node.attrs.push_back({name, std::move(*made)});
  return {};
}

Expected<AttrValue> Builder::attr_value(const AttrMsg& attr, const Frame& frame, CaptureList& captures) {
  ANYRT_ASSIGN(const AttrType type, attr_type(attr));
  const auto read_graph = [&](std::string_view bytes, GraphBox& box) {
    Scope inner;
    inner.parent = frame.scope;
    inner.captures = &captures;
    Frame below = frame;
    below.scope = &inner;
    below.depth = frame.depth + 1;
    return build_graph(bytes, *box, below);
  };
  // Calls f for each element of a list, or for the one value of a single attribute.
  const auto each = [&](auto&& f) -> Status {
    size_t count = 0;
    for (const auto& [kind, bytes] : attr.messages) {
      if (kind != type) continue;
      ++count;
      ANYRT_TRY(f(bytes));
    }
    const bool single = type == kAttrTensor || type == kAttrGraph || type == kAttrSparse || type == kAttrType;
    if (single && count != 1) return invalid_model("{} values of type {}, expected 1", count, kTypeNames[type]);
    return {};
  };
  std::vector<Tensor> tensors;
  std::vector<GraphBox> graphs;
  std::vector<SparseTensor> sparses;
  std::vector<Type> types;
  switch (type) {
    case kAttrFloat: return AttrValue(attr.f);
    case kAttrInt: return AttrValue(attr.i);
    case kAttrString: return AttrValue(std::string(attr.s));
    case kAttrFloats: return AttrValue(attr.floats);
    case kAttrInts: return AttrValue(attr.ints);
    case kAttrStrings: return AttrValue(std::vector<std::string>(attr.strings.begin(), attr.strings.end()));
    case kAttrTensor:
    case kAttrTensors:
      ANYRT_TRY(each([&](std::string_view bytes) -> Status {
        ANYRT_ASSIGN(Tensor tensor, read_tensor(bytes, source_));
        tensors.push_back(std::move(tensor));
        return {};
      }));
      return type == kAttrTensor ? AttrValue(std::move(tensors[0])) : AttrValue(std::move(tensors));
    case kAttrGraph:
    case kAttrGraphs:
      ANYRT_TRY(each([&](std::string_view bytes) { return read_graph(bytes, graphs.emplace_back(Graph())); }));
      return type == kAttrGraph ? AttrValue(std::move(graphs[0])) : AttrValue(std::move(graphs));
    case kAttrSparse:
    case kAttrSparses:
      ANYRT_TRY(each([&](std::string_view bytes) -> Status {
        ANYRT_ASSIGN(SparseTensor sparse, read_sparse(bytes, source_));
        sparses.push_back(std::move(sparse));
        return {};
      }));
      return type == kAttrSparse ? AttrValue(std::move(sparses[0])) : AttrValue(std::move(sparses));
    case kAttrType:
    case kAttrTypes:
      ANYRT_TRY(each([&](std::string_view bytes) {
        return decode_type(Wire(source_.source, bytes, "TypeProto"), types.emplace_back());
      }));
      return type == kAttrType ? AttrValue(std::move(types[0])) : AttrValue(std::move(types));
    case kAttrUndefined:
    case kAttrTypeCount: break;
  }
  return internal_error("attribute type {} is not handled", static_cast<int>(type));
}

}  // namespace anyrt::onnx
