#include "devices/cpu/kernel_run_testing.h"

namespace anyrt::cpu {
namespace {

void check(const std::string& line, const std::string& error = "") {
  check_kernel_run("com.microsoft", "GroupQueryAttention", line, error, {2e-5, 2e-6});
}

TEST(GroupQueryAttention, AsTheReference) {
  on_every_isa([] {
    for (const char* settings : {"", "scale=0.3 softcap=2.0 ", "local_window_size=3 "}) {
      for (const char* line :
           {": f32[2,3,32]{rand:1}, f32[2,3,16]{rand:2}, f32[2,3,16]{rand:3}, _, _, i32[2]{2 2}, i32[]{3} -> ?, ?, ?",
            ": f32[2,3,32]{rand:1}, f32[2,3,16]{rand:2}, f32[2,3,16]{rand:3}, _, _, i32[2]{0 2}, i32[]{3} -> ?, ?, ?",
            ": f32[2,1,64]{rand:1}, _, _, f32[2,2,5,8]{rand:2}, f32[2,2,5,8]{rand:3}, i32[2]{5 2}, i32[1]{6} "
            "-> ?, ?, ?",
            ": f32[2,1,64]{rand:1}, _, _, f32[2,2,9,8]{rand:2}, f32[2,2,9,8]{rand:3}, i32[2]{4 2}, i32[1]{6} "
            "-> ?, ?, ?",
            ": f32[1,4,64]{rand:1}, _, _, f32[1,2,5,8]{rand:2}, f32[1,2,5,8]{rand:3}, i32[1]{8}, i32[1]{9} -> ?",
            "do_rotary=1 : f32[2,3,64]{rand:1}, _, _, _, _, i32[2]{2 1}, i32[]{3}, f32[9,4]{rand:5}, f32[9,4]{rand:6} "
            "-> ?, ?, ?",
            "do_rotary=1 rotary_interleaved=1 : f32[2,1,64]{rand:1}, _, _, f32[2,2,5,8]{rand:2}, "
            "f32[2,2,5,8]{rand:3}, i32[2]{5 2}, i32[1]{6}, f32[9,2]{rand:5}, f32[9,2]{rand:6} -> ?, ?, ?"}) {
        check(std::string("num_heads=4 kv_num_heads=2 ") + settings + line);
      }
    }
  });
}

TEST(GroupQueryAttention, LeavesTheRestToTheReference) {
  check("num_heads=4 kv_num_heads=2 smooth_softmax=1 : f32[1,2,64]{rand:1}, _, _, _, _, i32[1]{1}, i32[]{2} -> ?");
  check(
      "num_heads=2 kv_num_heads=1 : f32[1,1,32]{rand:1}, _, _, _, _, i32[1]{0}, i32[]{1}, _, _, _, "
      "f32[1,1,1,1]{rand:2} -> ?");
  check("num_heads=2 kv_num_heads=1 : f32[1,3,16]{rand:1}, _, _, _, _, i32[1]{3}, i32[]{3} -> ?", "seqlens_k");
  check(
      "num_heads=2 kv_num_heads=1 do_rotary=1 : f32[1,2,16]{rand:1}, _, _, _, _, i32[1]{1}, i32[]{2}, "
      "f32[1,2]{rand:2}, f32[1,2]{rand:3} -> ?",
      "position 1");
}

}  // namespace
}  // namespace anyrt::cpu
