#include "format/onnx/writer.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/log.h"
#include "format/onnx/graph_out.h"
#include "format/onnx/lower.h"
#include "format/onnx/proto.h"
#include "opdef/opdef.h"

namespace anyrt {
namespace {

using onnx::ExternalOut;
using onnx::MessageOut;

constexpr uint64_t kProtobufLimit = std::numeric_limits<int32_t>::max();

int ir_version_of(int opset) {
  constexpr struct { int opset, ir; } kTable[] = {{9, 4}, {10, 5}, {11, 6}, {12, 7}, {15, 8}};
  int ir = 3;
  for (const auto& row : kTable) {
    if (opset >= row.opset) ir = row.ir;
  }
  return ir;
}

MessageOut opset_message(const std::string& domain, int64_t version) {
  MessageOut out;
  out.text(1, domain);
  out.integer(2, version);
  return out;
}

struct Prepared {
  Model model;
  onnx::Opsets opsets;
};

bool has_unresolved(const Graph& graph) {
  for (const NodeId id : graph.order()) {
    if (graph.node(id).def == nullptr) return true;
    for (const Graph* sub : graph.node(id).subgraphs()) {
      if (has_unresolved(*sub)) return true;
    }
  }
  return false;
}

// Domains that rewriting has brought in are imported in the version of their nodes.
void import_new_domains(const Graph& graph, onnx::Opsets& opsets) {
  onnx::Opsets needed;
  onnx::raise_to_needed(graph, needed);
  opsets.merge(needed);
}

// A copy of the model in the forms of the opsets to write; tensors are shared.
Expected<Prepared> prepare(const Model& model, const WriteOptions& options) {
  Prepared out{model, {}};
  Graph& graph = out.model.graph;
  ANYRT_TRY(onnx::prepare_graph(graph));
  onnx::Opsets& opsets = out.opsets;
  for (const auto& [domain, version] : model.info.opsets) opsets[domain] = static_cast<int>(version);
  const int own = opsets.contains("") ? opsets[""] : 0;
  const int newest = newest_opset("");
  if (options.opset != 0) {
    if (options.opset < 1 || options.opset > newest) {
      return invalid_argument("opset {} cannot be written, expected 1 to {}", options.opset, newest);
    }
    if (options.opset != own && has_unresolved(graph)) {
      return invalid_argument("the model is as read from opset {}; to write opset {} it must be imported first", own,
                              options.opset);
    }
    onnx::raise_to_needed(graph, opsets);
    opsets[""] = options.opset;
    ANYRT_TRY(onnx::lower_graph(graph, opsets));
    import_new_domains(graph, opsets);
    return out;
  }
  onnx::Opsets needed = opsets;
  onnx::raise_to_needed(graph, needed);
  needed.emplace("", newest);
  // The nearest opset that holds the model, its own first.
  for (int version = own; version != 0 && version < needed[""]; ++version) {
    Prepared kept{out.model, version == own ? opsets : needed};
    kept.opsets[""] = version;
    const Status lowered = onnx::lower_graph(kept.model.graph, kept.opsets);
    if (lowered.ok()) {
      import_new_domains(kept.model.graph, kept.opsets);
      return kept;
    }
    log_info("onnx: opset {} does not hold the model: {}", version, lowered.message());
  }
  opsets = std::move(needed);
  return out;
}

Expected<MessageOut> model_message(const Prepared& prepared, const WriteOptions& options, ExternalOut* external) {
  const ModelInfo& info = prepared.model.info;
  const int opset = prepared.opsets.at("");
  onnx::OutContext context{.external = external, .min_ir_version = 3};
  const bool old = options.ir_version == 3;
  onnx::GraphOut graph_out(context, {.value_types = options.value_types, .constants_as_inputs = old});
  ANYRT_ASSIGN(MessageOut graph, graph_out.make(prepared.model.graph));
  int ir = options.ir_version;
  if (ir == 0) ir = std::max({4, context.min_ir_version, ir_version_of(opset)});
  if (ir < 3 || ir > onnx::kNewestIrVersion)
    return invalid_argument("IR version {} cannot be written, expected 3 to {}", ir, onnx::kNewestIrVersion);
  if (ir < context.min_ir_version) {
    return invalid_argument("IR version {} cannot hold the model's types, at least {} is needed", ir,
                            context.min_ir_version);
  }
  MessageOut out;
  out.integer(1, ir);
  out.text(2, info.producer_name.empty() ? "anyrt" : info.producer_name);
  out.text_if(3, info.producer_version);
  out.text_if(4, info.domain);
  if (info.model_version != 0) out.integer(5, info.model_version);
  out.text_if(6, info.doc);
  out.message(7, std::move(graph));
  std::set<std::string> domains = graph_out.domains();
  domains.insert("");
  for (const std::string& domain : domains) {
    const auto found = prepared.opsets.find(domain);
    out.message(8, opset_message(domain, found == prepared.opsets.end() ? 1 : found->second));
  }
  for (const auto& [key, value] : info.metadata) {
    MessageOut entry;
    entry.text(1, key);
    entry.text(2, value);
    out.message(14, std::move(entry));
  }
  return out;
}

Status write_external(const ExternalOut& external, const std::filesystem::path& folder, std::vector<FileWriter>& done) {
  for (const ExternalOut::File& file : external.files()) {
    ANYRT_ASSIGN(FileWriter out, FileWriter::create((folder / file.name).string()));
    for (const auto& [offset, tensor] : file.tensors) {
      ANYRT_TRY(out.write(std::string(static_cast<size_t>(offset - out.position()), '\0')));  // less than a page
      ANYRT_TRY(onnx::put_tensor(tensor, [&](std::string_view bytes) { return out.write(bytes); }));
    }
    done.push_back(std::move(out));
  }
  return {};
}

Status check_free(const std::filesystem::path& path, bool overwrite) {
  std::error_code error;
  if (!overwrite && std::filesystem::exists(path, error)) {
    return invalid_argument("'{}' exists; overwriting was not asked for", path.string());
  }
  return {};
}

}  // namespace

Status write_onnx_file(const Model& model, const std::string& path, const WriteOptions& options) {
  const std::filesystem::path target(path);
  const std::string data_name =
      options.external_file.empty() ? target.filename().string() + ".data" : options.external_file;
  if (data_name.find('/') != std::string::npos || data_name == target.filename()) {
    return invalid_argument("external data file '{}' must be a name beside the model, other than the model's",
                            data_name);
  }
  ANYRT_TRY(check_free(target, options.overwrite));
  ANYRT_ASSIGN(const Prepared prepared, prepare(model, options));
  ExternalOut external(data_name, options.external_threshold, options.one_external_file);
  const bool always = options.external == WriteOptions::External::kAlways;
  ANYRT_ASSIGN(MessageOut message, model_message(prepared, options, always ? &external : nullptr));
  if (message.size() > kProtobufLimit && options.external == WriteOptions::External::kAuto) {
    log_warning("onnx: {} bytes are more than one protobuf file holds; weights go to '{}'", message.size(), data_name);
    ANYRT_ASSIGN(message, model_message(prepared, options, &external));
  }
  if (message.size() > kProtobufLimit) {
    return make_error(
        Code::kResourceExhausted,
        "the model file would have {} bytes, protobuf readers take at most {}; write tensors as external data",
        message.size(), kProtobufLimit);
  }
  for (const ExternalOut::File& file : external.files()) {
    ANYRT_TRY(check_free(target.parent_path() / file.name, options.overwrite));
  }
  std::vector<FileWriter> files;
  ANYRT_TRY(write_external(external, target.parent_path(), files));
  ANYRT_ASSIGN(FileWriter out, FileWriter::create(path));
  ANYRT_TRY(message.put([&](std::string_view bytes) { return out.write(bytes); }));
  for (FileWriter& file : files) ANYRT_TRY(file.commit());
  ANYRT_TRY(out.commit());
  return {};
}

Expected<std::string> write_onnx_bytes(const Model& model, const WriteOptions& options) {
  if (options.external == WriteOptions::External::kAlways) {
    return invalid_argument("external data needs a file to stand beside");
  }
  ANYRT_ASSIGN(const Prepared prepared, prepare(model, options));
  ANYRT_ASSIGN(const MessageOut message, model_message(prepared, options, nullptr));
  if (message.size() > kProtobufLimit) {
    return make_error(Code::kResourceExhausted, "the model would have {} bytes, protobuf readers take at most {}",
                      message.size(), kProtobufLimit);
  }
  std::string bytes;
  bytes.reserve(static_cast<size_t>(message.size()));
  ANYRT_TRY(message.put([&](std::string_view piece) {
    bytes += piece;
    return Status();
  }));
  return bytes;
}

Expected<std::string> write_value_pb(const Value& value, const Type& type) {
  onnx::OutContext context;
  ANYRT_ASSIGN(const MessageOut message, onnx::value_message(value, type, context));
  std::string bytes;
  ANYRT_TRY(message.put([&](std::string_view piece) {
    bytes += piece;
    return Status();
  }));
  return bytes;
}

}  // namespace anyrt
