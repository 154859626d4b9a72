#include "format/onnx/external.h"

#include <charconv>
#include <filesystem>

#include "tensor/file.h"

namespace anyrt::onnx {
namespace {

namespace fs = std::filesystem;

Status check_location(std::string_view location) {
  if (location.empty()) return invalid_model("external data without a location");
  if (location.find('\0') != std::string_view::npos) return invalid_model("external data location holds a zero byte");
  const fs::path path(location);
  if (path.is_absolute()) {
    return invalid_model("external data location '{}' is absolute, expected a path below the model's folder", location);
  }
  for (const auto& part : path) {
    if (part == "..") {
      return invalid_model("external data location '{}' leads out of the model's folder ('..')", location);
    }
  }
  return {};
}

bool lies_below(const fs::path& file, const fs::path& folder) {
  auto f = file.begin();
  for (auto d = folder.begin(); d != folder.end(); ++d) {
    if (d->empty()) continue;  // trailing slash
    if (f == file.end() || *f != *d) return false;
    ++f;
  }
  return f != file.end();
}

Expected<uint64_t> parse_number(std::string_view key, std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
    return invalid_model("external data {} '{}' is not a non-negative 64-bit number", key, text);
  }
  return value;
}

}  // namespace

void ExternalFiles::allow_folder_of(const std::string& model_file) {
  std::error_code error;
  const fs::path real = fs::canonical(model_file, error);
  if (!error) extra_roots_.push_back(real.parent_path().string());
}

Expected<std::shared_ptr<Buffer>> ExternalFiles::open(const std::string& location) {
  if (auto found = buffers_.find(location); found != buffers_.end()) return found->second;
  ANYRT_TRY(check_location(location));
  if (folder_.empty()) {
    return make_error(Code::kNotFound, "external data '{}' was not given with the model, and no folder is set",
                      location);
  }
  std::error_code error;
  const fs::path root = fs::canonical(folder_, error);
  if (error) return make_error(Code::kNotFound, "model folder '{}': {}", folder_, error.message());
  const fs::path file = fs::canonical(fs::path(folder_) / location, error);
  if (error) {
    return make_error(Code::kNotFound, "external data file '{}' in '{}': {}", location, folder_, error.message());
  }
  bool inside = lies_below(file, root);
  for (const std::string& other : extra_roots_) inside = inside || lies_below(file, other);
  if (!inside) {
    return invalid_model("external data location '{}' is a link that leads out of the model's folder", location);
  }
  if (!fs::is_regular_file(file, error)) {
    return invalid_model("external data location '{}' is not a regular file", location);
  }
  ANYRT_ASSIGN(auto buffer, map_file(file.string()));
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

}  // namespace anyrt::onnx
