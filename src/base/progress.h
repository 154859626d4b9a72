#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

namespace anyrt {

// A progress bar on stderr, drawn only when that is a terminal and at most ten times a second; calls come from any
// thread.
class Progress {
 public:
  // A total of 0 or less: not known, only the count is shown.
  Progress(std::string title, int64_t total);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { finish(); }

  void set(int64_t done);
  void add(int64_t steps = 1) { set(done_.load(std::memory_order_relaxed) + steps); }
  void finish();  // wipes the bar

  // One line of at most `width` columns.
  static std::string line(const std::string& title, int64_t done, int64_t total, double seconds, int width);

 private:
  void draw(int64_t done);

  using Clock = std::chrono::steady_clock;
  const std::string title_;
  const int64_t total_;
  const bool visible_;
  const Clock::time_point start_ = Clock::now();
  std::atomic<int64_t> done_{0};
  std::atomic<int64_t> next_draw_ms_{200};  // what is done sooner is not worth a bar
  std::mutex mutex_;
  bool drawn_ = false;
};

}  // namespace anyrt
