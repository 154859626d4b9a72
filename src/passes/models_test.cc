#include <cstdlib>
#include <filesystem>

#include "format/onnx/reader.h"
#include "passes/testing.h"

namespace anyrt {
namespace {

namespace fs = std::filesystem;

// Real models, where a checkout of them lies beside the repository.
std::vector<std::string> model_files() {
  const char* shared = std::getenv("ANYRT_SHARED");
  const char* source = std::getenv("ANYRT_SOURCE_DIR");
  const fs::path root = shared ? fs::path(shared) : fs::path(source ? source : ".") / ".." / "shared";
  std::vector<std::string> found;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(root / "models", error)) {
    const fs::path file = entry.path() / "model.onnx";
    constexpr uintmax_t kLargest = 4 << 20;  // the interpreter is slow
    if (fs::exists(file, error) && fs::file_size(file, error) <= kLargest) found.push_back(file.string());
  }
  std::sort(found.begin(), found.end());
  return found;
}

Graph load(const std::string& file) {
  Expected<Model> model = read_onnx_file(file);
  EXPECT_TRUE(model.ok()) << model.status().message();
  if (!model.ok()) return {};
  const Status status = upgrade_and_infer(*model);
  EXPECT_TRUE(status.ok()) << status.message();
  return status.ok() ? std::move(model->graph) : Graph();
}

TEST(Models, ComputeTheSameAfterThePasses) {
  const std::vector<std::string> files = model_files();
  if (files.empty()) GTEST_SKIP() << "no models found";
  for (const std::string& file : files) {
    SCOPED_TRACE(file);
    const Graph before = load(file);
    for (const bool exact : {true, false}) {
      Graph after = before;
      PipelineOptions options;
      options.exact_only = exact;
      const Status status = run_passes(after, options);
      ASSERT_TRUE(status.ok()) << status.message();
      testing::expect_same_results(before, after, exact ? 0 : 5e-3, 1);
    }
  }
}

TEST(Models, PrintAndReadBack) {
  PrintOptions all;
  all.max_elements = -1;
  for (const std::string& file : model_files()) {
    SCOPED_TRACE(file);
    const std::string text = print_graph(load(file), all);
    const Expected<Graph> back = parse_graph(text);
    ASSERT_TRUE(back.ok()) << back.status().message();
    EXPECT_EQ(print_graph(*back, all), text);
  }
}

}  // namespace
}  // namespace anyrt
