#pragma once

#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "engine/session.h"

namespace anyrt {

struct BenchOptions {
  double warmup_seconds = 0.5;
  double seconds = 3;
  int64_t min_runs = 5;
  int64_t max_runs = 1000000;
  int callers = 1;  // threads that call `run` at the same time
};

// Times `run` on the same inputs. Keys: runs, callers, mean_ms, min_ms, p50_ms, p90_ms, p95_ms, p99_ms, max_ms,
// runs_per_second, first_ms (the first run, which places memory).
Expected<Json> bench_session(const Session& session, const std::vector<Value>& inputs, const BenchOptions& options);

}  // namespace anyrt
