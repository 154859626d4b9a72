#include "devices/cpu/kernel_testing.h"

namespace anyrt::cpu {
namespace {

TEST(ProjectedAttention, AsTheReference) {
  on_every_isa([] {
    for (const uint32_t constants : {0u, 6u}) {
      const KernelCheck check = {.domain = "com.microsoft",
                                 .op = "Attention",
                                 .kernel = "projected_attention",
                                 .constants = constants,
                                 .tolerance = {2e-5, 5e-6}};
      for (const char* line :
           {": f32[2,5,12]{rand:1}, f32[12,24]{rand:2}, f32[24]{rand:3} -> ?",
            ": f32[2,5,12]{rand:1}, f32[12,24]{rand:2} -> ?",
            "qkv_hidden_sizes=[8,8,4] : f32[2,5,12]{rand:1}, f32[12,20]{rand:2}, f32[20]{rand:3} -> ?",
            "unidirectional=1 scale=0.4 : f32[1,70,32]{rand:1}, f32[32,96]{rand:2}, f32[96]{rand:3} -> ?",
            ": f32[2,3,12]{rand:1}, f32[12,24]{rand:2}, f32[24]{rand:3}, i32[2]{3 1} -> ?",
            ": f32[2,3,12]{rand:1}, f32[12,24]{rand:2}, f32[24]{rand:3}, i32[2,3]{1 0 1 0 0 0} -> ?",
            ": f32[2,3,12]{rand:1}, f32[12,24]{rand:2}, f32[24]{rand:3}, i32[2,3]{1 0 1 1 1 0}, _, "
            "f32[1,2,3,3]{rand:4} -> ?",
            ": f32[2,3,12]{rand:1}, f32[12,24]{rand:2}, f32[24]{rand:3}, _, _, f32[2,1,3,3]{rand:4} -> ?"}) {
        EXPECT_TRUE(check_kernel(check, std::string("num_heads=2 ") + line)) << line;
      }
      EXPECT_FALSE(check_kernel(check, "num_heads=2 do_rotary=1 : f32[1,3,12]{rand:1}, f32[12,24]{rand:2} -> ?"));
    }
  });
}

}  // namespace
}  // namespace anyrt::cpu
