#include "format/onnx/reader.h"

#include <filesystem>
#include <utility>

#include "base/hash.h"
#include "format/onnx/builder.h"
#include "format/onnx/external.h"
#include "tensor/file.h"

namespace anyrt {
namespace {

std::string_view text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::shared_ptr<Buffer> borrow(std::span<const std::byte> bytes, std::shared_ptr<const void> keep_alive) {
  auto* data = const_cast<std::byte*>(bytes.data());  // never written: the buffer is read-only
  return borrow_buffer(data, bytes.size(), std::move(keep_alive), false);
}

Expected<Model> read_model(std::string_view bytes, const onnx::TensorSource& source, const ReadOptions& options) {
  onnx::ModelMsg msg;
  ANYRT_TRY(onnx::decode_message(source.source, bytes, "ModelProto", msg));
  Model model;
  onnx::Builder builder(source, options);
  ANYRT_TRY(builder.build(msg, model));
  return model;
}

void add_blobs(const ReadOptions& options, onnx::ExternalFiles& files) {
  for (const auto& [location, blob] : options.external) files.add(location, borrow(blob.bytes, blob.keep_alive));
}

}  // namespace

Expected<Model> read_onnx_file(const std::string& path, const ReadOptions& options) {
  ANYRT_ASSIGN(auto buffer, map_file(path));
  std::string folder = std::filesystem::path(path).parent_path().string();
  onnx::ExternalFiles files(options.base_dir.empty() ? (folder.empty() ? "." : folder) : options.base_dir);
  files.set_model_file(path);
  add_blobs(options, files);
  const std::string_view bytes(reinterpret_cast<const char*>(buffer->data()), buffer->size());
  const onnx::TensorSource source{
      .source = {bytes.data(), &options.denoted_dims}, .buffer = buffer, .external = &files};
  auto model = read_model(bytes, source, options);
  if (!model.ok()) return std::move(model).status().with_context(path);
  model->info.file = path;
  const uint64_t identity = buffer->identity();
  if (identity) model->info.identity = hash_combine(identity, files.identity());
  return model;
}

Expected<Model> read_onnx_bytes(std::span<const std::byte> bytes, std::shared_ptr<const void> keep_alive,
                                const ReadOptions& options) {
  onnx::ExternalFiles files(options.base_dir);
  add_blobs(options, files);
  onnx::TensorSource source{
      .source = {text(bytes).data(), &options.denoted_dims}, .buffer = nullptr, .external = &files};
  if (keep_alive != nullptr) source.buffer = borrow(bytes, std::move(keep_alive));
  auto model = read_model(text(bytes), source, options);
  if (!model.ok()) return std::move(model).status().with_context(options.name);
  model->info.identity = hash_combine(hash_bytes(bytes.data(), bytes.size()), files.identity());
  return model;
}

Expected<Value> read_value_pb(std::span<const std::byte> bytes, const Type& expected) {
  const onnx::TensorSource source{.source = {text(bytes).data()}, .buffer = nullptr, .external = nullptr};
  return onnx::read_value(text(bytes), expected, source);
}

Expected<Tensor> read_tensor_pb(std::span<const std::byte> bytes) {
  const onnx::TensorSource source{.source = {text(bytes).data()}, .buffer = nullptr, .external = nullptr};
  return onnx::read_tensor(text(bytes), source);
}

}  // namespace anyrt
