#pragma once

#include <string>
#include <vector>

#include "tools/test/test.h"

namespace anyrt {

// Runs the cases that meta.json of a folder names: .npy inputs and outputs recorded with another runtime. Floats agree
// within 1e-4 of the output's scale, or 4 times the recorded difference between the other runtime's own optimisation
// levels
// ("optall_max_abs_diff") where that is larger; quantised outputs within one step on average, with the same best class.
std::vector<TestResult> run_meta_test(const std::string& folder, const TestOptions& options);

}  // namespace anyrt
