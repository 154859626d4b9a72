#include <charconv>
#include <chrono>
#include <cstdio>

#include "anyrt_version.h"
#include "base/command.h"
#include "base/cpu.h"
#include "base/table.h"
#include "base/text.h"
#include "tools/bench/bench.h"
#include "tools/bench/profile.h"
#include "tools/bench/rounds.h"
#include "tools/data/data.h"
#include "tools/data/options.h"
#include "tools/data/session_flags.h"

namespace anyrt::cli {

namespace {

constexpr Option kOwnOptions[] = {
    {"model", OptionKind::kText, "model to time", "", true},
    {"--threads", OptionKind::kText, "threads for one run, a list times each: 1,2; 0 = what the machine offers"},
    {"--seconds", OptionKind::kNumber, "time to measure for", "3"},
    {"--warmup", OptionKind::kNumber, "seconds of runs that do not count", "0.5"},
    {"--runs", OptionKind::kInteger, "exactly so many runs instead of --seconds"},
    {"--callers", OptionKind::kInteger, "threads that call at the same time", "1"},
    {"--profile", OptionKind::kFlag, "show where the time goes, by operator and node"},
    {"--top", OptionKind::kInteger, "nodes that --profile lists", "12"},
    {"--rounds-from-stdin", OptionKind::kFlag,
     "after one run print a line of JSON, then answer the lines 'run K', 'save PATH' and 'peak': for programs that "
     "time "
     "several engines in turns"},
    {"--no-passes", OptionKind::kFlag, "leave the graph as it is"},
    {"--json", OptionKind::kFlag, "print JSON"},
};
constexpr auto kOptions = joined(joined(kOwnOptions, kSessionFlags), kDataOptions);

struct Loaded {
  std::unique_ptr<Session> session;
  std::vector<Value> inputs;
  double load_ms = 0;
};

Expected<int> thread_count(const std::string& text) {
  int n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc() || end != text.data() + text.size() || n < 0)
    return invalid_argument("--threads expects numbers, found '{}'", text);
  return n;
}

// --threads is a list here; where it is not given, the environment counts.
Expected<SessionOptions> options_from(Args args, const std::vector<int>& threads) {
  args.values.erase("threads");
  ANYRT_ASSIGN(SessionOptions options, session_options_from(args));
  if (!threads.empty()) options.threads = threads[0];
  return options;
}

Expected<Loaded> load_model(const Args& args, int threads) {
  ANYRT_ASSIGN(const SessionOptions options, options_from(args, {threads}));
  Loaded out;
  const auto start = std::chrono::steady_clock::now();
  ANYRT_ASSIGN(out.session, Session::load(args.text("model"), options));
  out.load_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  ANYRT_ASSIGN(const DataOptions data, data_options_from(args));
  std::vector<std::string> sources = args.list("input");
  if (sources.empty()) sources = {"random:1"};
  ANYRT_ASSIGN(LoadedInputs inputs, load_inputs(out.session->inputs(), sources, data));
  out.inputs = std::move(inputs.values);
  return out;
}

Status serve(const Args& args, int threads) {
  ANYRT_ASSIGN(const Loaded m, load_model(args, threads));
  const auto start = std::chrono::steady_clock::now();
  ANYRT_TRY(m.session->run(m.inputs).status());
  const double first_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  Json ready = Json::object();
  ready.set("engine", "anyrt")
      .set("version", ANYRT_VERSION_STRING)
      .set("create_ms", m.load_ms)
      .set("first_ms", first_ms);
  ready.set("peak_bytes", memory_info().peak);
  std::printf("%s\n", ready.dump().c_str());
  std::fflush(stdout);
  return serve_rounds(*m.session, m.inputs, stdin, stdout);
}

Status profile(const Args& args, int threads) {
  ANYRT_ASSIGN(const Loaded m, load_model(args, threads));
  ANYRT_ASSIGN(const Json p,
               profile_session(*m.session, m.inputs, args.given("runs") ? args.integer("runs") : 10, threads));
  const size_t top = static_cast<size_t>(std::max<int64_t>(0, args.integer("top")));
  std::printf("%s", args.flag("json") ? (p.dump() + "\n").c_str() : profile_text(p, top).c_str());
  return {};
}

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
  std::vector<int> counts;
  for (const std::string& text : args.words("threads")) {
    ANYRT_ASSIGN(const int n, thread_count(text));
    counts.push_back(n);
  }
  if (counts.empty()) {
    ANYRT_ASSIGN(const SessionOptions from_environment, options_from(args, {}));
    counts.push_back(from_environment.threads);
  }
  if (args.flag("profile") || args.flag("rounds-from-stdin")) {
    if (counts.size() != 1)
      return invalid_argument("one number of --threads is expected here, found {}", counts.size());
    return args.flag("profile") ? profile(args, counts[0]) : serve(args, counts[0]);
  }
  Json all = Json::array();
  Table table({"threads", "runs", "first ms", "mean ms", "min", "p50", "p90", "p99", "max", "runs/s", "load ms",
               "peak memory"});
  for (const int threads : counts) {
    ANYRT_ASSIGN(const Loaded m, load_model(args, threads));
    ANYRT_ASSIGN(Json r, bench_session(*m.session, m.inputs, bench));
    const uint64_t peak = memory_info().peak;
    const int used = threads > 0 ? threads : default_thread_count();
    r.set("threads", used).set("load_ms", m.load_ms).set("peak_bytes", peak);
    const auto ms = [&](const char* key) {
      const double x = r[key].as_double();
      return x < 1 ? fmt::format("{:.3g}", x) : fmt::format("{:.2f}", x);
    };
    table.add({std::to_string(used), std::to_string(r["runs"].as_int()), ms("first_ms"), ms("mean_ms"), ms("min_ms"),
               ms("p50_ms"), ms("p90_ms"), ms("p99_ms"), ms("max_ms"),
               fmt::format("{:.1f}", r["runs_per_second"].as_double()), fmt::format("{:.1f}", m.load_ms),
               human_bytes(static_cast<double>(peak))});
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
        "--json\n  anyrt bench model.onnx --profile --threads 1\n",
    .options = kOptions,
    .run = run,
};

}  // namespace anyrt::cli
