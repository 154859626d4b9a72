#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/session.h"
#include "tensor/compare.h"

namespace anyrt {

struct TestOptions {
  std::optional<double> rtol, atol;  // override the defaults (1e-3, 1e-7) and what the folder says
  SessionOptions session;
};

struct TestResult {
  std::string path;  // folder, with the data set's name
  bool passed = false;
  std::string message;  // why it failed
  double max_abs_diff = 0;
  double seconds = 0;
};

// Folders at or below `path` that hold a test: model.onnx with test_data_set_*/*.pb, or model.onnx with meta.json and
// .npy files; a path that is a model file stands for its folder. Sorted. NotFound when there is none.
Expected<std::vector<std::string>> find_tests(const std::string& path);

// Runs every data set of one folder. Unreadable data is a failed test, never a skipped one.
std::vector<TestResult> run_test(const std::string& folder, const TestOptions& options);

}  // namespace anyrt
