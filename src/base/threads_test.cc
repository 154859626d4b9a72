#include "base/threads.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cfenv>
#include <limits>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

namespace anyrt {
namespace {

constexpr int kThreads = 4;

// How often each index was visited.
std::vector<int> visits(int64_t n, int64_t grain, int threads) {
  std::vector<std::atomic<int>> counts(static_cast<size_t>(n));
  parallel_for(
      n, grain,
      [&](int64_t begin, int64_t end) {
        EXPECT_EQ(begin % std::max<int64_t>(1, grain), 0);
        EXPECT_LT(begin, end);
        for (int64_t i = begin; i < end; ++i) counts[static_cast<size_t>(i)]++;
      },
      threads);
  return {counts.begin(), counts.end()};
}

TEST(ParallelFor, VisitsEveryIndexOnce) {
  for (const int64_t n : {0, 1, 2, 7, 64, 1000, 4097}) {
    for (const int64_t grain : {-1, 0, 1, 3, 64, 5000}) {
      for (const int threads : {0, 1, 2, kThreads}) {
        const auto counts = visits(n, grain, threads);
        EXPECT_EQ(std::count(counts.begin(), counts.end(), 1), n) << n << " " << grain << " " << threads;
      }
    }
  }
}

TEST(ParallelFor, HugeRangesDoNotOverflow) {
  const int64_t n = std::numeric_limits<int64_t>::max();
  std::atomic<int64_t> sum{0};
  parallel_for(
      n, 1, [&](int64_t begin, int64_t end) { sum += end - begin; }, kThreads);
  EXPECT_EQ(sum, n);
  sum = 0;
  parallel_for(
      n, n - 1, [&](int64_t begin, int64_t end) { sum += end - begin; }, kThreads);
  EXPECT_EQ(sum, n);
  parallel_for(-5, 1, [&](int64_t, int64_t) { FAIL(); });
}

TEST(ParallelFor, OtherThreadsTakePart) {
  std::mutex mutex;
  std::set<std::thread::id> ids;
  parallel_for(
      kThreads, 1,
      [&](int64_t, int64_t) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        {
          const std::lock_guard lock(mutex);
          ids.insert(std::this_thread::get_id());
        }
        // Stays until a second thread has come, so that the test does not depend on speed.
        for (size_t seen = 0; seen < 2 && std::chrono::steady_clock::now() < end;) {
          std::this_thread::yield();
          const std::lock_guard lock(mutex);
          seen = ids.size();
        }
      },
      kThreads);
  EXPECT_GE(ids.size(), 2u);
  EXPECT_LE(ids.size(), static_cast<size_t>(kThreads));
  EXPECT_GE(pool_worker_count(), kThreads - 1);
}

TEST(ParallelFor, NestedCallsAreSerial) {
  std::atomic<int> total{0};
  parallel_for(
      8, 1,
      [&](int64_t, int64_t) {
        EXPECT_TRUE(in_parallel_region());
        const auto self = std::this_thread::get_id();
        parallel_for(
            100, 1,
            [&](int64_t begin, int64_t end) {
              EXPECT_EQ(std::this_thread::get_id(), self);
              total += static_cast<int>(end - begin);
            },
            kThreads);
      },
      kThreads);
  EXPECT_EQ(total % 100, 0);
  EXPECT_GT(total, 0);
  EXPECT_FALSE(in_parallel_region());
}

TEST(ParallelFor, SerialScopeKeepsWorkOnThisThread) {
  const SerialScope serial;
  int calls = 0;
  parallel_for(
      1000, 1, [&](int64_t, int64_t) { ++calls; }, kThreads);
  EXPECT_EQ(calls, 1);
}

TEST(ParallelFor, SeveralCallersAtOnce) {
  std::vector<std::thread> callers;
  std::atomic<int64_t> total{0};
  for (int c = 0; c < 6; ++c) {
    callers.emplace_back([&] {
      for (int round = 0; round < 200; ++round) {
        std::atomic<int64_t> sum{0};
        parallel_for(
            100, 1,
            [&](int64_t begin, int64_t end) {
              for (int64_t i = begin; i < end; ++i) sum += i;
            },
            kThreads);
        EXPECT_EQ(sum, 4950);
        total += sum;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(total, 6 * 200 * 4950);
}

TEST(ParallelFor, ExceptionsReachTheCaller) {
  for (int round = 0; round < 50; ++round) {
    EXPECT_THROW(parallel_for(
                     100, 1,
                     [](int64_t begin, int64_t) {
                       if (begin >= 50) throw std::runtime_error("no");
                     },
                     kThreads),
                 std::runtime_error);
  }
  EXPECT_EQ(visits(100, 1, kThreads).size(), 100u);
}

TEST(ParallelFor, ReturnsTheFirstError) {
  const Status good = parallel_for(
      100, 1, [](int64_t, int64_t) { return Status(); }, kThreads);
  EXPECT_TRUE(good.ok());
  const Status bad = parallel_for(
      100, 1, [](int64_t begin, int64_t end) { return begin <= 40 && 40 < end ? invalid_argument("at 40") : Status(); },
      kThreads);
  EXPECT_EQ(bad.message(), "at 40");
}

TEST(ParallelFor, WorkersUseTheCallersRounding) {
  for (const int mode : {FE_DOWNWARD, FE_TONEAREST}) {
    std::fesetround(mode);
    std::mutex mutex;
    std::set<std::thread::id> ids;
    int wrong = 0;
    parallel_for(
        2, 1,
        [&](int64_t, int64_t) {
          const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
          for (size_t seen = 0; seen < 2 && std::chrono::steady_clock::now() < end;) {
            const std::lock_guard lock(mutex);
            ids.insert(std::this_thread::get_id());
            seen = ids.size();
            if (std::fegetround() != mode) ++wrong;
          }
        },
        2);
    std::fesetround(FE_TONEAREST);
    EXPECT_EQ(ids.size(), 2u);
    EXPECT_EQ(wrong, 0);
  }
}

TEST(ParallelFor, WorksInAForkedChild) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "ThreadSanitizer allows no new threads after fork";
#endif
  (void)visits(100, 1, kThreads);
  const pid_t child = fork();
  if (child == 0) {
    const auto counts = visits(1000, 1, kThreads);
    _exit(std::count(counts.begin(), counts.end(), 1) == 1000 && pool_worker_count() > 0 ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

}  // namespace
}  // namespace anyrt
