#pragma once

#include <filesystem>
#include <vector>

#include "tensor/compare.h"
#include "tools/test/test.h"

namespace anyrt {

// Tolerances of the ONNX project: 1e-3 and 1e-7; its own run of the suite widens the Fourier transforms, whose recorded
// outputs hold the rounding of a float32 transform; a data.json beside the model overrides both.
Tolerance upstream_tolerance(const std::filesystem::path& model);

// Fills `passed` or `message` of `r`. Models that draw random numbers are judged by shape, type and, where small, the
// set of values.
TestResult compare_all(const Session& session, TestResult r, const std::vector<Value>& found,
                       const std::vector<Value>& expected, const Tolerance& upstream, const TestOptions& options);

}  // namespace anyrt
