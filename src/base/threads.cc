#include "base/threads.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
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
constexpr auto kSpinTime = std::chrono::microseconds(30);

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
  const auto end = std::chrono::steady_clock::now() + kSpinTime;
  do {
    for (int i = 0; i < 32; ++i) {
      if (ready()) return true;
      pause_cpu();
    }
  } while (std::chrono::steady_clock::now() < end);
  return false;
}

// One parallel_for in progress. It lives on the caller's stack: the caller leaves only when `running` is zero and the
// job is off the list.
struct Job {
  Job(detail::RangeCall job_call, void* job_context, int64_t job_n, int64_t job_piece)
      : call(job_call),
        context(job_context),
        n(job_n),
        piece(job_piece),
        pieces(job_n / job_piece + (job_n % job_piece != 0 ? 1 : 0)) {
    std::fegetenv(&float_mode);
  }

  const detail::RangeCall call;
  void* const context;
  const int64_t n, piece, pieces;
  std::fenv_t float_mode;        // the caller's rounding and treatment of subnormals
  std::atomic<int64_t> next{0};  // number of the piece to hand out
  std::atomic<int> running{0};   // workers inside
  std::atomic<bool> failed{false};
  int wanted = 0;            // workers that may still join; guarded by the pool's mutex
  std::exception_ptr error;  // set by the one who sets `failed`

  bool exhausted() const { return next.load(std::memory_order_relaxed) >= pieces; }

  void run_pieces() {
    inside_piece = true;
    for (;;) {
      const int64_t index = next.fetch_add(1, std::memory_order_relaxed);
      if (index >= pieces) break;
      const int64_t begin = index * piece;
      try {
        call(context, begin, begin + std::min(piece, n - begin));
      } catch (...) {
        if (!failed.exchange(true)) error = std::current_exception();
        next.store(pieces, std::memory_order_relaxed);
      }
    }
    inside_piece = false;
  }
};

class Pool {
 public:
  void run(Job& job, int helpers) {
    int sleepers;
    {
      const std::lock_guard lock(mutex_);
      start_workers(helpers);
      job.wanted = helpers;
      jobs_.push_back(&job);
      generation_.fetch_add(1, std::memory_order_release);
      sleepers = parked_;
    }
    for (int i = std::min(helpers, sleepers); i > 0; --i) posted_.notify_one();
    job.run_pieces();
    {
      const std::lock_guard lock(mutex_);
      jobs_.erase(std::find(jobs_.begin(), jobs_.end(), &job));
    }
    const auto done = [&] { return job.running.load(std::memory_order_acquire) == 0; };
    if (!spin_until(done)) {
      std::unique_lock lock(mutex_);
      finished_.wait(lock, done);
    }
  }

  // Ends the workers; no job may be running or come.
  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      generation_.fetch_add(1, std::memory_order_release);
    }
    posted_.notify_all();
    for (std::thread& t : threads_) t.join();
    threads_.clear();
  }

  int worker_count() {
    const std::lock_guard lock(mutex_);
    return workers_;
  }

 private:
  // The mutex is held.
  void start_workers(int wanted) {
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
        log_warning("cannot start thread {}: {}; computing with fewer threads", workers_ + 1, error.what());
      }
      pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }
  }

  // A job that wants help, already joined; null when there is none. The mutex is held.
  Job* join_job() {
    for (Job* job : jobs_) {
      if (job->wanted == 0 || job->exhausted()) continue;
      --job->wanted;
      job->running.fetch_add(1, std::memory_order_relaxed);
      return job;
    }
    return nullptr;
  }

  void work() {
    pthread_setname_np(pthread_self(), "anyrt");
    for (;;) {
      const uint64_t seen = generation_.load(std::memory_order_acquire);
      Job* job = nullptr;
      {
        const std::lock_guard lock(mutex_);
        if (stopping_) return;
        job = join_job();
      }
      if (job == nullptr) {
        if (spin_until([&] { return generation_.load(std::memory_order_acquire) != seen; })) continue;
        std::unique_lock lock(mutex_);
        ++parked_;
        posted_.wait(lock, [&] { return generation_.load(std::memory_order_acquire) != seen; });
        --parked_;
        continue;
      }
      std::fesetenv(&job->float_mode);
      job->run_pieces();
      leave(*job);
    }
  }

  void leave(Job& job) {
    // Under the mutex, or the caller could miss the notification. Once `running` is zero the job may be gone.
    const std::lock_guard lock(mutex_);
    if (job.running.fetch_sub(1, std::memory_order_acq_rel) == 1) finished_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable posted_, finished_;
  std::atomic<uint64_t> generation_{0};  // counts posted jobs
  std::vector<Job*> jobs_;
  int workers_ = 0;
  int parked_ = 0;
  bool refused_ = false;
  bool stopping_ = false;
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
  const int64_t grains_per_piece = grains / pieces + (grains % pieces != 0 ? 1 : 0);
  Job job(call, context, n, grains_per_piece * grain);
  pool().run(job, threads - 1);
  if (job.error) std::rethrow_exception(job.error);
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
