#include <cstdio>

#include "base/command.h"
#include "base/file.h"
#include "engine/session.h"
#include "format/onnx/reader.h"
#include "graph/text.h"
#include "tools/dump/dump.h"

namespace anyrt::cli {

namespace {

constexpr Option kOptions[] = {
    {"model", OptionKind::kText, "model to print", "", true},
    {"--after", OptionKind::kText,
     "stage: read (as in the file), import (newest opset, types), the name of a pass, or final", "import"},
    {"--json", OptionKind::kFlag, "print JSON: the graph's nodes and values, and the text"},
    {"--weights", OptionKind::kFlag, "print all elements of large weights"},
    {"--disable-pass", OptionKind::kList, "pass to leave out"},
};

std::string shown(const Args& args, const std::string& stage, const Graph& graph, std::string text,
                  const PrintOptions& print) {
  if (!args.flag("json")) return text;
  Json out = Json::object();
  out.set("model", args.text("model")).set("stage", stage).set("graph", graph_to_json(graph, print)).set("text", text);
  return out.dump(2) + "\n";
}

int run(const Args& args) {
  PrintOptions print;
  if (args.flag("weights")) print.max_elements = -1;
  const std::string stage = args.text("after");
  if (stage == "read") {
    const Expected<Model> model = read_onnx_file(args.text("model"));
    if (!model.ok()) return report(model.status());
    std::fputs(shown(args, stage, model->graph, print_model(*model, print), print).c_str(), stdout);
    return kExitOk;
  }
  std::string out;
  std::string seen;
  SessionOptions options;
  options.disabled_passes = args.list("disable-pass");
  options.on_stage = [&](std::string_view name, const Graph& graph) {
    seen += (seen.empty() ? "" : ", ") + std::string(name);
    if (name == stage) out = shown(args, stage, graph, print_graph(graph, print), print);
  };
  const Expected<std::unique_ptr<Session>> session = Session::load(args.text("model"), options);
  if (!session.ok()) return report(session.status());
  if (out.empty())
    return report(make_error(Code::kNotFound, "no stage '{}' changed this model; there are: read, {}", stage, seen));
  std::fputs(out.c_str(), stdout);
  return kExitOk;
}

}  // namespace

extern const Command command_dump = {
    .name = "dump",
    .summary = "Print a model as text after a stage of compilation",
    .example =
        "  anyrt dump model.onnx --after=read\n  anyrt dump model.onnx --after=fuse_conv_batchnorm\n  anyrt dump "
        "model.onnx --after=final --json\n",
    .options = kOptions,
    .run = run,
};

}  // namespace anyrt::cli
