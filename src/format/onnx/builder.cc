#include "format/onnx/builder.h"

#include <unordered_set>
#include <utility>

#include "base/log.h"

namespace anyrt::onnx {

std::string plain_domain(std::string_view domain) { return domain == "ai.onnx" ? std::string() : std::string(domain); }

std::string node_label(const NodeMsg& msg) {
  if (!msg.name.empty()) return fmt::format("node '{}' ({})", msg.name, msg.op);
  if (!msg.outputs.empty()) return fmt::format("node {} -> '{}'", msg.op, msg.outputs[0]);
  return fmt::format("node {}", msg.op);
}

namespace {

Status decode_value_info(const Source& source, std::string_view bytes, ValueInfoMsg& msg, Type& type) {
  ANYRT_TRY(decode_message(source, bytes, "ValueInfoProto", msg));
  if (!msg.type) return {};
  Status status = decode_type(Wire(source, *msg.type, "TypeProto"), type);
  return std::move(status).with_context(fmt::format("type of '{}'", msg.name));
}

// A declared type must not contradict the data; where only dims differ the data is right.
Status check_declared(std::string_view name, const Type& declared, const Tensor& data) {
  if (!declared.defined()) return {};
  if (!declared.is_tensor() || (declared.dtype != DType::kUndefined && declared.dtype != data.dtype())) {
    return invalid_model("initializer '{}' is {}, but its value is declared as {}", name, data.type_string(),
                         declared.to_string());
  }
  return {};
}

Status read_opsets(const std::vector<std::pair<std::string_view, int64_t>>& from, std::map<std::string, int64_t>& to) {
  for (const auto& [domain, version] : from) {
    if (version < 1 || version > 0x7fffffff) {
      return invalid_model("opset import of domain '{}' has version {}, expected a positive number", domain, version);
    }
    const auto [at, fresh] = to.emplace(plain_domain(domain), version);
    if (!fresh && at->second != version) {
      return invalid_model("domain '{}' is imported twice, as version {} and {}", domain, at->second, version);
    }
  }
  return {};
}

Status check_replacement(const TensorMsg& msg, const Tensor& given) {
  const Dims dims(msg.dims.begin(), msg.dims.end());
  if (static_cast<int64_t>(given.dtype()) == msg.data_type && given.dims() == dims) return {};
  return invalid_argument("initializer '{}' is {}{} in the model, found {} to take its place", msg.name,
                          dtype_name(static_cast<DType>(msg.data_type)), shape_string(dims), given.type_string());
}

bool in_order(const Graph& graph) {
  std::vector<bool> done(graph.node_capacity());
  const auto ready = [&](ValueId id) {
    if (id == kNoValue) return true;
    const NodeId producer = graph.value(id).producer;
    return producer == kNoNode || done[index(producer)];
  };
  for (const NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    for (const ValueId input : node.inputs) {
      if (!ready(input)) return false;
    }
    for (const ValueId capture : node.captures) {
      if (!ready(capture)) return false;
    }
    done[index(id)] = true;
  }
  return true;
}

}  // namespace

Status Builder::build(const ModelMsg& msg, Model& model) {
  if (msg.ir_version < 1) return invalid_model("no ir_version: this is not an ONNX model");
  if (!msg.graph) return invalid_model("the model holds no graph");
  model_ = &model;
  ModelInfo& info = model.info;
  info.ir_version = msg.ir_version;
  info.model_version = msg.model_version;
  info.producer_name = msg.producer_name;
  info.producer_version = msg.producer_version;
  info.domain = msg.domain;
  info.doc = msg.doc;
  for (const auto& [key, value] : msg.metadata) info.metadata[std::string(key)] = value;
  ANYRT_TRY(read_opsets(msg.opsets, info.opsets));
  if (info.opsets.empty()) {
    if (msg.ir_version >= 3) return invalid_model("no opset import, which IR version {} requires", msg.ir_version);
    info.opsets[""] = 1;
  }
  if (msg.ir_version > kNewestReadIrVersion) {
    log_warning("onnx: IR version {} is newer than {}, the newest known; unknown fields are skipped", msg.ir_version,
                kNewestReadIrVersion);
  }
  if (msg.has_training_info) log_info("onnx: the model's training information is not read");
  // Up to IR version 3 every initializer had to be an input, whether meant as one or not.
  drop_initializer_inputs_ = msg.ir_version < 4;
  for (std::string_view bytes : msg.functions) ANYRT_TRY(add_function(bytes));
  return build_graph(*msg.graph, model.graph, Frame{});
}

Status Builder::add_function(std::string_view bytes) {
  Function function;
  ANYRT_TRY(decode_message(source_.source, bytes, "FunctionProto", function.msg));
  const FunctionMsg& msg = function.msg;
  function.label = fmt::format("function '{}{}{}'", msg.domain, msg.domain.empty() ? "" : ".", msg.name);
  ANYRT_TRY(read_opsets(msg.opsets, function.opsets).with_context(function.label));
  auto key = std::make_tuple(plain_domain(msg.domain), std::string(msg.name), std::string(msg.overload));
  if (const std::string label = function.label; !functions_.emplace(std::move(key), std::move(function)).second) {
    return invalid_model("{} is defined twice", label);
  }
  return {};
}

Status Builder::declare(Scope& scope, std::string_view name, ValueId id, std::string_view what) {
  if (!scope.names.emplace(name, id).second) {
    return invalid_model("{} '{}': a value of this name exists already in the graph", what, name);
  }
  return {};
}

Status Builder::read_initializers(const GraphMsg& msg, bool is_main, Initializers& out) {
  std::unordered_set<std::string_view> seen;
  const auto add = [&](std::string_view name, Tensor tensor) -> Status {
    if (name.empty()) return invalid_model("initializer {} ({}) has no name", out.size(), tensor.type_string());
    if (!seen.insert(name).second) return invalid_model("initializer '{}' appears twice", name);
    out.emplace_back(name, std::move(tensor));
    return {};
  };
  out.reserve(msg.initializers.size() + msg.sparse_initializers.size());
  for (std::string_view bytes : msg.initializers) {
    TensorMsg tensor;
    ANYRT_TRY(decode_message(source_.source, bytes, "TensorProto", tensor));
    const auto given = is_main ? options_.initializers.find(tensor.name) : options_.initializers.end();
    if (given != options_.initializers.end()) {
      ANYRT_TRY(check_replacement(tensor, given->second));
      ANYRT_TRY(add(tensor.name, given->second));
      continue;
    }
    ANYRT_ASSIGN(Tensor data, make_tensor(tensor, source_));
    ANYRT_TRY(add(tensor.name, std::move(data)));
  }
  for (std::string_view bytes : msg.sparse_initializers) {
    std::string_view name;
    ANYRT_ASSIGN(const SparseTensor sparse, read_sparse(bytes, source_, &name));
    const auto count = static_cast<uint64_t>(*checked_element_count(sparse.dims));
    if (count > options_.max_dense_bytes / element_size(sparse.values.dtype())) {
      return make_error(Code::kResourceExhausted,
                        "sparse initializer '{}' has {} elements when dense, the limit is {} bytes", name, count,
                        options_.max_dense_bytes);
    }
    auto dense = to_dense(sparse);
    if (!dense.ok()) return std::move(dense).status().with_context(fmt::format("sparse initializer '{}'", name));
    ANYRT_TRY(add(name, std::move(*dense)));
  }
  for (const auto& [name, tensor] : options_.initializers) {
    if (is_main && !seen.contains(name))
      return invalid_argument("the model has no initializer '{}' to put a {} in the place of", name,
                              tensor.type_string());
  }
  return {};
}

Status Builder::add_inputs(const GraphMsg& msg, const Initializers& initializers, Scope& scope) {
  std::unordered_map<std::string_view, size_t> data;
  for (size_t i = 0; i < initializers.size(); ++i) data.emplace(initializers[i].first, i);
  Graph& graph = *scope.graph;
  for (std::string_view bytes : msg.inputs) {
    ValueInfoMsg input;
    Type type;
    ANYRT_TRY(decode_value_info(source_.source, bytes, input, type));
    if (input.name.empty()) return invalid_model("a graph input has no name");
    const auto found = data.find(input.name);
    if (found != data.end()) {
      const Tensor& tensor = initializers[found->second].second;
      ANYRT_TRY(check_declared(input.name, type, tensor));
      if (drop_initializer_inputs_) continue;
      ANYRT_TRY(declare(scope, input.name, graph.add_input(std::string(input.name), type), "graph input"));
      ValueInfo& value = graph.value(scope.names.at(input.name));
      value.constant = tensor;
      value.doc = input.doc;
      continue;
    }
    const ValueId id = graph.add_input(std::string(input.name), std::move(type));
    ANYRT_TRY(declare(scope, input.name, id, "graph input"));
    graph.value(id).doc = input.doc;
  }
  for (const auto& [name, tensor] : initializers) {
    if (scope.names.contains(name)) continue;
    ANYRT_TRY(declare(scope, name, graph.add_constant(std::string(name), tensor), "initializer"));
  }
  return {};
}

Status Builder::declare_outputs(const std::vector<std::string_view>& nodes, Scope& scope,
                                const std::unordered_map<std::string_view, ValueId>* given) {
  std::vector<std::string_view> outputs;
  for (std::string_view bytes : nodes) {
    outputs.clear();
    ANYRT_TRY(decode_node_outputs(Wire(source_.source, bytes, "NodeProto"), outputs));
    for (std::string_view name : outputs) {
      if (name.empty()) continue;
      if (scope.names.contains(name)) {
        NodeMsg node;
        ANYRT_TRY(decode_message(source_.source, bytes, "NodeProto", node));
        return invalid_model("{}: its output '{}' is also an input, an initializer or another output", node_label(node),
                             name);
      }
      ValueId id = kNoValue;
      if (given != nullptr) {
        if (auto found = given->find(name); found != given->end()) id = found->second;
      }
      if (id == kNoValue) id = scope.graph->add_value(scope.prefix + std::string(name));
      scope.names.emplace(name, id);
    }
  }
  return {};
}

Status Builder::add_value_types(const GraphMsg& msg, Scope& scope) {
  std::vector<bool> is_input(scope.graph->value_capacity());
  for (const ValueId id : scope.graph->inputs) is_input[index(id)] = true;
  for (std::string_view bytes : msg.value_infos) {
    ValueInfoMsg info;
    Type type;
    ANYRT_TRY(decode_value_info(source_.source, bytes, info, type));
    const auto found = scope.names.find(info.name);
    if (found == scope.names.end()) continue;
    ValueInfo& value = scope.graph->value(found->second);
    if (value.is_constant()) {
      ANYRT_TRY(check_declared(info.name, type, value.constant));
    } else if (!is_input[index(found->second)]) {
      value.type = std::move(type);
    }
    value.doc = info.doc;
  }
  return {};
}

Status Builder::add_outputs(const GraphMsg& msg, Scope& scope) {
  Graph& graph = *scope.graph;
  for (std::string_view bytes : msg.outputs) {
    ValueInfoMsg output;
    Type type;
    ANYRT_TRY(decode_value_info(source_.source, bytes, output, type));
    ValueId id = kNoValue;
    if (!resolve(scope, output.name, id) || id == kNoValue) {
      return invalid_model("graph output '{}' is produced by no node, input or initializer", output.name);
    }
    ValueInfo& value = graph.value(id);
    if (value.is_constant()) {
      ANYRT_TRY(check_declared(output.name, type, value.constant));
    } else if (type.defined() && value.producer != kNoNode) {
      value.type = std::move(type);
    }
    if (value.doc.empty()) value.doc = output.doc;
    graph.outputs.push_back(id);
  }
  return {};
}

Status Builder::build_graph(std::string_view bytes, Graph& graph, const Frame& frame) {
  if (frame.depth > kMaxDepth) return invalid_model("graphs and functions are nested deeper than {} levels", kMaxDepth);
  GraphMsg msg;
  ANYRT_TRY(decode_message(source_.source, bytes, "GraphProto", msg));
  graph.name = msg.name;
  graph.doc = msg.doc;
  Scope local;
  Scope& scope = frame.scope != nullptr ? *frame.scope : local;
  scope.graph = &graph;
  {
    Initializers initializers;
    ANYRT_TRY(read_initializers(msg, frame.scope == nullptr, initializers));
    ANYRT_TRY(add_inputs(msg, initializers, scope));
  }
  ANYRT_TRY(declare_outputs(msg.nodes, scope));
  ANYRT_TRY(add_value_types(msg, scope));
  Frame inner = frame;
  inner.scope = &scope;
  ANYRT_TRY(build_nodes(msg.nodes, inner));
  ANYRT_TRY(add_outputs(msg, scope));
  if (in_order(graph)) return {};
  log_warning("onnx: the nodes of graph '{}' are not in order of execution; sorted", graph.name);
  return graph.sort();
}

}  // namespace anyrt::onnx
