#include "base/threads.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <bit>
#include <cfenv>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "base/cpu.h"
#include "base/log.h"
#include "base/process.h"

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

namespace anyrt {
namespace {

constexpr int kMaxWorkers = 1023;
constexpr int64_t kPiecesPerThread = 4;  // more pieces than threads, so that a slow thread does not hold up the others
constexpr auto kSpinTime = std::chrono::microseconds(100);

thread_local bool inside_piece = false;

void pause_cpu() {
#if defined(__SSE2__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Waits a little for `ready` without giving up the processor.
template <class Ready>
bool spin_until(Ready ready) {
  for (int i = 0; i < 64; ++i) {
    if (ready()) return true;
    pause_cpu();
  }
  const auto end = std::chrono::steady_clock::now() + kSpinTime;
  do {
    for (int i = 0; i < 32; ++i) {
      if (ready()) return true;
      pause_cpu();
    }
  } while (std::chrono::steady_clock::now() < end);
  return false;
}

// A thread's rounding and treatment of subnormals, cheaper to read than the whole environment.
class FloatMode {
 public:
#if defined(__SSE2__)
  FloatMode() : vector_(_mm_getcsr()) { asm volatile("fnstcw %0" : "=m"(scalar_)); }
  void apply() const {
    constexpr unsigned kFlags = 0x3f;  // of exceptions that have been raised
    const FloatMode now;
    if (((now.vector_ ^ vector_) & ~kFlags) != 0) _mm_setcsr(vector_);
    if (now.scalar_ != scalar_) asm volatile("fldcw %0" : : "m"(scalar_));
  }

 private:
  unsigned vector_;
  uint16_t scalar_;
#else
  FloatMode() { std::fegetenv(&mode_); }
  void apply() const { std::fesetenv(&mode_); }

 private:
  std::fenv_t mode_;
#endif
};

// Processors of different caches take a quarter of a microsecond to hand a line over: what a worker needs to begin lies
// in one line, and nobody waits for a line before he computes.
constexpr size_t kLine = 64;

// One parallel_for in progress. It lives on the caller's stack: the caller leaves only when nobody else is inside.
//
// The pieces are split into shares. A member does its own one first, so that the same thread meets the same part of the
// data in one loop after the other, and then what others have left. The first piece of a share belongs to the member
// that it is for; where that one never comes, the caller does it in the end.
class Job {
 public:
  // Pieces of whole grains, as even as they can be.
  Job(detail::RangeCall call, void* context, int64_t n, int64_t grain, int64_t pieces, int threads)
      : call_(call), context_(context), n_(n), grain_(grain), pieces_(pieces), threads_(threads) {
    for (int i = 0; i < shares(); ++i) shares_[i].next.store(first(i) + 1, std::memory_order_relaxed);
  }

  int helpers() const { return threads_ - 1; }
  const FloatMode& mode() const { return mode_; }
  const std::exception_ptr& error() const { return error_; }

  // The caller is member 0, workers count on in the order in which they come.
  void run_share(int member) {
    if (member >= shares()) return;
    run_first(member);
    run_rest(member);
  }
  void run_first(int share) {
    if (share < shares() && !failed_.load(std::memory_order_relaxed)) run_piece(first(share));
  }
  void run_shares_of_others(int member) {
    for (int i = 1; i <= shares(); ++i) run_rest((member + i) % shares());
  }

 private:
  static constexpr int kMostShares = 16;
  struct alignas(kLine) Share {
    std::atomic<int64_t> next{0};  // number of the piece to hand out
  };
  int shares() const { return std::min(threads_, kMostShares); }
  // Where part i of n begins, in `parts` parts.
  static int64_t begin_of(int64_t i, int64_t n, int64_t parts) { return n / parts * i + std::min(i, n % parts); }
  int64_t first(int share) const { return begin_of(share, pieces_, shares()); }

  void run_rest(int share) {
    const int64_t end = first(share + 1);
    std::atomic<int64_t>& next = shares_[share].next;
    while (next.load(std::memory_order_relaxed) < end && !failed_.load(std::memory_order_relaxed)) {
      const int64_t piece = next.fetch_add(1, std::memory_order_relaxed);
      if (piece < end) run_piece(piece);
    }
  }
  void run_piece(int64_t piece) {
    inside_piece = true;
    const int64_t grains = n_ / grain_ + (n_ % grain_ != 0 ? 1 : 0), begin = begin_of(piece, grains, pieces_),
                  end = begin_of(piece + 1, grains, pieces_);
    try {
      call_(context_, begin * grain_, end == grains ? n_ : end * grain_);
    } catch (...) {
      if (!failed_.exchange(true)) error_ = std::current_exception();
    }
    inside_piece = false;
  }

  const detail::RangeCall call_;
  void* const context_;
  const int64_t n_, grain_, pieces_;
  const int threads_;
  const FloatMode mode_;  // the caller's
  std::atomic<bool> failed_{false};
  std::exception_ptr error_;  // set by the one who sets `failed_`
  Share shares_[kMostShares];
};

class Pool {
 public:
  void run(Job& job) {
    const int helpers = job.helpers();
    if (workers_.load(std::memory_order_relaxed) < helpers) start_workers(helpers);
    const int number = take_seat();
    if (number < 0) {  // more callers than anybody could help
      for (int i = 0; i <= helpers; ++i) job.run_share(i);
      return;
    }
    Seat& seat = seats_[number];
    seat.job = &job;
    seat.state.store(static_cast<uint64_t>(helpers), std::memory_order_release);
    // A worker that goes to sleep right now may be missed: the caller does its share then.
    if (parked_.load(std::memory_order_relaxed) > 0) wake(helpers);
    job.run_share(0);
    if (!is_left(seat)) job.run_shares_of_others(0);
    uint64_t state = seat.state.load(std::memory_order_acquire);
    if ((state & kWanted) != 0) state = seat.state.fetch_and(~kWanted, std::memory_order_acq_rel);
    for (int i = static_cast<int>(state & kWanted); i > 0; --i) job.run_first(helpers + 1 - i);
    const auto done = [&] { return (seat.state.load(std::memory_order_acquire) & kInside) == 0; };
    if (!spin_until(done)) {
      std::unique_lock lock(mutex_);
      seat.state.fetch_or(kCallerSleeps);
      finished_.wait(lock, done);
    }
    taken_.fetch_and(~(uint64_t{1} << number), std::memory_order_release);
  }

  // Ends the workers; no job may be running or come.
  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_.store(true);
    }
    posted_.notify_all();
    for (std::thread& t : threads_) t.join();
    threads_.clear();
  }

  int worker_count() const { return workers_.load(std::memory_order_relaxed); }

 private:
  // Where a caller offers its job. Seats outlive jobs, so that a worker may look at one at any time.
  struct alignas(kLine) Seat {
    std::atomic<uint64_t> state{0};  // workers that may still join, workers inside, and whether the caller sleeps
    Job* job = nullptr;              // valid for whoever has joined
  };
  static constexpr uint64_t kWanted = 0xffff, kOneInside = 0x10000, kInside = 0xffff0000, kCallerSleeps = 0x100000000;
  static constexpr int kSeats = 64;

  // Whether all workers that were wanted have come and gone: they leave when nothing is left to do.
  static bool is_left(const Seat& seat) {
    return (seat.state.load(std::memory_order_acquire) & (kWanted | kInside)) == 0;
  }

  // -1: none is free.
  int take_seat() {
    uint64_t taken = taken_.load(std::memory_order_relaxed);
    while (taken != ~uint64_t{0}) {
      const int number = std::countr_one(taken);
      if (!taken_.compare_exchange_weak(taken, taken | uint64_t{1} << number, std::memory_order_acq_rel)) continue;
      int used = used_.load(std::memory_order_relaxed);
      while (used <= number && !used_.compare_exchange_weak(used, number + 1, std::memory_order_relaxed)) {
      }
      return number;
    }
    return -1;
  }

  void start_workers(int wanted) {
    const std::lock_guard lock(mutex_);
    while (workers_ < wanted && !refused_ && !stopping_) {
      // Signals belong to the application's own threads.
      sigset_t all, before;
      sigfillset(&all);
      pthread_sigmask(SIG_SETMASK, &all, &before);
      try {
        threads_.emplace_back(&Pool::work, this);
        ++workers_;
      } catch (const std::system_error& error) {
        refused_ = true;
        log_warning("cannot start thread {}: {}; computing with fewer threads", worker_count() + 1, error.what());
      }
      pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }
  }

  void wake(int most) {
    int sleepers;
    {
      const std::lock_guard lock(mutex_);
      sleepers = parked_;
    }
    for (int i = std::min(most, sleepers); i > 0; --i) posted_.notify_one();
  }

  // A seat whose job wants help; null: there is none.
  Seat* find_work() {
    const int used = used_.load(std::memory_order_relaxed);
    for (int i = 0; i < used; ++i) {
      if ((seats_[i].state.load(std::memory_order_acquire) & kWanted) != 0) return &seats_[i];
    }
    return nullptr;
  }

  void help(Seat& seat) {
    uint64_t state = seat.state.load(std::memory_order_acquire);
    do {
      if ((state & kWanted) == 0) return;
    } while (!seat.state.compare_exchange_weak(state, state - 1 + kOneInside, std::memory_order_acq_rel));
    Job& job = *seat.job;
    job.mode().apply();
    const int member = job.helpers() - static_cast<int>(state & kWanted) + 1;
    job.run_share(member);
    job.run_shares_of_others(member);
    // The job is gone once the last worker has left.
    const uint64_t before = seat.state.fetch_sub(kOneInside, std::memory_order_acq_rel);
    if ((before & kInside) != kOneInside || (before & kCallerSleeps) == 0) return;
    const std::lock_guard lock(mutex_);  // or the caller could miss the notification
    finished_.notify_all();
  }

  void work() {
    pthread_setname_np(pthread_self(), "anyrt");
    while (!stopping_.load(std::memory_order_relaxed)) {
      Seat* seat = nullptr;
      const auto called = [&] { return (seat = find_work()) != nullptr || stopping_.load(std::memory_order_relaxed); };
      if (spin_until(called)) {
        if (seat) help(*seat);
        continue;
      }
      std::unique_lock lock(mutex_);
      parked_.fetch_add(1);
      posted_.wait(lock, called);
      parked_.fetch_sub(1);
    }
  }

  std::atomic<uint64_t> taken_{0};           // seats, a bit for each: touched by callers alone
  alignas(kLine) std::atomic<int> used_{0};  // seats below this number have been taken at some time
  std::atomic<int> parked_{0};
  std::atomic<int> workers_{0};
  std::atomic<bool> stopping_{false};
  Seat seats_[kSeats];
  std::mutex mutex_;  // guards what follows and whoever goes to sleep
  std::condition_variable posted_, finished_;
  bool refused_ = false;
  std::vector<std::thread> threads_;
};

std::atomic<Pool*> current_pool{nullptr};

// Ends the pool where the library is unloaded. One node for all pools: a forked child has its parent's list.
detail::ProcessNode pool_node;
std::atomic<bool> pool_registered{false};

void register_pool() {
  if (pool_registered.exchange(true)) return;
  pool_node.destroy = [](detail::ProcessNode*) {
    pool_registered.store(false);
    Pool* p = current_pool.exchange(nullptr);
    if (!p) return;
    p->stop();
    delete p;
  };
  detail::register_process_node(&pool_node);
}

// The pool is not destroyed when the process ends: its threads may outlive static objects. A forked child has none of
// the threads, and the state of the mutex is anybody's guess: it leaves the old pool alone and makes its own.
Pool& pool() {
  if (Pool* p = current_pool.load(std::memory_order_acquire)) return *p;
  static const int registered = pthread_atfork(nullptr, nullptr, [] {
    current_pool.store(nullptr);
    inside_piece = false;
  });
  (void)registered;
  auto* fresh = new Pool;
  Pool* expected = nullptr;
  if (current_pool.compare_exchange_strong(expected, fresh)) {
    register_pool();
    return *fresh;
  }
  delete fresh;
  return *expected;
}

}  // namespace

void detail::parallel_ranges(int64_t n, int64_t grain, RangeCall call, void* context, int max_threads) {
  if (n <= 0) return;
  grain = std::max<int64_t>(1, grain);
  const int64_t grains = n / grain + (n % grain != 0 ? 1 : 0);
  const int limit = max_threads > 0 ? max_threads : default_thread_count();
  const auto threads = static_cast<int>(std::min<int64_t>({limit, grains, kMaxWorkers + 1}));
  if (threads <= 1 || inside_piece) {
    call(context, 0, n);
    return;
  }
  const int64_t pieces = std::min(grains, threads * kPiecesPerThread);
  Job job(call, context, n, grain, pieces, threads);
  pool().run(job);
  if (job.error()) std::rethrow_exception(job.error());
}

Status detail::parallel_ranges_status(int64_t n, int64_t grain, Status (*call)(void*, int64_t, int64_t), void* context,
                                      int max_threads) {
  struct Shared {
    Status (*call)(void*, int64_t, int64_t);
    void* context;
    std::mutex mutex;
    std::atomic<bool> failed{false};
    Status status;
  } shared{call, context, {}, {}, {}};
  parallel_ranges(
      n, grain,
      [](void* p, int64_t begin, int64_t end) {
        auto& s = *static_cast<Shared*>(p);
        if (s.failed.load(std::memory_order_relaxed)) return;
        Status status = s.call(s.context, begin, end);
        if (status.ok()) return;
        const std::lock_guard lock(s.mutex);
        if (s.status.ok()) s.status = std::move(status);
        s.failed.store(true, std::memory_order_relaxed);
      },
      &shared, max_threads);
  return std::move(shared.status);
}

bool in_parallel_region() { return inside_piece; }

SerialScope::SerialScope() : before_(inside_piece) { inside_piece = true; }
SerialScope::~SerialScope() { inside_piece = before_; }

int pool_worker_count() {
  Pool* p = current_pool.load(std::memory_order_acquire);
  return p == nullptr ? 0 : p->worker_count();
}

}  // namespace anyrt
