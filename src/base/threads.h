#pragma once

#include <atomic>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "base/status.h"

namespace anyrt {

namespace detail {
using RangeCall = void (*)(void* context, int64_t begin, int64_t end);
void parallel_ranges(int64_t n, int64_t grain, RangeCall call, void* context, int max_threads);
Status parallel_ranges_status(int64_t n, int64_t grain, Status (*call)(void*, int64_t, int64_t), void* context,
                              int max_threads);
}  // namespace detail

// Calls fn(begin, end) for pieces that cover [0, n) once each, on the threads of the process-wide pool and on the
// calling one. Pieces begin at multiples of `grain` (at least 1), so sums a piece at a time do not depend on the thread
// count when fn itself goes by `grain`. At most `max_threads` threads take part; 0 stands for default_thread_count().
//
// fn may return Status: then the first error ends the loop early and is returned. An exception thrown by fn ends the
// loop early too, and leaves on the calling thread once no piece runs any more. Calls from inside fn run serially.
// Several threads may call at once: they share the pool. Workers compute with the caller's floating-point mode.
template <class F>
auto parallel_for(int64_t n, int64_t grain, F&& fn, int max_threads = 0) {
  using Fn = std::remove_reference_t<F>;
  void* context = const_cast<void*>(static_cast<const void*>(&fn));
  if constexpr (std::is_same_v<decltype(fn(int64_t{}, int64_t{})), Status>) {
    return detail::parallel_ranges_status(
        n, grain, [](void* f, int64_t begin, int64_t end) { return (*static_cast<Fn*>(f))(begin, end); }, context,
        max_threads);
  } else {
    detail::parallel_ranges(
        n, grain, [](void* f, int64_t begin, int64_t end) { (*static_cast<Fn*>(f))(begin, end); }, context,
        max_threads);
  }
}

// True inside a piece: a parallel_for here would run serially.
bool in_parallel_region();
// Makes parallel_for on this thread serial as long as it lives.
class SerialScope {
 public:
  SerialScope();
  ~SerialScope();
  SerialScope(const SerialScope&) = delete;
  SerialScope& operator=(const SerialScope&) = delete;

 private:
  bool before_;
};

// Workers that exist now. They start when first needed and stay; after fork() the child starts its own.
int pool_worker_count();

}  // namespace anyrt
