#include "devices/cpu/kernel_testing.h"

namespace anyrt::cpu {
namespace {

TEST(Elementwise, Relu) {
  for (const char* dims : {"", "0", "1", "17", "3,5,7", "1000,101"}) {
    EXPECT_TRUE(check_kernel({.op = "Relu"}, fmt::format(": f32[{}]{{rand:1}} -> ?", dims)));
  }
}

}  // namespace
}  // namespace anyrt::cpu
