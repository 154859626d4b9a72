#include <cstdio>

#include "base/command.h"
#include "base/table.h"
#include "tools/ops/ops.h"
#include "tools/ops/used.h"

namespace anyrt::cli {

namespace {

constexpr Option kOptions[] = {
    {"filter", OptionKind::kText, "show operators whose name contains this; one match is shown in full", ""},
    {"--json", OptionKind::kFlag, "print JSON"},
    {"--markdown", OptionKind::kFlag, "print the table of docs/operators.md"},
    {"--used", OptionKind::kList, "models: print the operators, kernels, passes and types that they need"},
};

int run(const Args& args) {
  if (args.flag("markdown")) {
    std::fputs(operators_markdown().c_str(), stdout);
    return kExitOk;
  }
  if (args.given("used")) {
    const Expected<UsedParts> parts = find_used_parts(args.list("used"));
    if (!parts.ok()) return report(parts.status());
    if (args.flag("json")) {
      const auto list = [](const std::set<std::string>& names) {
        return Json::array_of(std::vector<std::string>(names.begin(), names.end()));
      };
      Json all = Json::object();
      all.set("operators", list(parts->ops)).set("kernels", list(parts->kernels));
      all.set("passes", list(parts->passes)).set("types", list(parts->types));
      std::printf("%s\n", all.dump(2).c_str());
    } else {
      std::fputs(parts->to_string().c_str(), stdout);
    }
    return kExitOk;
  }
  const std::vector<const OpDef*> ops = list_operators(args.text("filter"));
  if (ops.empty()) return report(make_error(Code::kNotFound, "no operator's name contains '{}'", args.text("filter")));
  if (args.flag("json")) {
    Json all = Json::array();
    for (const OpDef* def : ops) all.push_back(operator_json(*def));
    std::printf("%s\n", all.dump(2).c_str());
    return kExitOk;
  }
  const OpDef* exact = nullptr;
  for (const OpDef* def : ops) {
    if (args.text("filter") == def->name) exact = def;
  }
  if (exact || ops.size() == 1) {
    std::fputs(operator_text(exact ? *exact : *ops[0]).c_str(), stdout);
    return kExitOk;
  }
  Table table({"operator", "domain", "first", "since", "does"});
  for (const OpDef* def : ops) {
    table.add({def->name, *def->domain ? def->domain : "ai.onnx", std::to_string(def->first),
               std::to_string(def->since), def->doc});
  }
  std::fputs(table.to_string().c_str(), stdout);
  std::printf("%zu operators\n", ops.size());
  return kExitOk;
}

}  // namespace

extern const Command command_ops = {
    .name = "ops",
    .summary = "List the operators anyrt knows, or show the schema of one",
    .example = "  anyrt ops\n  anyrt ops Conv\n  anyrt ops com.microsoft --json\n  anyrt ops --used model.onnx\n",
    .options = kOptions,
    .run = run,
};

}  // namespace anyrt::cli
