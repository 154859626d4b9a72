#include "base/command.h"

#include <cstdlib>

namespace anyrt::cli {

bool Args::given(std::string_view name) const { return values.find(name) != values.end(); }

std::string Args::text(std::string_view name) const {
  if (const auto it = values.find(name); it != values.end() && !it->second.empty()) return it->second.back();
  const auto it = fallbacks.find(name);
  return it == fallbacks.end() ? std::string() : it->second;
}

int64_t Args::integer(std::string_view name) const { return std::strtoll(text(name).c_str(), nullptr, 10); }
double Args::number(std::string_view name) const { return std::strtod(text(name).c_str(), nullptr); }

const std::vector<std::string>& Args::list(std::string_view name) const {
  static const std::vector<std::string> kNone;
  const auto it = values.find(name);
  return it == values.end() ? kNone : it->second;
}

}  // namespace anyrt::cli
