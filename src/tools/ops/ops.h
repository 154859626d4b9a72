#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "opdef/opdef.h"

namespace anyrt {

// Known operators whose "domain.Name" contains `filter` (without regard to case), by domain and name.
std::vector<const OpDef*> list_operators(std::string_view filter);

// Schema of one operator: versions, inputs, outputs, attributes, types.
Json operator_json(const OpDef& def);
std::string operator_text(const OpDef& def);

// The generated page docs/operators.md: operator, versions, types, how it runs, number of test cases.
std::string operators_markdown();

}  // namespace anyrt
