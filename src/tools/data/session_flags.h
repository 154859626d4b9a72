#pragma once

#include "base/command.h"
#include "engine/session.h"

namespace anyrt {

namespace cli {

// Rows that every command which makes a session lists: the keys of engine/config.h but for `threads`.
inline constexpr Option kSessionFlags[] = {
    {"--hint", OptionKind::kText, "what to spend: latency, throughput (one thread a run) or memory"},
    {"--accuracy", OptionKind::kText, "strict, default or fast"},
    {"--deterministic", OptionKind::kFlag, "the same bits for every run and number of threads; accuracy strict"},
    {"--memory-cap", OptionKind::kText, "most bytes of activations, such as 512M"},
    {"--cache-dir", OptionKind::kText, "folder for files that outlive the process"},
    {"--weight-cache", OptionKind::kFlag, "keep packed weights in the cache folder for later processes"},
    {"--log-level", OptionKind::kText, "debug, info, warning, error or off"},
    {"--device", OptionKind::kText, "device that must run it"},
    {"--custom-ops", OptionKind::kList, "shared library with custom operators (docs/custom-operators.md)"},
};
inline constexpr Option kThreadsFlag = {"--threads", OptionKind::kText,
                                        "threads for one run; 0 = what the machine offers"};

}  // namespace cli

// Options of a session from the environment and, over it, from the flags above, and from --providers, --no-passes,
// --disable-pass and --interpreter where the command has them.
Expected<SessionOptions> session_options_from(const cli::Args& args);
// The operators of the libraries that --custom-ops names; null when there are none.
Expected<std::shared_ptr<const OpSet>> custom_ops_from(const cli::Args& args);

}  // namespace anyrt
