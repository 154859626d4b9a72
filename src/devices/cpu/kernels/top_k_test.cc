#include "devices/cpu/kernel_testing.h"

namespace anyrt::cpu {
namespace {

constexpr KernelCheck kTopK = {.op = "TopK", .kernel = "top_k", .constants = 2, .tolerance = {0, 0}};

TEST(TopK, EveryTypeAndAxis) {
  for (const char* type : {"f32", "f64", "f16", "bf16", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64"}) {
    for (const int largest : {0, 1}) {
      for (const char* line :
           {"axis=0 : {}[1]{{rand:1}}, i64[1]{{1}}", "axis=-1 : {}[3,50]{{rand:2}}, i64[1]{{1}}",
            "axis=-1 : {}[3,500]{{rand:3}}, i64[1]{{7}}", "axis=1 sorted=0 : {}[2,90,5]{{rand:4}}, i64[1]{{60}}",
            "axis=0 : {}[700,3]{{rand:5}}, i64[1]{{700}}", "axis=1 : {}[2,3000]{{rand:6}}, i64[1]{{100}}",
            "axis=-1 : {}[40,2000]{{rand:7}}, i64[1]{{4}}", "axis=0 : {}[900,37]{{rand:8}}, i64[1]{{1}}",
            "axis=1 : {}[2,400,33]{{rand:9}}, i64[1]{{9}}"}) {
        EXPECT_TRUE(
            check_kernel(kTopK, fmt::format("largest={} {} -> ?, ?", largest, fmt::format(fmt::runtime(line), type))));
      }
    }
  }
}

TEST(TopK, LongRowsOnEveryIsa) {
  on_every_isa([] {
    for (const int n : {70, 127, 1000, 1023}) {
      for (const int k : {1, 2, 9}) {
        for (const int largest : {0, 1}) {
          EXPECT_TRUE(check_kernel(
              kTopK, fmt::format("largest={} : f32[3,{}]{{rand:{}}}, i64[1]{{{}}} -> ?, ?", largest, n, k, k)));
          EXPECT_TRUE(check_kernel(
              kTopK, fmt::format("axis=0 largest={} : f32[{},3]{{rand:{}}}, i64[1]{{{}}} -> ?, ?", largest, n, k, k)));
        }
      }
    }
  });
}

TEST(TopK, NanZerosAndInfinity) {
  for (const char* type : {"f32", "f64", "f16", "bf16"}) {
    for (const int largest : {0, 1}) {
      for (int k = 1; k <= 12; ++k) {
        EXPECT_TRUE(check_kernel(
            kTopK, fmt::format("largest={} : {}[12]{{0 nan -0 inf -1 1 -inf nan 0 -0 1 -1}}, i64[1]{{{}}} -> ?, ?",
                               largest, type, k)));
      }
    }
  }
  EXPECT_TRUE(check_kernel(kTopK, ": i64[3]{-9223372036854775808 9223372036854775807 0}, i64[1]{3} -> ?, ?"));
  EXPECT_FALSE(check_kernel(kTopK, ": f32[2,0]{}, i64[1]{0} -> ?, ?"));
}

}  // namespace
}  // namespace anyrt::cpu
