#include "tools/data/session_flags.h"

#include <algorithm>

#include "engine/config.h"

namespace anyrt {

Expected<SessionOptions> session_options_from(const cli::Args& args) {
  SessionOptions options;
  ANYRT_TRY(read_environment(options));
  for (const ConfigKey& key : config_keys()) {
    std::string flag = key.name;
    std::replace(flag.begin(), flag.end(), '_', '-');
    if (!args.given(flag)) continue;
    const std::string value = flag == "deterministic" ? (args.flag(flag) ? "1" : "0") : args.text(flag);
    Status s = key.set(options, value);
    if (!s.ok()) return std::move(s).with_context("--" + flag);
  }
  options.device = args.text("device");
  options.devices = args.words("providers");
  options.optimize = !args.flag("no-passes");
  options.disabled_passes = args.list("disable-pass");
  options.use_interpreter = args.flag("interpreter");
  return options;
}

}  // namespace anyrt
