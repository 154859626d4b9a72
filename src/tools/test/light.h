#pragma once

#include <string>
#include <vector>

#include "tools/test/test.h"

namespace anyrt {

// A light model of the ONNX suite: light_x.onnx with light_x_output_0.pb … beside it. Each input without initializer
// holds i / n for element i of n; an unknown dimension is 1.
std::vector<TestResult> run_light_test(const std::string& model, const TestOptions& options);

}  // namespace anyrt
