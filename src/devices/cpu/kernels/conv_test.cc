#include <random>

#include "devices/cpu/kernel_testing.h"

namespace anyrt::cpu {
namespace {

constexpr KernelCheck kConv = {
    .op = "Conv", .kernel = "f32_conv", .constants = 6, .tolerance = {1e-5, 1e-6}, .scale_tolerance = 5e-6};

TEST(Conv, Shapes) {
  on_every_isa([] {
    for (const char* line : {
             ": f32[1,3,9,11]{rand:1}, f32[8,3,1,1]{rand:2}, f32[8]{rand:3} -> ?",
             ": f32[2,17,5,7]{rand:1}, f32[33,17,1,1]{rand:2} -> ?",
             "group=3 : f32[2,6,5,7]{rand:1}, f32[9,2,1,1]{rand:2}, f32[9]{rand:3} -> ?",
             "pads=[1,1,1,1] : f32[1,3,9,11]{rand:1}, f32[8,3,3,3]{rand:2}, f32[8]{rand:3} -> ?",
             "pads=[1,2,0,1] strides=[2,1] dilations=[1,2] : f32[2,4,9,11]{rand:1}, f32[5,4,3,2]{rand:2} -> ?",
             "strides=[2,2] pads=[3,3,3,3] : f32[1,3,21,40]{rand:1}, f32[16,3,7,7]{rand:2} -> ?",
             "strides=[3,3] group=2 : f32[1,6,21,40]{rand:1}, f32[4,3,2,5]{rand:2}, f32[4]{rand:3} -> ?",
             "pads=[4,4] : f32[2,3,17]{rand:1}, f32[5,3,4]{rand:2}, f32[5]{rand:3} -> ?",
             "pads=[1,1,1,1,1,1] dilations=[2,1,1] : f32[1,2,7,6,5]{rand:1}, f32[3,2,3,3,3]{rand:2} -> ?",
             "auto_pad=\"SAME_UPPER\" strides=[2,2] : f32[1,2,10,7]{rand:1}, f32[3,2,3,3]{rand:2} -> ?",
             "pads=[1,1,1,1] : f32[1,300,7,7]{rand:1}, f32[60,300,3,3]{rand:2} -> ?",
             "pads=[6,6,6,6] : f32[1,2,3,3]{rand:1}, f32[2,2,2,2]{rand:2} -> ?",
         })
      EXPECT_TRUE(check_kernel(kConv, line));
  });
  EXPECT_TRUE(
      check_kernel(kConv, "pads=[1,1,1,1] strides=[2,2] : f32[1,16,60,90]{rand:1}, f32[64,16,3,3]{rand:2} -> ?"));
}

TEST(Conv, Depthwise) {
  on_every_isa([] {
    std::mt19937 random(7);
    for (int round = 0; round < 24; ++round) {
      const int c = 1 + static_cast<int>(random() % 5), h = 1 + static_cast<int>(random() % 20),
                w = 1 + static_cast<int>(random() % 40), k = 1 + static_cast<int>(random() % 5);
      const int stride = 1 + static_cast<int>(random() % 3), dilation = 1 + static_cast<int>(random() % 2),
                pad = (k - 1) * dilation / 2 + static_cast<int>(random() % 2);
      if (h + 2 * pad < (k - 1) * dilation + 1 || w + 2 * pad < (k - 1) * dilation + 1) continue;
      check_kernel(kConv,
                   fmt::format("group={0} strides=[{1},{1}] dilations=[{2},{2}] pads=[{3},{3},{3},{3}] : "
                               "f32[2,{0},{4},{5}]{{rand:1}}, f32[{0},1,{6},{6}]{{rand:2}}, f32[{0}]{{rand:3}} -> ?",
                               c, stride, dilation, pad, h, w, k));
    }
  });
  EXPECT_TRUE(check_kernel(kConv, "group=3 pads=[2,2] : f32[1,3,40]{rand:1}, f32[3,1,5]{rand:2} -> ?"));
}

TEST(Conv, FewOutputs) {
  on_every_isa([] {
    for (int m = 1; m <= 8; ++m) {
      EXPECT_TRUE(check_kernel(kConv, fmt::format("pads=[1,1,1,1] : f32[2,5,7,{}]{{rand:1}}, f32[{},5,3,3]{{rand:2}}, "
                                                  "f32[{}]{{rand:3}} -> ?",
                                                  16 + 13 * m, m, m)));
      EXPECT_TRUE(check_kernel(kConv, fmt::format("pads=[2,4,4,2,4,4] dilations=[2,4,4] : f32[1,3,6,9,33]{{rand:1}}, "
                                                  "f32[{},3,3,3,3]{{rand:2}} -> ?",
                                                  m)));
      EXPECT_TRUE(check_kernel(kConv, fmt::format("strides=[2,1] pads=[0,5,1,0] : f32[1,4,9,40]{{rand:1}}, "
                                                  "f32[{},4,2,5]{{rand:2}} -> ?",
                                                  m)));
    }
    EXPECT_TRUE(check_kernel(kConv, ": f32[1,2,70]{rand:1}, f32[3,2,7]{rand:2} -> ?"));
  });
}

TEST(Conv, Winograd) {
  on_every_isa([] {
    for (const char* line : {
             "pads=[1,1,1,1] : f32[1,32,14,14]{rand:1}, f32[32,32,3,3]{rand:2}, f32[32]{rand:3} -> ?",
             "pads=[1,1,1,1] : f32[2,33,17,70]{rand:1}, f32[35,33,3,3]{rand:2} -> ?",
             "pads=[0,0,0,0] : f32[1,40,15,23]{rand:1}, f32[32,40,3,3]{rand:2}, f32[32]{rand:3} -> ?",
             "pads=[2,0,1,2] : f32[1,32,13,29]{rand:1}, f32[33,32,3,3]{rand:2}, f32[33]{rand:3} -> ?",
         })
      EXPECT_TRUE(check_kernel(kConv, line));
  });
}

TEST(Conv, Fused) {
  KernelCheck check = kConv;
  check.domain = "anyrt";
  check.op = "FusedConv";
  check.kernel = "f32_fused_conv";
  on_every_isa([&] {
    for (const char* form : {"", "add_after=1", "rescale=[0.5,-0.25,0.25,40]"}) {
      for (const char* activation : {"Relu", "Swish", "HardSwish"}) {
        const std::string attrs = fmt::format("{} activation=\"{}\"", form, activation);
        EXPECT_TRUE(check_kernel(
            check, attrs + " : f32[2,5,9,8]{rand:1}, f32[6,5,1,1]{rand:2}, f32[6]{rand:3}, f32[2,6,9,8]{rand:4} -> ?"));
        EXPECT_TRUE(check_kernel(
            check,
            attrs +
                " group=5 : f32[2,5,9,8]{rand:1}, f32[5,1,2,2]{rand:2}, f32[5]{rand:3}, f32[2,5,8,7]{rand:4} -> ?"));
        EXPECT_TRUE(
            check_kernel(check, attrs + " : f32[1,3,9,8]{rand:1}, f32[5,3,2,2]{rand:2}, _, f32[1,5,8,7]{rand:4} -> ?"));
        EXPECT_TRUE(check_kernel(check, attrs + " pads=[1,1,1,1] : f32[1,32,18,19]{rand:1}, f32[32,32,3,3]{rand:2}, "
                                                "f32[32]{rand:3}, f32[1,32,18,19]{rand:4} -> ?"));
        EXPECT_TRUE(check_kernel(
            check, attrs + " pads=[1,1,1,1] : f32[1,32,18,70]{rand:1}, f32[32,32,3,3]{rand:2}, f32[32]{rand:3} -> ?"));
      }
    }
  });
}

// Winograd's sums mix neighbours: what is not finite must not spread to them.
TEST(Conv, NotFinite) {
  std::string data;
  for (int i = 0; i < 32 * 16 * 16; ++i) data += i == 100 ? "inf " : i == 5000 ? "nan " : i == 8000 ? "3e38 " : "0.5 ";
  on_every_isa([&] {
    EXPECT_TRUE(check_kernel(
        kConv, fmt::format("pads=[1,1,1,1] : f32[1,32,16,16]{{{}}}, f32[32,32,3,3]{{rand:2}} -> ?", data)));
  });
}

}  // namespace
}  // namespace anyrt::cpu
