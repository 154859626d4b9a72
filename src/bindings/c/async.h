#pragma once

#include <functional>
#include <memory>

namespace anyrt::c {

// The threads of a session that run what it was asked to run asynchronously. They start when first needed, sleep while
// there is nothing to do, and end with the session.
class AsyncRuns {
 public:
  AsyncRuns();
  ~AsyncRuns();
  // Runs `job`, which must not throw, on one of at most `limit` threads. Throws where no thread can be started.
  void post(std::function<void()> job, int limit);
  // Does all jobs and ends the threads. From inside a job it returns at once, and `then` is called when that is done;
  // else `then` is called before it returns.
  void finish(std::function<void()> then);

 private:
  struct State;
  State& state();
  std::unique_ptr<State> state_;
};

}  // namespace anyrt::c
