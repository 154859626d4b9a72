#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/status.h"
#include "engine/session.h"

namespace anyrt {

// One setting of a session that options, environment and command-line flags share: key `memory_cap`, variable
// ANYRT_MEMORY_CAP, flag --memory-cap.
struct ConfigKey {
  const char* name;
  const char* values;  // what is allowed, for messages and help
  const char* doc;
  Status (*set)(SessionOptions& options, std::string_view value);
  std::string (*get)(const SessionOptions& options);
};

std::span<const ConfigKey> config_keys();

// Sets one key. An unknown key and a value that is not allowed are InvalidArgument errors that list what is.
// `log_level` counts for the process, from now on.
Status set_option(SessionOptions& options, std::string_view key, std::string_view value);
// The value of a key as text that set_option takes.
Expected<std::string> get_option(const SessionOptions& options, std::string_view key);

// Sets every key whose ANYRT_<KEY> is in the environment and not empty. Callers do it first, so that flags and options
// win. An error names the variable.
Status read_environment(SessionOptions& options);

// The options as the session goes by them: what `hint` and `deterministic` stand for where nothing else was asked for.
Expected<SessionOptions> resolve_options(SessionOptions options);

}  // namespace anyrt
