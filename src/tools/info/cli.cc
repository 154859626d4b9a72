#include <charconv>
#include <cstdio>

#include "base/command.h"
#include "tools/data/options.h"
#include "tools/data/session_flags.h"
#include "tools/info/info.h"

namespace anyrt::cli {

namespace {

constexpr Option kOwnOptions[] = {
    {"model", OptionKind::kText, "model to describe", "", true},
    kThreadsFlag,
    {"--dim", OptionKind::kList, "size of a symbolic dimension: batch=1"},
    {"--json", OptionKind::kFlag, "print JSON"},
};
constexpr auto kOptions = joined(kOwnOptions, kSessionFlags);

int run(const Args& args) {
  Dim::Bindings dims;
  for (const std::string& text : args.list("dim")) {
    const size_t at = text.find('=');
    int64_t n = 0;
    const char* end = text.data() + text.size();
    if (at == std::string::npos || std::from_chars(text.data() + at + 1, end, n).ptr != end || n < 0) {
      return report(invalid_argument("--dim expects NAME=SIZE, found '{}'", text));
    }
    dims[text.substr(0, at)] = n;
  }
  const Expected<SessionOptions> options = session_options_from(args);
  if (!options.ok()) return report(options.status());
  const Expected<Json> info = model_info(args.text("model"), dims, *options);
  if (!info.ok()) return report(info.status());
  std::printf("%s\n", args.flag("json") ? info->dump(2).c_str() : info_text(*info).c_str());
  return kExitOk;
}

}  // namespace

extern const Command command_info = {
    .name = "info",
    .summary = "Describe a model: inputs, outputs, operators, parameters, flops, memory, devices",
    .example = "  anyrt info model.onnx\n  anyrt info model.onnx --dim batch=8 --json\n",
    .options = kOptions,
    .run = run,
};

}  // namespace anyrt::cli
