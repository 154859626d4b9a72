#include <algorithm>
#include <filesystem>

#include "tools/test/test.h"

namespace anyrt {

namespace fs = std::filesystem;

Expected<std::vector<std::string>> find_tests(const std::string& path) {
  std::error_code ec;
  fs::path root(path);
  if (fs::is_regular_file(root, ec)) {
    if (root.filename().string().rfind("light_", 0) == 0) return std::vector<std::string>{path};
    root = root.parent_path();
  }
  if (!fs::is_directory(root, ec)) return make_error(Code::kNotFound, "{}: no such file or folder", path);
  std::vector<std::string> found;
  // Light models lie in one folder, data beside them: light_x.onnx, light_x_output_0.pb.
  const auto consider = [&](const fs::path& p) {
    std::error_code e;
    if (fs::exists(p / "model.onnx", e)) found.push_back(p.string());
  };
  consider(root);
  fs::recursive_directory_iterator it(root, fs::directory_options::skip_permission_denied, ec), end;
  while (!ec && it != end) {
    std::error_code e;
    if (it->is_directory(e)) consider(it->path());
    const std::string name = it->path().filename().string();
    if (name.rfind("light_", 0) == 0 && it->path().extension() == ".onnx") found.push_back(it->path().string());
    it.increment(ec);
  }
  if (ec) return make_error(Code::kIoError, "{}: {}", path, ec.message());
  if (found.empty()) return make_error(Code::kNotFound, "{}: no folder at or below it holds a model.onnx", path);
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace anyrt
