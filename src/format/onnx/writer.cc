#include "format/onnx/writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <limits>
#include <utility>
#include <vector>

#include "format/onnx/graph_out.h"
#include "format/onnx/lower.h"
#include "opdef/opdef.h"

namespace anyrt {
namespace {

using onnx::ExternalOut;
using onnx::MessageOut;

constexpr uint64_t kProtobufLimit = std::numeric_limits<int32_t>::max();
constexpr int kNewestIr = 13;

// A file that gets its name when it is complete.
class NewFile {
 public:
  explicit NewFile(std::string path) : path_(std::move(path)), temporary_(fmt::format("{}.{}.tmp", path_, getpid())) {}
  ~NewFile() {
    if (fd_ >= 0) close(fd_);
    if (made_) unlink(temporary_.c_str());
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  Status open() {
    fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd_ < 0) return failed("create");
    made_ = true;
    return {};
  }

  Status write(std::string_view bytes) {
    written_ += bytes.size();
    while (!bytes.empty()) {
      constexpr size_t kMost = size_t{1} << 30;
      const ssize_t n = ::write(fd_, bytes.data(), std::min(bytes.size(), kMost));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return failed("write");
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return {};
  }

  Status fill_to(uint64_t offset) {
    static constexpr char kZeros[4096] = {};
    while (written_ < offset)
      ANYRT_TRY(write({kZeros, static_cast<size_t>(std::min<uint64_t>(offset - written_, 4096))}));
    return {};
  }

  Status finish() {
    if (close(std::exchange(fd_, -1)) != 0) return failed("close");
    if (rename(temporary_.c_str(), path_.c_str()) != 0) return failed("rename");
    made_ = false;
    return {};
  }

 private:
  Status failed(const char* what) const {
    return make_error(Code::kIoError, "cannot {} '{}': {}", what, path_, std::strerror(errno));
  }

  std::string path_;
  std::string temporary_;
  int fd_ = -1;
  bool made_ = false;
  uint64_t written_ = 0;
};

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

// A copy of the model in the forms of the opsets to write; tensors are shared.
Expected<Prepared> prepare(const Model& model, const WriteOptions& options) {
  Prepared out{model, {}};
  Graph& graph = out.model.graph;
  ANYRT_TRY(onnx::prepare_graph(graph));
  for (const auto& [domain, version] : model.info.opsets) out.opsets[domain] = static_cast<int>(version);
  const int own = out.opsets[""];
  onnx::raise_to_needed(graph, out.opsets);
  if (options.opset == 0) {
    if (out.opsets[""] == 0) out.opsets[""] = newest_opset("");
    return out;
  }
  const int newest = newest_opset("");
  if (options.opset < 1 || options.opset > newest) {
    return invalid_argument("opset {} cannot be written, expected 1 to {}", options.opset, newest);
  }
  if (options.opset != own && has_unresolved(graph)) {
    return invalid_argument("the model holds nodes as read from opset {}; to write opset {} it must be imported first",
                            own, options.opset);
  }
  out.opsets[""] = options.opset;
  ANYRT_TRY(onnx::lower_graph(graph, out.opsets));
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
  if (ir < 3 || ir > kNewestIr)
    return invalid_argument("IR version {} cannot be written, expected 3 to {}", ir, kNewestIr);
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

Status write_external(const ExternalOut& external, const std::filesystem::path& folder,
                      std::vector<std::unique_ptr<NewFile>>& done) {
  for (const ExternalOut::File& file : external.files()) {
    NewFile& out = *done.emplace_back(std::make_unique<NewFile>((folder / file.name).string()));
    ANYRT_TRY(out.open());
    for (const auto& [offset, tensor] : file.tensors) {
      ANYRT_TRY(out.fill_to(offset));
      ANYRT_TRY(onnx::put_tensor(tensor, [&](std::string_view bytes) { return out.write(bytes); }));
    }
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
  std::vector<std::unique_ptr<NewFile>> files;
  ANYRT_TRY(write_external(external, target.parent_path(), files));
  NewFile& out = *files.emplace_back(std::make_unique<NewFile>(path));
  ANYRT_TRY(out.open());
  ANYRT_TRY(message.put([&](std::string_view bytes) { return out.write(bytes); }));
  for (const auto& file : files) ANYRT_TRY(file->finish());
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
