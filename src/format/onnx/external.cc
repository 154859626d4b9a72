#include "format/onnx/external.h"

#include <charconv>
#include <filesystem>

#include "base/file.h"
#include "base/hash.h"
#include "tensor/file.h"

namespace anyrt::onnx {
namespace {

namespace fs = std::filesystem;

Expected<uint64_t> parse_number(std::string_view key, std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
    return invalid_model("external data {} '{}' is not a non-negative 64-bit number", key, text);
  }
  return value;
}

}  // namespace

void ExternalFiles::set_model_file(const std::string& path) {
  std::error_code error;
  if (fs::is_symlink(path, error)) linked_folder_ = fs::canonical(path, error).parent_path().string();
}

Expected<std::string> ExternalFiles::confined(const std::string& location) const {
  auto path = confine_path(folder_, location);
  if (path.ok() || linked_folder_.empty() || fs::path(location).has_parent_path()) return path;
  // A cache of linked files: the model is a link, and its data is one to the same folder.
  std::error_code error;
  const fs::path real = fs::canonical(fs::path(folder_) / location, error);
  if (!error && real.parent_path() == linked_folder_) return real.string();
  return path;
}

Expected<std::shared_ptr<Buffer>> ExternalFiles::open(const std::string& location) {
  if (auto found = buffers_.find(location); found != buffers_.end()) return found->second;
  if (location.empty()) return invalid_model("external data without a location");
  if (folder_.empty()) {
    return make_error(Code::kNotFound, "external data '{}' was not given with the model, and no folder is set",
                      location);
  }
  ANYRT_ASSIGN(const std::string path, confined(location));
  ANYRT_ASSIGN(const bool regular, is_regular_file(path));
  if (!regular) return invalid_model("external data location '{}' is not a regular file", location);
  ANYRT_ASSIGN(auto buffer, map_file(path));
  buffers_[location] = buffer;
  return buffer;
}

Expected<ExternalSlice> ExternalFiles::find(const Entries& entries, uint64_t expected) {
  std::string location;
  uint64_t offset = 0;
  uint64_t length = expected;
  for (const auto& [key, text] : entries) {
    if (key == "location") location = text;
    if (key == "offset") {
      ANYRT_ASSIGN(offset, parse_number(key, text));
    }
    if (key == "length") {
      ANYRT_ASSIGN(length, parse_number(key, text));
    }
  }
  if (length != expected) {
    return invalid_model("external data length is {} bytes, expected {}", length, expected);
  }
  ANYRT_ASSIGN(auto buffer, open(location));
  if (offset > buffer->size() || length > buffer->size() - offset) {
    return invalid_model("external data file '{}' has {} bytes, expected {} from offset {}", location, buffer->size(),
                         length, offset);
  }
  return ExternalSlice{std::move(buffer), static_cast<size_t>(offset), static_cast<size_t>(length)};
}

uint64_t ExternalFiles::identity() const {
  uint64_t all = 0;
  for (const auto& [location, buffer] : buffers_) {
    const uint64_t one = buffer->identity();
    all = hash_combine(all, hash_text(location, one ? one : hash_bytes(buffer->data(), buffer->size())));
  }
  return all;
}

}  // namespace anyrt::onnx
