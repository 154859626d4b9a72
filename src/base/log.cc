#include "base/log.h"

#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <utility>

#include "base/process.h"

namespace anyrt {
namespace {

constexpr std::pair<std::string_view, LogLevel> kNames[] = {{"debug", LogLevel::kDebug},
                                                            {"info", LogLevel::kInfo},
                                                            {"warning", LogLevel::kWarning},
                                                            {"error", LogLevel::kError},
                                                            {"off", LogLevel::kOff}};

struct SinkState {
  std::mutex mutex;
  LogSink sink;
};

SinkState& sink_state() {
  static constinit ProcessObject<SinkState> state;
  return state.get();
}

}  // namespace

std::string_view log_level_name(LogLevel level) {
  for (const auto& [name, value] : kNames) {
    if (value == level) return name;
  }
  return "unknown";
}

std::optional<LogLevel> parse_log_level(std::string_view text) {
  for (const auto& [name, value] : kNames) {
    if (text == name || (text.size() == 1 && text[0] == static_cast<char>('0' + static_cast<int>(value)))) return value;
  }
  return std::nullopt;
}

LogLevel log_level() {
  uint8_t threshold = detail::log_threshold.load(std::memory_order_relaxed);
  if (threshold == 0) {
    const char* text = std::getenv("ANYRT_LOG_LEVEL");
    const auto level = text != nullptr ? parse_log_level(text) : std::nullopt;
    const auto initial = static_cast<uint8_t>(level.value_or(LogLevel::kWarning));
    // A level set meanwhile by another thread wins.
    if (detail::log_threshold.compare_exchange_strong(threshold, initial)) threshold = initial;
  }
  return static_cast<LogLevel>(threshold);
}

LogScope::LogScope(std::optional<LogLevel> level, const LogSink& sink) : sink_(sink), outer_(detail::log_scope) {
  if (outer_) {
    level_ = level ? static_cast<uint8_t>(*level) : outer_->level_;
  } else {
    level_ = level ? static_cast<uint8_t>(*level) : 0;
  }
  detail::log_scope = this;
}

LogScope::~LogScope() { detail::log_scope = outer_; }

void set_log_level(LogLevel level) { detail::log_threshold.store(static_cast<uint8_t>(level)); }

void set_log_sink(LogSink sink) {
  SinkState& state = sink_state();
  const std::lock_guard lock(state.mutex);
  state.sink.swap(sink);
}

void detail::log_message(LogLevel level, fmt::string_view format, fmt::format_args args) {
  try {
    const std::string message = fmt::vformat(format, args);
    SinkState& state = sink_state();
    const std::lock_guard lock(state.mutex);
    if (log_scope && log_scope->sink()) {
      log_scope->sink()(level, message);
    } else if (state.sink) {
      state.sink(level, message);
    } else {
      std::fprintf(stderr, "anyrt: %s: %s\n", log_level_name(level).data(), message.c_str());
    }
  } catch (...) {
    // A message that cannot be written must not break the run.
  }
}

}  // namespace anyrt
