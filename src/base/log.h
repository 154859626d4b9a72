#pragma once

#include <fmt/core.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

namespace anyrt {

enum class LogLevel : uint8_t { kDebug = 1, kInfo = 2, kWarning = 3, kError = 4, kOff = 5 };

// Messages below the level are dropped before they are formatted. The level starts as ANYRT_LOG_LEVEL (debug, info,
// warning, error, off, or 1 to 5), else warning.
LogLevel log_level();
void set_log_level(LogLevel level);
std::string_view log_level_name(LogLevel level);
std::optional<LogLevel> parse_log_level(std::string_view text);

// Where messages go instead of stderr; an empty function restores stderr. Called by one thread at a time; what it
// throws is dropped.
using LogSink = std::function<void(LogLevel, std::string_view message)>;
void set_log_sink(LogSink sink);

// While it lives, messages of this thread go by `level` (nullopt: as before) and, where `sink` is not empty, to `sink`.
class LogScope {
 public:
  LogScope(std::optional<LogLevel> level, const LogSink& sink);  // `sink` must outlive the scope
  ~LogScope();
  LogScope(const LogScope&) = delete;
  LogScope& operator=(const LogScope&) = delete;
  const LogSink& sink() const { return sink_ || !outer_ ? sink_ : outer_->sink(); }
  uint8_t level() const { return level_; }  // 0: that of the process

 private:
  const LogSink& sink_;
  LogScope* outer_;
  uint8_t level_;
};

namespace detail {
inline constinit thread_local LogScope* log_scope = nullptr;
inline constinit std::atomic<uint8_t> log_threshold{0};  // 0: the environment is not read yet
void log_message(LogLevel level, fmt::string_view format, fmt::format_args args);
}  // namespace detail

inline bool log_enabled(LogLevel level) {
  const LogScope* scope = detail::log_scope;
  const uint8_t own = scope ? scope->level() : 0;
  const uint8_t threshold = own != 0 ? own : detail::log_threshold.load(std::memory_order_relaxed);
  return static_cast<uint8_t>(level) >= (threshold != 0 ? threshold : static_cast<uint8_t>(log_level()));
}

#define ANYRT_LOG_FUNCTION(name, level)                                                         \
  template <class... A>                                                                         \
  void name(fmt::format_string<A...> format, A&&... args) {                                     \
    if (log_enabled(level)) detail::log_message(level, format, fmt::make_format_args(args...)); \
  }
ANYRT_LOG_FUNCTION(log_debug, LogLevel::kDebug)
ANYRT_LOG_FUNCTION(log_info, LogLevel::kInfo)
ANYRT_LOG_FUNCTION(log_warning, LogLevel::kWarning)
ANYRT_LOG_FUNCTION(log_error, LogLevel::kError)
#undef ANYRT_LOG_FUNCTION

}  // namespace anyrt
