#include "tools/bench/bench.h"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <numeric>
#include <thread>

namespace anyrt {

namespace {

using Clock = std::chrono::steady_clock;

double milliseconds(Clock::time_point a, Clock::time_point b) {
  return std::chrono::duration<double, std::milli>(b - a).count();
}

// Nearest rank.
double percentile(const std::vector<double>& sorted, double p) {
  const size_t k = static_cast<size_t>(std::max(0.0, p * static_cast<double>(sorted.size()) - 0.5));
  return sorted[std::min(k, sorted.size() - 1)];
}

struct Shared {
  std::mutex mutex;
  std::vector<double> times;
  Status error;
  std::atomic<int64_t> started{0};
};

void call_until(const Session& session, const std::vector<Value>& inputs, const BenchOptions& options,
                Clock::time_point end, Shared& shared) {
  std::vector<double> mine;
  while (true) {
    const int64_t k = shared.started++;
    if (k >= options.max_runs || (k >= options.min_runs && Clock::now() >= end)) break;
    const auto a = Clock::now();
    Expected<std::vector<Value>> out = session.run(inputs);
    mine.push_back(milliseconds(a, Clock::now()));
    if (!out.ok()) {
      const std::lock_guard<std::mutex> lock(shared.mutex);
      shared.error = out.status();
      return;
    }
  }
  const std::lock_guard<std::mutex> lock(shared.mutex);
  shared.times.insert(shared.times.end(), mine.begin(), mine.end());
}

}  // namespace

Expected<Json> bench_session(const Session& session, const std::vector<Value>& inputs, const BenchOptions& options) {
  const auto first = Clock::now();
  ANYRT_TRY(session.run(inputs).status());
  const double first_ms = milliseconds(first, Clock::now());
  const auto warm_until =
      first + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options.warmup_seconds));
  while (Clock::now() < warm_until) ANYRT_TRY(session.run(inputs).status());

  Shared shared;
  const auto begin = Clock::now();
  const auto end = begin + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options.seconds));
  std::vector<std::thread> callers;
  for (int k = 1; k < options.callers; ++k)
    callers.emplace_back([&] { call_until(session, inputs, options, end, shared); });
  call_until(session, inputs, options, end, shared);
  for (std::thread& t : callers) t.join();
  const double wall = milliseconds(begin, Clock::now());
  ANYRT_TRY(shared.error);
  std::vector<double>& t = shared.times;
  if (t.empty()) return invalid_argument("no run was made; raise the number of runs");
  std::sort(t.begin(), t.end());
  Json out = Json::object();
  out.set("runs", static_cast<uint64_t>(t.size())).set("callers", options.callers).set("first_ms", first_ms);
  out.set("mean_ms", std::accumulate(t.begin(), t.end(), 0.0) / static_cast<double>(t.size())).set("min_ms", t.front());
  out.set("p50_ms", percentile(t, 0.5))
      .set("p90_ms", percentile(t, 0.9))
      .set("p95_ms", percentile(t, 0.95))
      .set("p99_ms", percentile(t, 0.99));
  out.set("max_ms", t.back()).set("runs_per_second", static_cast<double>(t.size()) / wall * 1e3);
  return out;
}

}  // namespace anyrt
