#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "opdef/custom_op.h"

namespace anyrt {

struct CheckResult {
  std::vector<std::string> errors;  // everything that is wrong or not supported
  size_t nodes = 0;
  size_t upgraded = 0;  // nodes in an older form
};

// Reads a model and checks operators, attributes, types and shapes of every node, then compiles it. Errors of reading
// are errors of the result, not of the call. `custom_ops` may be null.
CheckResult check_model(const std::string& path, const std::shared_ptr<const OpSet>& custom_ops = nullptr);

}  // namespace anyrt
