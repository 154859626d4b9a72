#include "devices/cpu/kernel_testing.h"

namespace anyrt::cpu {
namespace {

constexpr KernelCheck kCheck = {
    .domain = "com.microsoft", .op = "MultiHeadAttention", .kernel = "multi_head_attention", .tolerance = {2e-5, 2e-6}};

TEST(MultiHeadAttention, EveryLayout) {
  on_every_isa([] {
    for (const char* line :
         {": f32[2,5,24]{rand:1}, f32[2,7,24]{rand:2}, f32[2,7,24]{rand:3} -> ?",
          ": f32[2,5,24]{rand:1}, f32[2,7,24]{rand:2}, f32[2,7,12]{rand:3} -> ?",
          "scale=0.3 : f32[1,80,24]{rand:1}, f32[1,90,24]{rand:2}, f32[1,90,24]{rand:3} -> ?",
          ": f32[2,5,24]{rand:1}, f32[2,3,7,8]{rand:2}, f32[2,3,7,4]{rand:3} -> ?",
          ": f32[2,5,24]{rand:1}, f32[2,7,3,2,8]{rand:2} -> ?", ": f32[2,5,3,3,8]{rand:1} -> ?",
          "unidirectional=1 : f32[2,5,3,3,8]{rand:1} -> ?",
          ": f32[2,5,24]{rand:1}, f32[2,7,24]{rand:2}, f32[2,7,24]{rand:3}, f32[72]{rand:4} -> ?",
          ": f32[2,5,24]{rand:1}, f32[2,3,7,8]{rand:2}, f32[2,3,7,8]{rand:3}, f32[72]{rand:4} -> ?"}) {
      EXPECT_TRUE(check_kernel(kCheck, std::string("num_heads=3 ") + line)) << line;
    }
  });
}

TEST(MultiHeadAttention, MasksAndPast) {
  for (const char* line :
       {"f32[2,4,16]{rand:1}, f32[2,3,16]{rand:2}, f32[2,3,16]{rand:3}, _, i32[2,3]{1 0 1 0 0 0} -> ?",
        "f32[2,4,16]{rand:1}, f32[2,3,16]{rand:2}, f32[2,3,16]{rand:3}, _, _, f32[2,2,4,3]{rand:4} -> ?",
        "f32[2,4,16]{rand:1}, f32[2,3,16]{rand:2}, f32[2,3,16]{rand:3}, _, i32[2,3]{1 1 1 1 1 0}, f32[1,1,4,3]{rand:4} "
        "-> ?",
        "f32[2,4,16]{rand:1}, f32[2,3,16]{rand:2}, f32[2,3,16]{rand:3}, f32[48]{rand:9}, _, _, f32[2,2,5,8]{rand:4}, "
        "f32[2,2,5,8]{rand:5} -> ?, ?, ?",
        "f32[2,1,16]{rand:1}, f32[2,1,16]{rand:2}, f32[2,1,16]{rand:3}, _, i32[2,1]{1 0}, _, f32[2,2,5,8]{rand:4}, "
        "f32[2,2,5,8]{rand:5} -> ?, ?, ?",
        "f32[2,1,16]{rand:1}, f32[2,1,16]{rand:2}, f32[2,1,16]{rand:3}, _, i32[2,6]{1 0 1 1 1 1 0 1 1 1 1 1}, _, "
        "f32[2,2,5,8]{rand:4}, f32[2,2,5,8]{rand:5} -> ?",
        "f32[1,4,16]{rand:1}, f32[1,4,16]{rand:2}, f32[1,4,16]{rand:3} -> ?, ?, ?"}) {
    EXPECT_TRUE(check_kernel(kCheck, std::string("num_heads=2 : ") + line)) << line;
    if (std::strstr(line, "f32[2,1,16]")) {
      EXPECT_TRUE(check_kernel(kCheck, std::string("num_heads=2 unidirectional=1 : ") + line)) << line;
    }
  }
  EXPECT_FALSE(check_kernel(
      kCheck, "num_heads=2 unidirectional=1 : f32[2,4,16]{rand:1}, f32[2,3,16]{rand:2}, f32[2,3,16]{rand:3} -> ?"));
}

}  // namespace
}  // namespace anyrt::cpu
