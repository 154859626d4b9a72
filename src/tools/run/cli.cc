#include <algorithm>
#include <chrono>
#include <cstdio>

#include "base/command.h"
#include "base/cpu.h"
#include "base/text.h"
#include "engine/session.h"
#include "tools/data/data.h"
#include "tools/data/options.h"
#include "tools/data/output.h"
#include "tools/data/session_flags.h"

namespace anyrt::cli {

namespace {

constexpr Option kOwnOptions[] = {
    {"model", OptionKind::kText, "model to run", "", true},
    {"-o,--output", OptionKind::kList,
     "[NAME=]PATH: write outputs as .npz, .json, .npy, .pb, .csv, .png, .txt, or FOLDER/"},
    {"--outputs", OptionKind::kText, "names of the outputs to compute and show, separated by commas (default: all)"},
    {"--top-k", OptionKind::kInteger, "show the K largest elements along the last axis", "0"},
    {"--labels", OptionKind::kText, "file with a label a line for --top-k"},
    {"--softmax", OptionKind::kFlag, "show --top-k values as probabilities"},
    {"--elements", OptionKind::kInteger, "elements shown of each output", "8"},
    {"--providers", OptionKind::kText, "devices in order of preference, separated by commas"},
    kThreadsFlag,
    {"--time-limit", OptionKind::kNumber, "seconds after which the run is stopped"},
    {"--no-passes", OptionKind::kFlag, "leave the graph as it is"},
    {"--interpreter", OptionKind::kFlag, "run with the reference interpreter"},
    {"--json", OptionKind::kFlag, "print JSON"},
};
constexpr auto kOptions = joined(joined(kOwnOptions, kSessionFlags), kDataOptions);

Status run_model(const Args& args) {
  using Clock = std::chrono::steady_clock;
  const auto seconds = [](Clock::time_point a, Clock::time_point b) {
    return std::chrono::duration<double>(b - a).count();
  };
  ANYRT_ASSIGN(const SessionOptions options, session_options_from(args));
  const auto start = Clock::now();
  ANYRT_ASSIGN(const std::unique_ptr<Session> session, Session::load(args.text("model"), options));
  const auto loaded = Clock::now();
  ANYRT_ASSIGN(const DataOptions data, data_options_from(args));
  ANYRT_ASSIGN(const LoadedInputs inputs, load_inputs(session->inputs(), args.list("input"), data));
  RunOptions run;
  const auto begin = Clock::now();
  if (args.given("time-limit"))
    run.deadline =
        begin + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(args.number("time-limit")));

  std::vector<std::pair<std::string, Value>> named;
  for (size_t i = 0; i < inputs.values.size(); ++i) {
    if (!inputs.values[i].empty()) named.emplace_back(session->inputs()[i].name, inputs.values[i]);
  }
  const std::vector<std::string> wanted = args.words("outputs");
  ANYRT_ASSIGN(std::vector<Value> values, session->run(named, wanted, run));
  const auto end = Clock::now();

  std::vector<NamedValue> outputs;
  for (size_t i = 0; i < values.size(); ++i) {
    const auto& specs = session->outputs();
    const auto spec = wanted.empty() ? specs.begin() + static_cast<std::ptrdiff_t>(i)
                                     : std::find_if(specs.begin(), specs.end(),
                                                    [&](const ValueSpec& s) { return s.name == wanted[i]; });
    outputs.push_back({spec->name, std::move(values[i]), spec->type});
  }
  TableOptions table;
  table.max_elements = args.integer("elements");
  table.top_k = args.integer("top-k");
  table.softmax = args.flag("softmax");
  if (args.given("labels")) {
    ANYRT_ASSIGN(table.labels, read_labels(args.text("labels")));
    if (table.top_k == 0) table.top_k = 5;
  }
  for (const std::string& target : args.list("output")) ANYRT_TRY(write_outputs(outputs, target));
  if (args.flag("json")) {
    ANYRT_ASSIGN(Json json, outputs_to_json(outputs, table));
    json.set("load_seconds", seconds(start, loaded))
        .set("run_seconds", seconds(begin, end))
        .set("peak_bytes", memory_info().peak);
    std::printf("%s\n", json.dump(2).c_str());
    return {};
  }
  for (const std::string& note : inputs.notes) std::fprintf(stderr, "note: %s\n", note.c_str());
  std::fputs(output_table(outputs, table).c_str(), stdout);
  std::printf("loaded in %s, ran in %s, peak memory %s\n", human_seconds(seconds(start, loaded)).c_str(),
              human_seconds(seconds(begin, end)).c_str(), human_bytes(static_cast<double>(memory_info().peak)).c_str());
  return {};
}

int run(const Args& args) { return report(run_model(args)); }

}  // namespace

extern const Command command_run = {
    .name = "run",
    .summary = "Run a model on files, pictures, sound or random data and show or write its outputs",
    .example =
        "  anyrt run model.onnx -i random:1\n"
        "  anyrt run classifier.onnx -i cat.jpg --resize 256 --crop 224 --scale 1/255 --top-k 5 --labels labels.txt\n"
        "  anyrt run model.onnx -i x=data.npy -i y=3 -o result.npz\n",
    .options = kOptions,
    .run = run,
};

}  // namespace anyrt::cli
