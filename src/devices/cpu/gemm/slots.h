#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/cpu.h"

namespace anyrt::cpu {

// How many pieces of work with scratch of their own a step plans for; it takes no more threads.
inline size_t slot_count() { return static_cast<size_t>(std::clamp(default_thread_count(), 2, 64)); }

// The largest of parts of n, each at most `most`: as many for every thread where they stay at least `least`, so that
// threads which meet the same share of one value after the other find it in their own caches.
inline int64_t even_part(int64_t n, int64_t most, int64_t least) {
  const auto ceil = [](int64_t a, int64_t b) { return (a + b - 1) / b; };
  const int64_t threads = default_thread_count(), parts = ceil(n, most), more = ceil(parts, threads) * threads;
  return ceil(n, n / more >= least ? more : parts);
}

// Hands out numbers below `count`, at most 64, to pieces that run at the same time: no more pieces than numbers.
class Slots {
 public:
  explicit Slots(size_t count) : free_(count >= 64 ? ~uint64_t{0} : (uint64_t{1} << count) - 1) {}
  size_t take() {
    uint64_t now = free_.load(std::memory_order_relaxed);
    while (!free_.compare_exchange_weak(now, now & (now - 1), std::memory_order_acquire)) {
    }
    return static_cast<size_t>(std::countr_zero(now));
  }
  void give_back(size_t i) { free_.fetch_or(uint64_t{1} << i, std::memory_order_release); }

 private:
  std::atomic<uint64_t> free_;
};

}  // namespace anyrt::cpu
