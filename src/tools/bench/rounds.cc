#include "tools/bench/rounds.h"

#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <limits>
#include <string>

#include "base/cpu.h"
#include "tools/data/output.h"

namespace anyrt {

namespace {

Status timed_round(const Session& session, const std::vector<Value>& inputs, int64_t runs, std::FILE* out) {
  using Clock = std::chrono::steady_clock;
  int64_t least = std::numeric_limits<int64_t>::max();
  const auto start = Clock::now();
  auto last = start;
  for (int64_t k = 0; k < runs; ++k) {
    ANYRT_TRY(session.run(inputs).status());
    const auto now = Clock::now();
    least = std::min<int64_t>(least, std::chrono::duration_cast<std::chrono::nanoseconds>(now - last).count());
    last = now;
  }
  const int64_t total = std::chrono::duration_cast<std::chrono::nanoseconds>(last - start).count();
  std::fprintf(out, "%.1f %" PRId64 "\n", static_cast<double>(total) / static_cast<double>(runs), least);
  return {};
}

Status save_outputs(const Session& session, const std::vector<Value>& inputs, const std::string& path, std::FILE* out) {
  ANYRT_ASSIGN(std::vector<Value> values, session.run(inputs));
  std::vector<NamedValue> named;
  for (size_t i = 0; i < values.size(); ++i) named.push_back({session.outputs()[i].name, std::move(values[i])});
  ANYRT_TRY(write_outputs(named, path));
  std::fputs("saved\n", out);
  return {};
}

}  // namespace

Status serve_rounds(const Session& session, const std::vector<Value>& inputs, std::FILE* in, std::FILE* out) {
  char line[4096];
  while (std::fgets(line, sizeof line, in)) {
    std::string text = line;
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    int64_t runs = 0;
    if (std::sscanf(line, "run %" SCNd64, &runs) == 1) {
      if (runs < 1) return invalid_argument("expected 'run K' with K at least 1, found '{}'", text);
      ANYRT_TRY(timed_round(session, inputs, runs, out));
    } else if (text.starts_with("save ")) {
      ANYRT_TRY(save_outputs(session, inputs, text.substr(5), out));
    } else if (text == "peak") {
      std::fprintf(out, "%" PRIu64 "\n", memory_info().peak);
    } else {
      return invalid_argument("expected 'run K', 'save PATH' or 'peak', found '{}'", text);
    }
    std::fflush(out);
  }
  return {};
}

}  // namespace anyrt
