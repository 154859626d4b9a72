#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace anyrt {

// An Einstein summation with numbers for letters: which label each axis of each operand and of the result has. The axes
// of an ellipsis have labels too, counted from the right, so that they broadcast.
struct EinsumPlan {
  std::vector<std::vector<int>> terms;
  std::vector<int> output;
  int labels = 0;  // labels are below this
};

// `ranks` are those of the operands.
Expected<EinsumPlan> parse_einsum(std::string_view equation, const std::vector<int64_t>& ranks);

}  // namespace anyrt
