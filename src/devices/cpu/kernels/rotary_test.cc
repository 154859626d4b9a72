#include "devices/cpu/kernel_testing.h"

namespace anyrt::cpu {
namespace {

TEST(RotaryEmbedding, Onnx) {
  on_every_isa([] {
    for (const char* line : {": f32[2,3,5,8]{rand:1}, f32[2,5,4]{rand:2}, f32[2,5,4]{rand:3} -> ?",
                             "interleaved=1 : f32[2,3,5,64]{rand:1}, f32[9,32]{rand:2}, f32[9,32]{rand:3}, "
                             "i64[2,5]{0 1 2 3 4 4 5 6 7 8} -> ?",
                             "num_heads=2 rotary_embedding_dim=34 : f32[2,3,80]{rand:1}, f32[2,3,17]{rand:2}, "
                             "f32[2,3,17]{rand:3} -> ?",
                             "num_heads=2 rotary_embedding_dim=34 interleaved=1 : f32[2,3,80]{rand:1}, "
                             "f32[2,3,17]{rand:2}, f32[2,3,17]{rand:3} -> ?",
                             "interleaved=1 : f32[1,1,1,4]{1 nan 3 inf}, f32[1,1,2]{1 1}, f32[1,1,2]{1 1} -> ?",
                             ": f32[0,3,5,8]{}, f32[0,5,4]{}, f32[0,5,4]{} -> ?"}) {
      EXPECT_TRUE(check_kernel({.op = "RotaryEmbedding", .kernel = "f32_rotary"}, line));
    }
  });
}

TEST(RotaryEmbedding, Microsoft) {
  on_every_isa([] {
    for (const char* line : {": f32[2,3,5,8]{rand:1}, i64[1]{3}, f32[9,4]{rand:2}, f32[9,4]{rand:3} -> ?",
                             "interleaved=1 : f32[2,3,48]{rand:1}, i64[2,3]{0 1 2 3 4 4}, f32[9,12]{rand:2}, "
                             "f32[9,12]{rand:3} -> ?",
                             "num_heads=2 rotary_embedding_dim=34 : f32[2,3,80]{rand:1}, i64[1]{0}, f32[9,17]{rand:2}, "
                             "f32[9,17]{rand:3} -> ?"}) {
      EXPECT_TRUE(check_kernel({.domain = "com.microsoft", .op = "RotaryEmbedding", .kernel = "f32_rotary"}, line));
    }
  });
}

}  // namespace
}  // namespace anyrt::cpu
