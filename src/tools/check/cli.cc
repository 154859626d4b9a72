#include <cstdio>

#include "base/command.h"
#include "base/json.h"
#include "tools/check/check.h"
#include "tools/data/session_flags.h"

namespace anyrt::cli {

namespace {

constexpr Option kOptions[] = {
    {"model", OptionKind::kList, "models to check", "", true},
    {"--custom-ops", OptionKind::kList, "shared library with custom operators (docs/custom-operators.md)"},
    {"--json", OptionKind::kFlag, "print JSON"},
};

int run(const Args& args) {
  Json all = Json::array();
  bool ok = true;
  const Expected<std::shared_ptr<const OpSet>> ops = custom_ops_from(args);
  if (!ops.ok()) return report(ops.status());
  for (const std::string& path : args.list("model")) {
    const CheckResult r = check_model(path, *ops);
    ok = ok && r.errors.empty();
    if (args.flag("json")) {
      Json one = Json::object();
      one.set("file", path)
          .set("ok", r.errors.empty())
          .set("nodes", static_cast<uint64_t>(r.nodes))
          .set("upgraded", static_cast<uint64_t>(r.upgraded));
      one.set("errors", Json::array_of(r.errors));
      all.push_back(std::move(one));
      continue;
    }
    if (r.errors.empty()) {
      std::printf("%s: ok, %zu nodes (%zu in an older form)\n", path.c_str(), r.nodes, r.upgraded);
    } else {
      std::printf("%s: %zu error%s\n", path.c_str(), r.errors.size(), r.errors.size() == 1 ? "" : "s");
      for (const std::string& e : r.errors) std::printf("  %s\n", e.c_str());
    }
  }
  if (args.flag("json")) std::printf("%s\n", all.dump(2).c_str());
  return ok ? kExitOk : kExitFailed;
}

}  // namespace

extern const Command command_check = {
    .name = "check",
    .summary = "List everything in a model that is wrong or not supported",
    .example = "  anyrt check model.onnx\n  anyrt check *.onnx --json\n",
    .options = kOptions,
    .run = run,
};

}  // namespace anyrt::cli
