#include "base/cpu.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>

namespace anyrt {
namespace {

TEST(Cpu, InfoIsPlausible) {
  const CpuInfo& info = cpu_info();
  EXPECT_GE(info.logical, 1);
  EXPECT_GE(info.usable, 1);
  EXPECT_GE(info.physical, 1);
  EXPECT_LE(info.physical, info.usable);
  EXPECT_GE(info.quota, 0);
  EXPECT_GE(info.line, 16u);
  EXPECT_GE(default_thread_count(), 1);
#if defined(__x86_64__)
  EXPECT_EQ(info.has("avx2"), __builtin_cpu_supports("avx2") != 0);
#endif
}

TEST(Cpu, ParsesKernelTexts) {
  EXPECT_EQ(detail::parse_cpu_list("0-2,8\n"), (std::vector<int>{0, 1, 2, 8}));
  EXPECT_EQ(detail::parse_cpu_list("5"), std::vector<int>{5});
  EXPECT_TRUE(detail::parse_cpu_list("").empty());
  EXPECT_TRUE(detail::parse_cpu_list("x").empty());
  EXPECT_TRUE(detail::parse_cpu_list("0-99999999").empty());
  EXPECT_DOUBLE_EQ(detail::parse_cpu_max("150000 100000\n"), 1.5);
  EXPECT_DOUBLE_EQ(detail::parse_cpu_max("max 100000\n"), 0);
  EXPECT_DOUBLE_EQ(detail::parse_cpu_max("-1 100000"), 0);
  EXPECT_DOUBLE_EQ(detail::parse_cpu_max(""), 0);
}

TEST(Cpu, MemoryGrowsWithUse) {
  const MemoryInfo before = memory_info();
  EXPECT_GT(before.total, 0u);
  EXPECT_GT(before.resident, 0u);
  EXPECT_GE(before.peak, before.resident);
  constexpr size_t kBytes = size_t{64} << 20;
  const auto block = std::make_unique<char[]>(kBytes);
  std::memset(block.get(), 1, kBytes);
  EXPECT_GE(memory_info().resident, before.resident + kBytes / 2);
}

}  // namespace
}  // namespace anyrt
