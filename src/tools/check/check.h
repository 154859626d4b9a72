#pragma once

#include <string>
#include <vector>

#include "base/status.h"

namespace anyrt {

struct CheckResult {
  std::vector<std::string> errors;  // everything that is wrong or not supported
  size_t nodes = 0;
  size_t upgraded = 0;  // nodes in an older form
};

// Reads a model and checks operators, attributes, types and shapes of every node, then compiles it. Errors of reading
// are errors of the result, not of the call.
CheckResult check_model(const std::string& path);

}  // namespace anyrt
