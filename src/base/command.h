#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace anyrt::cli {

enum class OptionKind : uint8_t { kFlag, kText, kInteger, kNumber, kList };  // kList may be given several times

// One row of a command's options. A name without dashes is a positional argument.
struct Option {
  const char* name;  // "--json", "-k,--top-k", "model"
  OptionKind kind;
  const char* help;
  const char* fallback = "";  // value when not given
  bool required = false;
};

// The options as given, read by long name without dashes ("top-k").
class Args {
 public:
  bool flag(std::string_view name) const { return given(name) && text(name) != "0"; }
  bool given(std::string_view name) const;  // true when the caller gave it
  std::string text(std::string_view name) const;
  int64_t integer(std::string_view name) const;
  double number(std::string_view name) const;
  const std::vector<std::string>& list(std::string_view name) const;
  std::vector<std::string> words(std::string_view name) const;  // the text split at commas, blanks trimmed

  std::map<std::string, std::vector<std::string>, std::less<>> values;
  std::map<std::string, std::string, std::less<>> fallbacks;
};

// Exit codes that scripts can rely on.
enum ExitCode : int {
  kExitOk = 0,
  kExitFailed = 1,       // the command ran and its answer is no: a test failed, a check found something
  kExitUsage = 2,        // wrong arguments
  kExitBadModel = 3,     // the model cannot be read or is broken
  kExitBadInput = 4,     // inputs do not fit the model, or a file is missing
  kExitUnsupported = 5,  // well-formed, but not supported
  kExitResource = 6,     // memory cap, time limit, cancelled
  kExitInternal = 7,
};

// The exit code that stands for a failure of this kind.
ExitCode exit_code(const Status& status);
// Prints a failure to standard error and gives its exit code; an ok status is silent.
int report(const Status& status);

// One subcommand; its constant is `command_<name>` in tools/<name>/cli.cc.
struct Command {
  const char* name;
  const char* summary;
  const char* example;  // lines shown below --help
  std::span<const Option> options;
  int (*run)(const Args&);
};

// The table that the build writes from the folder listing.
extern const Command* const kCommands[];
extern const size_t kCommandsSize;

}  // namespace anyrt::cli
