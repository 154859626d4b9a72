#include "bindings/c/async.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace anyrt::c {

struct AsyncRuns::State {
  const pid_t process = getpid();
  std::mutex mutex;
  std::condition_variable posted;
  std::deque<std::function<void()>> jobs;
  std::vector<std::thread> threads;
  int idle = 0;
  bool closing = false;
  std::thread::id finisher;  // the worker that ends the others when all is done
  std::function<void()> then;

  void work() {
    pthread_setname_np(pthread_self(), "anyrt-async");
    std::unique_lock lock(mutex);
    for (;;) {
      ++idle;
      posted.wait(lock, [&] { return closing || !jobs.empty(); });
      --idle;
      if (jobs.empty()) break;
      std::function<void()> job = std::move(jobs.front());
      jobs.pop_front();
      lock.unlock();
      job();
      job = nullptr;
      lock.lock();
    }
    if (finisher != std::this_thread::get_id()) return;
    lock.unlock();
    for (std::thread& t : threads) {
      if (t.get_id() == finisher) {
        t.detach();
      } else {
        t.join();
      }
    }
    threads.clear();
    const std::function<void()> last = std::move(then);
    last();  // may delete this object
  }

  // The mutex is held.
  void start_thread() {
    // Signals belong to the application's own threads.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
      threads.emplace_back(&State::work, this);
    } catch (...) {
      pthread_sigmask(SIG_SETMASK, &before, nullptr);
      if (threads.empty()) throw;
      return;
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
};

AsyncRuns::AsyncRuns() = default;
AsyncRuns::~AsyncRuns() {
  if (state_ && state_->process != getpid()) (void)state_.release();
}

AsyncRuns::State& AsyncRuns::state() {
  // After fork() the threads are the parent's, and the state of the mutex is anybody's guess.
  if (state_ && state_->process != getpid()) (void)state_.release();
  if (!state_) state_ = std::make_unique<State>();
  return *state_;
}

void AsyncRuns::post(std::function<void()> job, int limit) {
  State& s = state();
  {
    const std::lock_guard lock(s.mutex);
    s.jobs.push_back(std::move(job));
    if (s.jobs.size() > static_cast<size_t>(s.idle) && s.threads.size() < static_cast<size_t>(std::max(1, limit))) {
      try {
        s.start_thread();
      } catch (...) {
        s.jobs.pop_back();
        throw;
      }
    }
  }
  s.posted.notify_one();
}

void AsyncRuns::finish(std::function<void()> then) {
  if (!state_ || state_->process != getpid()) {
    then();
    return;
  }
  State& s = *state_;
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(s.mutex);
    s.closing = true;
    const auto self = std::this_thread::get_id();
    if (std::any_of(s.threads.begin(), s.threads.end(), [&](const std::thread& t) { return t.get_id() == self; })) {
      s.finisher = self;
      s.then = std::move(then);
    } else {
      threads.swap(s.threads);
    }
  }
  s.posted.notify_all();
  if (!then) return;
  for (std::thread& t : threads) t.join();
  then();
}

}  // namespace anyrt::c
