#include <random>

#include "devices/cpu/kernel_testing.h"

namespace anyrt::cpu {
namespace {

TEST(Pool, Windows) {
  on_every_isa([] {
    std::mt19937 random(3);
    for (int round = 0; round < 30; ++round) {
      const int h = 1 + static_cast<int>(random() % 20), w = 1 + static_cast<int>(random() % 40);
      const int kh = 1 + static_cast<int>(random() % 5), kw = 1 + static_cast<int>(random() % 5);
      const int stride = 1 + static_cast<int>(random() % 3), pad = static_cast<int>(random() % 3), ceil = random() % 2;
      if (pad >= std::min(kh, kw) || h + 2 * pad < kh || w + 2 * pad < kw) continue;
      const std::string line = fmt::format("kernel_shape=[{},{}] strides=[{},{}] pads=[{},{},{},{}] ceil_mode={}", kh,
                                           kw, stride, stride, pad, pad, pad, pad, ceil);
      const std::string data = fmt::format(" : f32[2,3,{},{}]{{rand:{}}} -> ?", h, w, round);
      check_kernel({.op = "MaxPool", .kernel = "f32_max_pool"}, line + data);
      check_kernel({.op = "AveragePool", .kernel = "f32_average_pool"}, line + data);
      check_kernel({.op = "AveragePool"}, line + " count_include_pad=1" + data);
      // Channels in blocks: a last axis that the windows do not span.
      const std::string blocks =
          fmt::format("kernel_shape=[{0},{1},1] strides=[{2},{2},1] pads=[{3},{3},0,{3},{3},0] ceil_mode={4}", kh, kw,
                      stride, pad, ceil);
      const std::string blocked = fmt::format(" : f32[1,2,{},{},{}]{{rand:{}}} -> ?", h, w, round % 2 ? 16 : 5, round);
      check_kernel({.op = "MaxPool", .kernel = "f32_max_pool"}, blocks + blocked);
      check_kernel({.op = "AveragePool", .kernel = "f32_average_pool"}, blocks + " count_include_pad=1" + blocked);
    }
    EXPECT_TRUE(check_kernel({.op = "MaxPool"}, "kernel_shape=[13,13] pads=[6,6,6,6] : f32[1,2,13,13]{rand:1} -> ?"));
    EXPECT_TRUE(check_kernel({.op = "MaxPool"}, "kernel_shape=[3] dilations=[2] : f32[1,2,40]{rand:1} -> ?"));
    EXPECT_TRUE(
        check_kernel({.op = "MaxPool"}, "kernel_shape=[2,2] : f32[1,1,2,4]{1 nan 3 -inf -inf 2 -inf -inf} -> ?"));
    EXPECT_TRUE(
        check_kernel({.op = "MaxPool"}, "kernel_shape=[1,2,1] : f32[1,1,1,4,2]{1 nan 3 -inf -inf 2 -inf -inf} -> ?"));
  });
}

TEST(Pool, Global) {
  on_every_isa([] {
    for (const char* op : {"GlobalMaxPool", "GlobalAveragePool"}) {
      for (const char* dims : {"1,1,1", "2,3,7,7", "1,5,16,17", "2,2,3,4,5"})
        EXPECT_TRUE(check_kernel({.op = op}, fmt::format(": f32[{}]{{rand:1}} -> ?", dims)));
      EXPECT_TRUE(check_kernel({.op = op}, ": f32[1,2,3]{1 nan 2 -inf -inf -inf} -> ?"));
    }
  });
}

TEST(Resize, Modes) {
  on_every_isa([] {
    for (const char* mode : {"nearest", "linear", "cubic"}) {
      for (const char* coordinates : {"half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"}) {
        const std::string attrs = fmt::format("mode=\"{}\" coordinate_transformation_mode=\"{}\"", mode, coordinates);
        const KernelCheck check = {.op = "Resize", .kernel = "f32_resize", .constants = 14};
        for (const char* inputs :
             {" : f32[1,2,5,6]{rand:1}, _, f32[4]{1 1 2 2} -> ?",
              " : f32[2,3,9,7]{rand:1}, _, _, i64[4]{2 3 20 33} -> ?",
              " : f32[1,20,21,40]{rand:1}, _, f32[4]{1 1 0.5 0.25} -> ?",
              " : f32[2,5,6,3]{rand:1}, _, f32[4]{1 3 2 1} -> ?", " : f32[2,3,40]{rand:1}, _, f32[3]{1 1 1.7} -> ?"})
          EXPECT_TRUE(check_kernel(check, attrs + inputs));
      }
    }
    EXPECT_TRUE(check_kernel({.op = "Resize", .constants = 14},
                             "mode=\"linear\" antialias=1 : f32[1,2,20,30]{rand:1}, _, f32[4]{1 1 0.3 0.4} -> ?"));
  });
}

}  // namespace
}  // namespace anyrt::cpu
