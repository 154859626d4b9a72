#include "tools/data/session_flags.h"

#include <algorithm>

#include "capi/op_library.h"
#include "engine/config.h"

namespace anyrt {

Expected<std::shared_ptr<const OpSet>> custom_ops_from(const cli::Args& args) {
  auto all = std::make_shared<OpSet>();
  for (const std::string& path : args.list("custom-ops")) {
    ANYRT_ASSIGN(const OpSet ops, load_op_library(path));
    all->add_all(ops);
  }
  if (all->empty()) return std::shared_ptr<const OpSet>();
  return std::shared_ptr<const OpSet>(std::move(all));
}

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
  ANYRT_ASSIGN(options.custom_ops, custom_ops_from(args));
  return options;
}

}  // namespace anyrt
