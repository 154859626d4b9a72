#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "engine/session.h"
#include "tools/data/options.h"

namespace anyrt {

// Makes the value for an input once it is known which.
using MakeValue = std::function<Expected<Value>(const ValueSpec& spec, std::vector<std::string>& notes)>;

// What one --input stands for: a single value, or several with names (an .npz file) or positions (a folder).
struct Source {
  std::string text;  // as given, for messages
  std::string name;  // of the input; "" = the next one without a value
  enum class Kind : uint8_t { kOne, kAnyInput, kNamed, kPositional, kColumns } kind = Kind::kOne;
  // kOne, kAnyInput (generated data, which also serves several inputs): one entry. kNamed: the names of inputs.
  // kPositional: in the order of the inputs. kColumns: the table as a whole first, then its columns by name.
  std::vector<std::pair<std::string, MakeValue>> entries;
};

// Reads "[NAME=]SOURCE[,OPTION=VALUE…]"; files are opened here, converted later.
Expected<Source> open_source(std::string_view text, const DataOptions& options);

}  // namespace anyrt
