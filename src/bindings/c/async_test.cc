#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "anyrt/anyrt.hpp"
#include "bindings/c/test_models.h"

namespace {

using anyrt::Session;
using anyrt::Value;
using Clock = std::chrono::steady_clock;

Session from(const std::string& bytes) { return Session::from_bytes(bytes.data(), bytes.size()); }

Value steps(int64_t n) { return Value::scalar<std::int64_t>(n); }
Value start() { return Value::zeros(ANYRT_FLOAT32, {4}); }

anyrt_code code_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const anyrt::Error& e) {
    return e.code();
  }
  return ANYRT_OK;
}

TEST(CAsync, Futures) {
  Session s = from(test_models::loop_model());
  const anyrt::RunOptions options;
  std::vector<std::future<anyrt::Values>> all;
  for (int i = 0; i < 50; ++i) all.push_back(s.run_async<std::promise>(options, {steps(i), start()}));
  for (int i = 0; i < 50; ++i) EXPECT_EQ(all[static_cast<size_t>(i)].get()[0].data<float>()[3], static_cast<float>(i));
  EXPECT_EQ(code_of([&] { s.run_async<std::promise>(options, {{"nothing", start()}}); }), ANYRT_INVALID_ARGUMENT);
  auto bad = s.run_async<std::promise>(options, {start(), start()});
  EXPECT_EQ(code_of([&] { bad.get(); }), ANYRT_INVALID_ARGUMENT);
}

TEST(CAsync, CallbacksAndPlaces) {
  Session s = from(test_models::loop_model());
  std::vector<float> mine(4);
  Value place = Value::borrow({4}, mine.data(), 4);
  std::promise<const void*> done;
  s.run_async({}, {{"count", steps(3)}, {"v0", start()}}, {{"y", place}},
              [&](const anyrt::Error* error, anyrt::Values outputs) {
                EXPECT_EQ(error, nullptr);
                done.set_value(outputs[0].raw());
              });
  EXPECT_EQ(done.get_future().get(), mine.data());
  EXPECT_EQ(mine[0], 3);
}

TEST(CAsync, SessionWaitsForItsRuns) {
  std::atomic<int> called{0};
  {
    Session s = from(test_models::loop_model());
    for (int i = 0; i < 20; ++i) {
      s.run_async({}, {steps(2000), start()}, {}, [&](const anyrt::Error* error, anyrt::Values outputs) {
        EXPECT_EQ(error, nullptr);
        EXPECT_EQ(outputs.size(), 1u);
        ++called;
      });
    }
  }
  EXPECT_EQ(called, 20);
}

struct Freed {
  anyrt_session* session = nullptr;
  std::atomic<int> calls{0};
  std::promise<void> last;
};

TEST(CAsync, SessionMayGoInACallback) {
  Freed shared;
  const std::string bytes = test_models::loop_model();
  anyrt::check(anyrt_session_load_bytes(bytes.data(), bytes.size(), nullptr, nullptr, nullptr, &shared.session));
  const Value count = steps(1000), v = start();
  const anyrt_value* inputs[] = {count.get(), v.get()};
  // The first callback frees the session with the others still queued.
  const anyrt_run_fn callback = [](void* user, anyrt_status* status, anyrt_value** outputs, size_t n) {
    auto* f = static_cast<Freed*>(user);
    EXPECT_EQ(status, nullptr);
    for (size_t i = 0; i < n; ++i) anyrt_value_free(outputs[i]);
    const int calls = ++f->calls;
    if (calls == 5) anyrt_session_free(f->session);
    if (calls == 10) f->last.set_value();
  };
  for (int i = 0; i < 10; ++i)
    anyrt::check(
        anyrt_session_run_async(shared.session, nullptr, nullptr, inputs, 2, nullptr, nullptr, 1, callback, &shared));
  EXPECT_EQ(shared.last.get_future().wait_for(std::chrono::seconds(30)), std::future_status::ready);
  EXPECT_EQ(shared.calls, 10);
}

TEST(CAsync, RunsAreCancelledFromOutside) {
  Session s = from(test_models::loop_model());
  anyrt::RunOptions options;
  auto endless = s.run_async<std::promise>(options, {steps(int64_t{1} << 60), start()});
  EXPECT_EQ(endless.wait_for(std::chrono::milliseconds(20)), std::future_status::timeout);
  options.cancel();
  EXPECT_EQ(code_of([&] { endless.get(); }), ANYRT_CANCELLED);
  EXPECT_EQ(code_of([&] { s.run(options, {steps(1), start()}); }), ANYRT_CANCELLED);
  options.reset();
  EXPECT_EQ(s.run(options, {steps(1), start()})[0].data<float>()[0], 1);
}

#if !defined(__SANITIZE_THREAD__)
TEST(CAsync, WorksAfterFork) {
  Session s = from(test_models::loop_model());
  s.run_async<std::promise>({}, {steps(3), start()}).get();
  const pid_t child = fork();
  if (child == 0) {
    // The parent's threads are not here.
    auto later = s.run_async<std::promise>({}, {steps(5), start()});
    const bool fine =
        later.wait_for(std::chrono::seconds(20)) == std::future_status::ready && later.get()[0].data<float>()[0] == 5;
    _exit(fine ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(s.run_async<std::promise>({}, {steps(4), start()}).get()[0].data<float>()[0], 4);
}
#endif

TEST(CAsync, OptionsMayGoBeforeTheRun) {
  Session s = from(test_models::loop_model());
  std::future<anyrt::Values> endless;
  {
    anyrt::RunOptions options;
    options.set_timeout(0.05);
    endless = s.run_async<std::promise>(options, {steps(int64_t{1} << 60), start()});
  }
  EXPECT_EQ(code_of([&] { endless.get(); }), ANYRT_DEADLINE_EXCEEDED);
}

TEST(CAsync, TimeLimitsAndMemoryCaps) {
  const Session s = from(test_models::loop_model());
  anyrt::RunOptions options;
  options.set_timeout(0.02);
  const auto begin = Clock::now();
  EXPECT_EQ(code_of([&] { s.run(options, {steps(int64_t{1} << 60), start()}); }), ANYRT_DEADLINE_EXCEEDED);
  EXPECT_LT(Clock::now() - begin, std::chrono::seconds(5));
  options.set_timeout(0);
  EXPECT_EQ(code_of([&] { s.run(options, {steps(10), start()}); }), ANYRT_OK);
  EXPECT_EQ(code_of([&] { options.set_timeout(0.0 / 0.0); }), ANYRT_INVALID_ARGUMENT);

  const Session add = from(test_models::add_model());
  anyrt::RunOptions small;
  small.set_memory_cap(1000);
  const Value big = Value::zeros(ANYRT_FLOAT32, {1000, 2});
  EXPECT_EQ(code_of([&] { add.run(small, {big}); }), ANYRT_RESOURCE_EXHAUSTED);
  small.set_memory_cap(0);
  EXPECT_EQ(code_of([&] { add.run(small, {big}); }), ANYRT_OK);
}

TEST(CAsync, ManyThreadsOnOneSession) {
  const Session s = from(test_models::loop_model());
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 100; ++i) wrong += s.run({steps(t), start()})[0].data<float>()[1] != static_cast<float>(t);
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
