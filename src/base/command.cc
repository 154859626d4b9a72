#include "base/command.h"

#include <cstdio>
#include <cstdlib>

#include "base/text.h"

namespace anyrt::cli {

bool Args::given(std::string_view name) const { return values.find(name) != values.end(); }

std::string Args::text(std::string_view name) const {
  if (const auto it = values.find(name); it != values.end() && !it->second.empty()) return it->second.back();
  const auto it = fallbacks.find(name);
  return it == fallbacks.end() ? std::string() : it->second;
}

int64_t Args::integer(std::string_view name) const { return std::strtoll(text(name).c_str(), nullptr, 10); }
double Args::number(std::string_view name) const { return std::strtod(text(name).c_str(), nullptr); }

std::vector<std::string> Args::words(std::string_view name) const {
  const std::string all = text(name);
  std::vector<std::string> out;
  for (std::string_view word : split(all, ',')) out.emplace_back(trim(word));
  return out;
}

const std::vector<std::string>& Args::list(std::string_view name) const {
  static const std::vector<std::string> kNone;
  const auto it = values.find(name);
  return it == values.end() ? kNone : it->second;
}

ExitCode exit_code(const Status& status) {
  switch (status.code()) {
    case Code::kOk: return kExitOk;
    case Code::kInvalidModel: return kExitBadModel;
    case Code::kInvalidArgument:
    case Code::kNotFound:
    case Code::kOutOfRange:
    case Code::kIoError: return kExitBadInput;
    case Code::kNotImplemented: return kExitUnsupported;
    case Code::kResourceExhausted:
    case Code::kCancelled:
    case Code::kDeadlineExceeded: return kExitResource;
    case Code::kInternal: break;
  }
  return kExitInternal;
}

int report(const Status& status) {
  if (!status.ok()) std::fprintf(stderr, "anyrt: error: %s\n", status.to_string().c_str());
  return exit_code(status);
}

}  // namespace anyrt::cli
