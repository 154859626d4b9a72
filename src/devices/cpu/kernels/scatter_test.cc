#include "devices/cpu/kernel_testing.h"

namespace anyrt::cpu {
namespace {

TEST(Scatter, GatherNd) {
  const KernelCheck check = {.op = "GatherND", .kernel = "gather_nd", .tolerance = {0, 0}};
  for (const char* type : {"f32", "f64", "f16", "u8", "bool", "i64"}) {
    for (const char* line : {"[3,4]{rand:1}, i64[2,2]{0 3 2 -1}", "[3,4]{rand:1}, i64[2,3,1]{0 2 -3 1 1 1}",
                             "[2,3,4]{rand:1}, i64[2,1]{1 0}", "[2,3,4]{rand:1}, i64[1,3]{1 2 -4}"}) {
      EXPECT_TRUE(check_kernel(check, fmt::format(": {}{} -> ?", type, line)));
    }
    EXPECT_TRUE(
        check_kernel(check, fmt::format("batch_dims=1 : {}[2,3,4]{{rand:1}}, i64[2,2,1]{{0 2 1 -1}} -> ?", type)));
    EXPECT_TRUE(
        check_kernel(check, fmt::format("batch_dims=2 : {}[2,2,4]{{rand:1}}, i64[2,2,1]{{0 2 1 -1}} -> ?", type)));
  }
}

TEST(Scatter, Nd) {
  for (const char* how : {"none", "add", "mul", "min", "max"}) {
    for (const char* type : {"f32", "f64", "f16", "bf16", "u8", "i8", "i32", "i64"}) {
      for (const char* line : {"{0}[3,4]{{rand:1}}, i64[3,2]{{0 3 2 -1 0 3}}, {0}[3]{{rand:2}}",
                               "{0}[3,40]{{rand:1}}, i64[2,2,1]{{0 2 -3 1}}, {0}[2,2,40]{{rand:2}}",
                               "{0}[50,3,77]{{rand:1}}, i64[2,2]{{49 1 -1 -2}}, {0}[2,77]{{rand:2}}"}) {
        EXPECT_TRUE(
            check_kernel({.op = "ScatterND", .kernel = "scatter_nd", .tolerance = {0, 0}},
                         fmt::format("reduction=\"{}\" : {} -> ?", how, fmt::format(fmt::runtime(line), type))));
      }
    }
  }
}

TEST(Scatter, Elements) {
  for (const char* how : {"none", "add", "mul", "min", "max"}) {
    for (const char* type : {"f32", "f64", "f16", "u8", "i64"}) {
      for (const char* line : {"axis=0 {1}: {0}[5]{{rand:1}}, i64[4]{{0 -1 0 3}}, {0}[4]{{rand:2}}",
                               "axis=0 {1}: {0}[3,4]{{rand:1}}, i32[2,3]{{0 2 1 -1 0 0}}, {0}[2,3]{{rand:2}}",
                               "axis=1 {1}: {0}[3,4]{{rand:1}}, i64[2,3]{{0 3 1 -1 0 0}}, {0}[2,3]{{rand:2}}",
                               "axis=1 {1}: {0}[2,3,4]{{rand:1}}, i64[2,1,3]{{0 2 1 -1 0 0}}, {0}[2,1,3]{{rand:2}}"}) {
        EXPECT_TRUE(check_kernel(
            {.op = "ScatterElements", .kernel = "scatter_elements", .tolerance = {0, 0}},
            fmt::format("{} -> ?", fmt::format(fmt::runtime(line), type, fmt::format("reduction=\"{}\" ", how)))));
      }
    }
  }
}

TEST(Scatter, OnEveryIsaAndRefused) {
  on_every_isa([] {
    EXPECT_TRUE(check_kernel({.op = "ScatterND", .tolerance = {0, 0}},
                             "reduction=\"add\" : f32[9,37]{rand:1}, i64[3,1]{2 2 8}, f32[3,37]{rand:2} -> ?"));
  });
  EXPECT_FALSE(check_kernel({.op = "ScatterND"}, ": f32[2]{1 2}, i64[0,1]{}, f32[0]{} -> ?"));
  EXPECT_FALSE(check_kernel({.op = "GatherND"}, ": f32[2,2]{0 1 2 3}, i64[0,2]{} -> ?"));
}

}  // namespace
}  // namespace anyrt::cpu
