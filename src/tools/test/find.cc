#include <algorithm>
#include <filesystem>

#include "tools/test/test.h"

namespace anyrt {

namespace fs = std::filesystem;

Expected<std::vector<std::string>> find_tests(const std::string& path) {
  std::error_code ec;
  fs::path root(path);
  if (fs::is_regular_file(root, ec)) root = root.parent_path();
  if (!fs::is_directory(root, ec)) return make_error(Code::kNotFound, "{}: no such file or folder", path);
  std::vector<std::string> found;
  const auto consider = [&](const fs::path& p) {
    std::error_code e;
    if (fs::exists(p / "model.onnx", e)) found.push_back(p.string());
  };
  consider(root);
  fs::recursive_directory_iterator it(root, fs::directory_options::skip_permission_denied, ec), end;
  while (!ec && it != end) {
    std::error_code e;
    if (it->is_directory(e)) consider(it->path());
    it.increment(ec);
  }
  if (ec) return make_error(Code::kIoError, "{}: {}", path, ec.message());
  if (found.empty()) return make_error(Code::kNotFound, "{}: no folder at or below it holds a model.onnx", path);
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace anyrt
