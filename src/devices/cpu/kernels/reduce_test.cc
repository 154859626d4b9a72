#include <random>

#include "devices/cpu/kernel_testing.h"

namespace anyrt::cpu {
namespace {

constexpr const char* kFloatOps[] = {"ReduceSum", "ReduceMean", "ReduceSumSquare", "ReduceL1",  "ReduceL2",
                                     "ReduceMax", "ReduceMin",  "ReduceLogSumExp", "ReduceProd"};

std::string joined(const std::vector<int64_t>& list, const char* separator) {
  std::string text;
  for (const int64_t v : list) text += (text.empty() ? "" : separator) + std::to_string(v);
  return text;
}

std::string case_of(const char* type, const std::vector<int64_t>& dims, const std::vector<int64_t>& axes, bool keep,
                    int seed) {
  return fmt::format("keepdims={} : {}[{}]{{rand:{}}}, i64[{}]{{{}}} -> ?", keep ? 1 : 0, type, joined(dims, ","), seed,
                     axes.size(), joined(axes, " "));
}

KernelCheck check_of(const char* op, const char* type) {
  const bool narrow = std::string(type).ends_with("16") && type[0] != 'i' && type[0] != 'u';
  return {.op = op,
          .constants = 2,
          .tolerance = narrow ? Tolerance{1e-2, 1e-3} : Tolerance{1e-5, 1e-6},
          .scale_tolerance = 1e-6};
}

TEST(Reduce, RandomShapes) {
  std::mt19937 random(1);
  on_every_isa([&] {
    for (int round = 0; round < 60; ++round) {
      const size_t rank = 1 + random() % 5;
      std::vector<int64_t> dims, axes;
      for (size_t i = 0; i < rank; ++i) {
        dims.push_back(static_cast<int64_t>(random() % 10 == 0 ? 1 : 1 + random() % (rank < 3 ? 200 : 13)));
        if (random() % 2)
          axes.push_back(random() % 2 ? static_cast<int64_t>(i) : static_cast<int64_t>(i) - static_cast<int64_t>(rank));
      }
      const char* op = kFloatOps[random() % std::size(kFloatOps)];
      EXPECT_TRUE(check_kernel(check_of(op, "f32"), case_of("f32", dims, axes, random() % 2, round)));
    }
  });
}

TEST(Reduce, EveryOperatorAndForm) {
  on_every_isa([] {
    for (const char* op : kFloatOps) {
      for (const auto& [dims, axes] :
           std::vector<std::pair<std::vector<int64_t>, std::vector<int64_t>>>{{{}, {}},
                                                                              {{37}, {0}},
                                                                              {{3, 70}, {1}},
                                                                              {{70, 3}, {0}},
                                                                              {{70, 133}, {0}},
                                                                              {{2, 5, 67}, {0, 2}},
                                                                              {{2, 5, 67}, {1}},
                                                                              {{2, 3, 5, 7, 16}, {2, 3}},
                                                                              {{4, 0}, {1}},
                                                                              {{4, 0}, {0}},
                                                                              {{0, 3}, {0}},
                                                                              {{3, 4, 5, 6}, {0, 2}},
                                                                              {{3, 4, 5, 6}, {1, 3}},
                                                                              {{9, 4100}, {1}},
                                                                              {{1, 1}, {0}}}) {
        EXPECT_TRUE(check_kernel(check_of(op, "f32"), case_of("f32", dims, axes, true, 3)));
      }
      EXPECT_TRUE(check_kernel(check_of(op, "f32"), "noop_with_empty_axes=1 : f32[3,70]{rand:1} -> ?"));
      EXPECT_TRUE(check_kernel(check_of(op, "f32"), "keepdims=0 : f32[3,70]{rand:1} -> ?"));
      for (const char* type : {"f64", "f16", "bf16"}) {
        EXPECT_TRUE(check_kernel(check_of(op, type), case_of(type, {3, 4, 50}, {2}, true, 3)));
        EXPECT_TRUE(check_kernel(check_of(op, type), case_of(type, {3, 4, 50}, {0, 1}, false, 3)));
      }
    }
    EXPECT_TRUE(check_kernel(check_of("ReduceLogSum", "f32"), ": f32[3]{1 2 3} -> ?"));
  });
}

// Cut into parts: the same bits with every number of threads.
TEST(Reduce, LargeToFew) {
  for (const char* op : {"ReduceSum", "ReduceMax", "ReduceL2", "ReduceMean"}) {
    EXPECT_TRUE(check_kernel(check_of(op, "f32"), case_of("f32", {1000003}, {0}, true, 3)));
    EXPECT_TRUE(check_kernel(check_of(op, "f32"), case_of("f32", {3, 300001}, {1}, true, 3)));
    EXPECT_TRUE(check_kernel(check_of(op, "f32"), case_of("f32", {70001, 5}, {0}, true, 3)));
    EXPECT_TRUE(check_kernel(check_of(op, "f32"), case_of("f32", {20, 3, 20000}, {0, 2}, true, 3)));
    EXPECT_TRUE(check_kernel(check_of(op, "f32"), case_of("f32", {2, 64, 4000}, {2}, true, 3)));
  }
}

TEST(Reduce, NumbersThatAreNone) {
  on_every_isa([] {
    for (const char* op : kFloatOps) {
      for (const char* x : {"nan 1 2 3 4 5", "1 2 3 4 5 nan", "inf 1 2 3 4 5", "-inf inf 1 2 3 4",
                            "1e-40 1e-45 0 -0 0 0", "-inf -inf -inf -inf -inf -inf"}) {
        EXPECT_TRUE(check_kernel(check_of(op, "f32"), fmt::format(": f32[6]{{{}}}, i64[1]{{0}} -> ?", x)));
        EXPECT_TRUE(check_kernel(check_of(op, "f32"), fmt::format(": f32[6,1,1]{{{}}}, i64[1]{{0}} -> ?", x)));
        EXPECT_TRUE(check_kernel(check_of(op, "f32"), fmt::format(": f32[3,2]{{{}}}, i64[1]{{0}} -> ?", x)));
        EXPECT_TRUE(check_kernel(check_of(op, "f32"), fmt::format(": f32[3,2]{{{}}}, i64[1]{{1}} -> ?", x)));
      }
    }
  });
}

TEST(Reduce, Integers) {
  for (const char* type : {"i32", "i64", "u8", "i8", "u16", "i16", "u32", "u64"}) {
    for (const char* op : kFloatOps) {
      if (std::string(op) == "ReduceL2" || std::string(op) == "ReduceLogSumExp") continue;  // by their reference
      for (const auto& axes : std::vector<std::vector<int64_t>>{{0}, {1}, {0, 2}, {}})
        EXPECT_TRUE(check_kernel(check_of(op, type), case_of(type, {3, 40, 5}, axes, true, 3)));
      EXPECT_TRUE(check_kernel(check_of(op, type), case_of(type, {3, 0}, {1}, true, 3)));
    }
  }
  for (const char* op : {"ReduceMax", "ReduceMin"})
    EXPECT_TRUE(check_kernel(check_of(op, "bool"), ": bool[2,3]{0 1 0 0 0 0}, i64[1]{1} -> ?"));
  EXPECT_TRUE(check_kernel(check_of("ReduceSum", "i32"), ": i32[3]{2147483647 1 1} -> ?"));
  EXPECT_TRUE(check_kernel(check_of("ReduceMean", "i32"), ": i32[3]{2147483647 2147483647 1} -> ?"));
  EXPECT_TRUE(check_kernel(check_of("ReduceMean", "i64"), ": i64[2]{-3 -4} -> ?"));
}

}  // namespace
}  // namespace anyrt::cpu
