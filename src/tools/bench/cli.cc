#include <chrono>
#include <cstdio>

#include "base/command.h"
#include "base/cpu.h"
#include "base/table.h"
#include "base/text.h"
#include "tools/bench/bench.h"
#include "tools/data/data.h"
#include "tools/data/options.h"

namespace anyrt::cli {

namespace {

constexpr Option kOwnOptions[] = {
    {"model", OptionKind::kText, "model to time", "", true},
    {"--threads", OptionKind::kText, "threads for one run, a list times each: 1,2; 0 = what the machine offers", "0"},
    {"--seconds", OptionKind::kNumber, "time to measure for", "3"},
    {"--warmup", OptionKind::kNumber, "seconds of runs that do not count", "0.5"},
    {"--runs", OptionKind::kInteger, "exactly so many runs instead of --seconds"},
    {"--callers", OptionKind::kInteger, "threads that call at the same time", "1"},
    {"--device", OptionKind::kText, "device that must run it"},
    {"--no-passes", OptionKind::kFlag, "leave the graph as it is"},
    {"--json", OptionKind::kFlag, "print JSON"},
};
constexpr auto kOptions = joined(kOwnOptions, kDataOptions);

Status bench_model(const Args& args) {
  BenchOptions bench;
  bench.seconds = args.number("seconds");
  bench.warmup_seconds = args.number("warmup");
  bench.callers = static_cast<int>(args.integer("callers"));
  if (bench.callers < 1 || bench.callers > 1024)
    return invalid_argument("--callers must be in [1, 1024], found {}", bench.callers);
  if (args.given("runs")) {
    bench.seconds = 0;
    bench.min_runs = bench.max_runs = args.integer("runs");
    if (bench.min_runs < 1) return invalid_argument("--runs must be at least 1, found {}", bench.min_runs);
  }
  Json all = Json::array();
  Table table({"threads", "runs", "first ms", "mean ms", "min", "p50", "p90", "p99", "max", "runs/s", "load ms",
               "peak memory"});
  for (const std::string& text : args.words("threads")) {
    SessionOptions options;
    options.threads = std::atoi(text.c_str());
    options.device = args.text("device");
    options.optimize = !args.flag("no-passes");
    const auto start = std::chrono::steady_clock::now();
    ANYRT_ASSIGN(const std::unique_ptr<Session> session, Session::load(args.text("model"), options));
    const double load_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    ANYRT_ASSIGN(const DataOptions data, data_options_from(args));
    std::vector<std::string> sources = args.list("input");
    if (sources.empty()) sources = {"random:1"};
    ANYRT_ASSIGN(const LoadedInputs inputs, load_inputs(session->inputs(), sources, data));
    ANYRT_ASSIGN(Json r, bench_session(*session, inputs.values, bench));
    const uint64_t peak = memory_info().peak;
    r.set("threads", options.threads).set("load_ms", load_ms).set("peak_bytes", peak);
    const auto ms = [&](const char* key) { return fmt::format("{:.3f}", r[key].as_double()); };
    table.add({text, std::to_string(r["runs"].as_int()), ms("first_ms"), ms("mean_ms"), ms("min_ms"), ms("p50_ms"),
               ms("p90_ms"), ms("p99_ms"), ms("max_ms"), fmt::format("{:.1f}", r["runs_per_second"].as_double()),
               fmt::format("{:.1f}", load_ms), human_bytes(static_cast<double>(peak))});
    all.push_back(std::move(r));
  }
  std::printf("%s", args.flag("json") ? (all.dump(2) + "\n").c_str() : table.to_string().c_str());
  return {};
}

int run(const Args& args) { return report(bench_model(args)); }

}  // namespace

extern const Command command_bench = {
    .name = "bench",
    .summary = "Time a model: latency percentiles, throughput, load time, memory",
    .example =
        "  anyrt bench model.onnx --dim batch=1 --threads 1,2\n  anyrt bench model.onnx -i x=data.npy --runs 100 "
        "--json\n",
    .options = kOptions,
    .run = run,
};

}  // namespace anyrt::cli
