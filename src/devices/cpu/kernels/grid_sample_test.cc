#include "devices/cpu/kernel_testing.h"

namespace anyrt::cpu {
namespace {

TEST(GridSample, EveryMode) {
  const KernelCheck check = {.op = "GridSample", .kernel = "grid_sample", .tolerance = {1e-5, 1e-6}};
  for (const char* mode : {"nearest", "linear", "cubic"}) {
    for (const char* padding : {"zeros", "border", "reflection"}) {
      for (const int align : {0, 1}) {
        const std::string settings =
            fmt::format("mode=\"{}\" padding_mode=\"{}\" align_corners={} : ", mode, padding, align);
        for (const char* line :
             {"f32[2,3,5,7]{rand:1}, f32[2,9,11,2]{rand:2} -> ?", "f32[1,2,40,50]{rand:1}, f32[1,64,3,2]{rand:2} -> ?",
              "f32[1,1,1,1]{rand:1}, f32[1,2,2,2]{rand:2} -> ?",
              "f32[1,2,3,4]{rand:1}, f32[1,1,5,2]{-1 1 1.5 -3 nan 0 inf -inf 0.99 -0.99} -> ?"}) {
          EXPECT_TRUE(check_kernel(check, settings + line)) << line;
        }
      }
    }
  }
  EXPECT_FALSE(check_kernel({.op = "GridSample"}, ": f32[1,1,2,2,2]{rand:1}, f32[1,1,1,2,3]{rand:2} -> ?"));
}

}  // namespace
}  // namespace anyrt::cpu
