#include "devices/cpu/kernel_testing.h"

namespace anyrt::cpu {
namespace {

Tolerance tolerance_of(const std::string& type) {
  return type == "f16" ? Tolerance{2e-3, 2e-3} : type == "bf16" ? Tolerance{2e-2, 2e-2} : Tolerance{1e-5, 3e-6};
}

TEST(ChannelNorm, EveryTypeAndShape) {
  on_every_isa([] {
    for (const char* type : {"f32", "f64", "f16", "bf16"}) {
      for (const char* shape : {"1,4,1", "2,4,7", "3,8,5,9", "1,8,2,3,40", "2,4,100,101"}) {
        const char channels = shape[2];
        const std::string in =
            fmt::format(": {0}[{1}]{{rand:1}}, {0}[{2}]{{rand:2}}, {0}[{2}]{{rand:3}}", type, shape, channels);
        const KernelCheck check = {
            .op = "InstanceNormalization", .kernel = "instance_norm", .tolerance = tolerance_of(type)};
        EXPECT_TRUE(check_kernel(check, in + " -> ?"));
        for (const int groups : {1, 2, 4}) {
          EXPECT_TRUE(check_kernel({.op = "GroupNormalization", .kernel = "group_norm", .tolerance = check.tolerance},
                                   fmt::format("num_groups={} {} -> ?", groups, in)));
        }
        std::string positive;
        for (int i = '0'; i < channels; ++i) positive += fmt::format("{} ", 0.25 * (i - '0' + 1));
        EXPECT_TRUE(check_kernel(
            {.op = "BatchNormalization", .kernel = "batch_norm", .tolerance = check.tolerance},
            fmt::format("epsilon=0.01 {0}, {1}[{2}]{{rand:4}}, {1}[{2}]{{{3}}} -> ?", in, type, channels, positive)));
      }
    }
  });
}

TEST(ChannelNorm, LargeMeansAndNan) {
  const KernelCheck check = {.op = "InstanceNormalization", .tolerance = {1e-3, 1e-3}};
  EXPECT_TRUE(check_kernel(check, ": f32[1,1,4]{1000 1001 1002 1003}, f32[1]{1}, f32[1]{0} -> ?"));
  EXPECT_TRUE(check_kernel(check, ": f32[1,2,2]{1 nan 2 4}, f32[2]{1 1}, f32[2]{0 0} -> ?"));
  EXPECT_FALSE(check_kernel(check, ": f32[0,2,2]{}, f32[2]{1 1}, f32[2]{0 0} -> ?"));
}

}  // namespace
}  // namespace anyrt::cpu
