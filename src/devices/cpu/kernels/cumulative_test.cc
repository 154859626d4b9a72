#include "devices/cpu/kernel_testing.h"

namespace anyrt::cpu {
namespace {

TEST(Cumulative, EveryAxisAndType) {
  for (const char* op : {"CumSum", "CumProd"}) {
    for (const char* type : {"f32", "f64", "i32", "i64"}) {
      for (const int way : {0, 1, 2, 3}) {
        for (const char* line :
             {"{}[1]{{rand:1}}, i32[]{{0}}", "{}[37]{{rand:2}}, i64[1]{{0}}", "{}[21,50]{{rand:3}}, i64[]{{1}}",
              "{}[21,50]{{rand:4}}, i64[]{{0}}", "{}[3,9,600]{{rand:5}}, i64[]{{-2}}",
              "{}[3,2,70]{{rand:6}}, i64[]{{-3}}", "{}[300,400]{{rand:7}}, i64[]{{-1}}"}) {
          EXPECT_TRUE(check_kernel({.op = op, .kernel = "cumulative", .constants = 2, .tolerance = {0, 0}},
                                   fmt::format("exclusive={} reverse={} : {} -> ?", way & 1, way >> 1,
                                               fmt::format(fmt::runtime(line), type))));
        }
      }
    }
  }
}

TEST(Cumulative, WrapsAndKeepsNan) {
  const KernelCheck check = {.op = "CumSum", .constants = 2, .tolerance = {0, 0}};
  EXPECT_TRUE(check_kernel(check, ": i32[3]{2147483647 1 1}, i32[]{0} -> ?"));
  EXPECT_TRUE(check_kernel(check, ": f32[5]{1 inf -inf nan 1}, i32[]{0} -> ?"));
  EXPECT_FALSE(check_kernel(check, ": f32[0]{}, i32[]{0} -> ?"));
}

}  // namespace
}  // namespace anyrt::cpu
