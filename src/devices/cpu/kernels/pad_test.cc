#include "devices/cpu/kernel_testing.h"

namespace anyrt::cpu {
namespace {

constexpr KernelCheck kPad = {.op = "Pad", .kernel = "pad", .constants = 2 | 8, .tolerance = {0, 0}};

TEST(Pad, EveryModeAndType) {
  for (const char* mode : {"constant", "edge", "reflect", "wrap"}) {
    for (const char* type : {"f32", "f64", "f16", "u8", "i64", "bool", "i4"}) {
      for (const char* line :
           {"[2,3,4,5]{rand:1}, i64[8]{0 0 1 2 0 0 3 1}", "[2,3,4,5]{rand:1}, i64[8]{0 0 0 0 0 1 0 0}",
            "[7]{rand:2}, i64[2]{9 20}", "[3,4]{rand:3}, i64[4]{-1 2 1 -2}", "[1,2,1]{rand:4}, i64[6]{3 0 2 0 0 2}",
            "[2,6,3]{rand:5}, i64[6]{1 2 0 2 1 0}", "[2,3]{rand:6}, i64[4]{0 0 0 0}", "[]{rand:7}, i64[0]{}"}) {
        EXPECT_TRUE(check_kernel(kPad, fmt::format("mode=\"{}\" : {}{} -> ?", mode, type, line)));
      }
    }
  }
}

TEST(Pad, ConstantAndAxes) {
  EXPECT_TRUE(check_kernel(kPad, ": f32[2,3,4]{rand:1}, i64[4]{1 2 0 3}, f32[]{-7.5}, i64[2]{-1 0} -> ?"));
  EXPECT_TRUE(check_kernel(kPad, ": i64[2,3]{rand:1}, i64[4]{1 2 0 3}, i64[1]{-2} -> ?"));
  EXPECT_TRUE(check_kernel(kPad, ": f16[2,3]{rand:1}, i64[4]{1 2 0 3}, f16[]{1.5} -> ?"));
  EXPECT_TRUE(check_kernel(kPad, ": c128[1,2]{1+2i 3+4i}, i64[4]{1 2 0 3} -> ?"));
  EXPECT_TRUE(check_kernel(kPad, ": f32[0,3]{}, i64[4]{1 2 0 3}, f32[]{4} -> ?"));
  EXPECT_TRUE(check_kernel(kPad, ": f32[64,40,50]{rand:1}, i64[6]{0 1 1 0 1 1}, f32[]{4} -> ?"));
  EXPECT_TRUE(check_kernel(kPad, "mode=\"reflect\" : f32[300,700]{rand:1}, i64[4]{5 3 2 9} -> ?"));
  EXPECT_FALSE(check_kernel(kPad, ": f32[2,3]{rand:1}, i64[4]{-2 0 0 0} -> ?"));
}

}  // namespace
}  // namespace anyrt::cpu
