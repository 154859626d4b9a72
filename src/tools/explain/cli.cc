#include <cstdio>

#include "base/command.h"
#include "base/json.h"
#include "base/text.h"
#include "engine/session.h"
#include "tools/data/options.h"
#include "tools/data/session_flags.h"

namespace anyrt::cli {

namespace {

constexpr Option kOwnOptions[] = {
    {"model", OptionKind::kText, "model to explain", "", true},
    kThreadsFlag,
    {"--providers", OptionKind::kText, "devices in order of preference, separated by commas"},
    {"--no-passes", OptionKind::kFlag, "leave the graph as it is"},
    {"--disable-pass", OptionKind::kList, "pass to leave out"},
    {"--json", OptionKind::kFlag, "print JSON: the passes that changed the graph, and the plan"},
};
constexpr auto kOptions = joined(kOwnOptions, kSessionFlags);

int run(const Args& args) {
  Expected<SessionOptions> given = session_options_from(args);
  if (!given.ok()) return report(given.status());
  SessionOptions& options = *given;
  Json stages = Json::array();
  std::string text;
  options.on_stage = [&](std::string_view stage, const Graph& graph) {
    Json one = Json::object();
    one.set("stage", stage).set("nodes", static_cast<uint64_t>(graph.node_count()));
    stages.push_back(std::move(one));
    text += fmt::format("{:32} {} nodes\n", stage, graph.node_count());
  };
  const Expected<std::unique_ptr<Session>> session = Session::load(args.text("model"), options);
  if (!session.ok()) return report(session.status());
  const std::string plan = (*session)->explain();
  if (args.flag("json")) {
    Json out = Json::object();
    out.set("stages", std::move(stages)).set("plan", plan);
    std::printf("%s\n", out.dump(2).c_str());
  } else {
    std::printf(
        "stages that changed the graph:\n%s\nplan (step, device, kernel, node, inputs -> outputs:type[place]):\n%s",
        text.c_str(), plan.c_str());
  }
  return kExitOk;
}

}  // namespace

extern const Command command_explain = {
    .name = "explain",
    .summary = "Show what the passes did, which device and kernel runs each node, and where its bytes lie",
    .example = "  anyrt explain model.onnx\n  anyrt explain model.onnx --providers loopback,cpu\n",
    .options = kOptions,
    .run = run,
};

}  // namespace anyrt::cli
