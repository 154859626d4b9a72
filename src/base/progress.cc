#include "base/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/text.h"

namespace anyrt {
namespace {

constexpr int64_t kIntervalMs = 100;

bool is_terminal() {
  const char* term = std::getenv("TERM");
  return isatty(STDERR_FILENO) != 0 && (term == nullptr || std::strcmp(term, "dumb") != 0);
}

int terminal_width() {
  struct winsize size = {};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

Progress::Progress(std::string title, int64_t total)
    : title_(std::move(title)), total_(total), visible_(is_terminal()) {}

void Progress::set(int64_t done) {
  done_.store(done, std::memory_order_relaxed);
  if (!visible_) return;
  const int64_t now = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start_).count();
  int64_t due = next_draw_ms_.load(std::memory_order_relaxed);
  if (now < due || !next_draw_ms_.compare_exchange_strong(due, now + kIntervalMs)) return;
  draw(done);
}

void Progress::draw(int64_t done) {
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  const std::lock_guard lock(mutex_);
  std::fprintf(stderr, "\r%s\x1b[K", line(title_, done, total_, seconds, terminal_width() - 1).c_str());
  drawn_ = true;
}

void Progress::finish() {
  const std::lock_guard lock(mutex_);
  if (drawn_) std::fputs("\r\x1b[K", stderr);
  drawn_ = false;
}

std::string Progress::line(const std::string& title, int64_t done, int64_t total, double seconds, int width) {
  std::string text;
  if (total <= 0) {
    text = fmt::format("{} {}", title, done);
  } else {
    const double share = std::clamp(static_cast<double>(done) / static_cast<double>(total), 0.0, 1.0);
    std::string tail = fmt::format(" {:3.0f}% {}/{}", share * 100, done, total);
    if (share > 0 && share < 1 && seconds > 1) tail += ", " + human_seconds(seconds / share - seconds) + " left";
    const int room = std::min(40, width - static_cast<int>(title.size() + tail.size()) - 3);
    std::string bar;
    if (room >= 5) {
      const auto filled = static_cast<size_t>(share * room);
      bar = " [" + std::string(filled, '#') + std::string(static_cast<size_t>(room) - filled, '.') + "]";
    }
    text = title + bar + tail;
  }
  if (width > 0 && text.size() > static_cast<size_t>(width)) text.resize(static_cast<size_t>(width));
  return text;
}

}  // namespace anyrt
