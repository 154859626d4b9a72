#include "base/process.h"

#include <gtest/gtest.h>

#include <cfenv>
#include <string>
#include <thread>
#include <vector>

#include "base/float_mode.h"
#include "base/threads.h"

namespace anyrt {
namespace {

int live = 0;
struct Counted {
  Counted() { ++live; }
  ~Counted() { --live; }
  std::string text = "fresh";
};

Counted& counted() {
  static constinit ProcessObject<Counted> object;
  return object.get();
}

TEST(ProcessObject, IsFreedAtUnloadAndMadeAnewLater) {
  counted().text = "used";
  EXPECT_EQ(counted().text, "used");
  EXPECT_EQ(live, 1);
  unload_process_objects();
  EXPECT_EQ(live, 0);
  EXPECT_EQ(counted().text, "fresh");
  unload_process_objects();
  EXPECT_EQ(live, 0);
}

TEST(ProcessObject, UnloadEndsTheThreads) {
  std::vector<int> seen(100);
  const auto fill = [&] {
    parallel_for(
        100, 1,
        [&](int64_t b, int64_t e) {
          for (int64_t i = b; i < e; ++i) ++seen[static_cast<size_t>(i)];
        },
        4);
  };
  fill();
  EXPECT_GT(pool_worker_count(), 0);
  unload_process_objects();
  EXPECT_EQ(pool_worker_count(), 0);
  fill();
  EXPECT_EQ(seen, std::vector<int>(100, 2));
  unload_process_objects();
}

TEST(FloatModeScope, GivesBackTheCallersMode) {
  std::fesetround(FE_UPWARD);
  std::feclearexcept(FE_ALL_EXCEPT);
  {
    const FloatModeScope scope;
    volatile float one = 1, three = 3;
    EXPECT_EQ(one / three, 0x1.555556p-2f);
  }
  volatile float one = 1, three = 3;
  EXPECT_EQ(std::fegetround(), FE_UPWARD);
  // What is computed inside leaves no trace in the caller's flags.
#if defined(__SSE2__)
  EXPECT_EQ(__builtin_ia32_stmxcsr() & 0x3fu, 0u);
#else
  EXPECT_EQ(std::fetestexcept(FE_ALL_EXCEPT), 0);
#endif
  volatile float minus = -1;
  EXPECT_GT(minus / three, -0x1.555556p-2f);
  (void)one;
  std::fesetround(FE_TONEAREST);
}

}  // namespace
}  // namespace anyrt
