#include <random>

#include "devices/cpu/conv/tile.h"
#include "devices/cpu/kernel_testing.h"

namespace anyrt::cpu {
namespace {

constexpr KernelCheck kBlocked = {.domain = "anyrt",
                                  .op = "FusedConv",
                                  .kernel = "f32_conv_blocked",
                                  .constants = 6,
                                  .tolerance = {1e-5, 1e-6},
                                  .scale_tolerance = 5e-6};

struct Sizes {
  int64_t n = 1, in = 16, out = 16, group = 1;
  Dims x, w;
};

// One convolution on blocks as wide as the vectors of this instruction set.
void check(const KernelCheck& base, const Sizes& s, std::string attrs, bool x_plain, bool bias, bool z,
           const Dims& out) {
  const int64_t lanes = conv_tile_kernels().lanes;
  const auto blocked = [&](int64_t channels, const Dims& spatial) {
    std::string text = fmt::format("f32[{},{}", s.n, (channels + lanes - 1) / lanes);
    for (const int64_t d : spatial) text += fmt::format(",{}", d);
    return text + fmt::format(",{}]", lanes);
  };
  attrs += fmt::format(" block={} out_channels={} group={}", lanes, s.out, s.group);
  std::string x;
  if (x_plain) {
    attrs += " x_plain=1";
    x = fmt::format("f32[{},{}", s.n, s.in);
    for (const int64_t d : s.x) x += fmt::format(",{}", d);
    x += "]";
  } else {
    attrs += fmt::format(" in_channels={}", s.in);
    x = blocked(s.in, s.x);
  }
  std::string w = fmt::format("f32[{},{}", s.out, s.in / s.group);
  for (const int64_t d : s.w) w += fmt::format(",{}", d);
  w += "]";
  std::string line = fmt::format("{} : {}{{rand:1}}, {}{{rand:2}}", attrs, x, w);
  if (bias || z) line += bias ? fmt::format(", f32[{}]{{rand:3}}", s.out) : ", _";
  // The residual's unused lanes are zero, as every operator keeps them: one whose channels fill the blocks, or none.
  if (z && s.out % lanes == 0) line += ", " + blocked(s.out, out) + "{rand:4}";
  EXPECT_TRUE(check_kernel(base, line + " -> ?"));
}

int64_t out_size(int64_t in, int64_t k, int64_t stride, int64_t dilation, int64_t pads) {
  return (in + pads - (k - 1) * dilation - 1) / stride + 1;
}

TEST(ConvBlocked, Direct) {
  on_every_isa([] {
    const int64_t lanes = conv_tile_kernels().lanes;
    if (lanes < 4) return;
    std::mt19937 random(11);
    const auto pick = [&](int64_t least, int64_t most) {
      return least + static_cast<int64_t>(random() % static_cast<uint64_t>(most - least + 1));
    };
    const char* const activations[] = {"",
                                       "activation=\"Relu\"",
                                       "activation=\"Clip\" activation_params=[0.25,6]",
                                       "activation=\"Swish\"",
                                       "activation=\"Sigmoid\" add_after=1",
                                       "activation=\"Relu\" add_after=1",
                                       "activation=\"HardSwish\" rescale=[0.5,-0.25,-inf,inf]",
                                       "activation=\"Relu\" add_after=1 rescale=[-0.5,0.5,-80,0.25]"};
    for (int round = 0; round < 60; ++round) {
      Sizes s;
      s.n = pick(1, 2);
      s.group = pick(0, 4) == 0 ? 2 : 1;
      s.in = s.group == 2 ? 2 * lanes * pick(1, 2) : pick(1, 40);
      s.out = s.group == 2 ? 2 * lanes * pick(1, 2) : pick(1, 70);
      const int64_t kh = pick(1, 3), kw = pick(1, 4), sh = pick(1, 2), sw = pick(1, 2), dh = pick(1, 2),
                    dw = pick(1, 2), top = pick(0, 2), left = pick(0, 2), bottom = pick(0, 2), right = pick(0, 2);
      const int64_t h = pick(5, 20), w = pick(7, 40);
      s.x = {h, w};
      s.w = {kh, kw};
      const Dims out = {out_size(h, kh, sh, dh, top + bottom), out_size(w, kw, sw, dw, left + right)};
      if (out[0] < 1 || out[1] < 1) continue;
      check(kBlocked, s,
            fmt::format("{} strides=[{},{}] dilations=[{},{}] pads=[{},{},{},{}]", activations[pick(0, 7)], sh, sw, dh,
                        dw, top, left, bottom, right),
            s.group == 1 && pick(0, 3) == 0, pick(0, 1) == 1, pick(0, 1) == 1, out);
    }
    check(kBlocked, {.in = 3, .out = 64, .x = {64, 64}, .w = {7, 7}}, "strides=[2,2] pads=[3,3,3,3]", true, true, false,
          {32, 32});
    check(kBlocked, {.in = 100, .out = 80, .x = {31, 33}, .w = {1, 1}}, "", false, true, true, {31, 33});
    check(kBlocked, {.in = 32, .out = 32, .x = {5, 9, 10}, .w = {3, 3, 3}}, "pads=[1,1,1,1,1,1]", false, true, true,
          {5, 9, 10});
    check(kBlocked, {.in = 24, .out = 40, .x = {50, 1}, .w = {5, 1}}, "pads=[2,0,2,0]", false, true, true, {50, 1});
    check(kBlocked, {.in = 3, .out = 40, .x = {50, 1}, .w = {5, 1}}, "strides=[2,1]", true, true, true, {23, 1});
    check(kBlocked, {.in = 24, .out = 40, .x = {50}, .w = {5}}, "pads=[2,2] strides=[2]", false, true, false, {25});
  });
}

TEST(ConvBlocked, Winograd) {
  KernelCheck base = kBlocked;
  base.kernel = "f32_conv_blocked_winograd";
  on_every_isa([&] {
    if (conv_tile_kernels().lanes < 4) return;
    check(base, {.in = 32, .out = 32, .x = {14, 14}, .w = {3, 3}}, "pads=[1,1,1,1]", false, true, true, {14, 14});
    check(base, {.n = 2, .in = 33, .out = 35, .x = {17, 70}, .w = {3, 3}}, "pads=[1,1,1,1] activation=\"LeakyRelu\"",
          false, true, false, {17, 70});
    check(base, {.in = 40, .out = 32, .x = {15, 23}, .w = {3, 3}}, "activation=\"Relu\"", false, false, true, {13, 21});
    check(base, {.in = 64, .out = 48, .x = {13, 29}, .w = {3, 3}}, "pads=[2,0,1,2] activation=\"Swish\" add_after=1",
          false, true, true, {14, 29});
    check(base, {.in = 32, .out = 32, .x = {40, 40}, .w = {3, 3}}, "pads=[1,1,1,1] activation=\"HardSwish\"", false,
          true, true, {40, 40});
    check(base, {.in = 32, .out = 40, .x = {14, 14}, .w = {3, 3}},
          "pads=[1,1,1,1] activation=\"Relu\" rescale=[0.5,0.25,0.5,60]", false, true, false, {14, 14});
    check(base, {.in = 32, .out = 32, .x = {5, 14, 13}, .w = {3, 3, 3}}, "pads=[1,1,1,1,1,1]", false, true, true,
          {5, 14, 13});
    check(base, {.n = 2, .in = 33, .out = 40, .x = {11, 21, 22}, .w = {3, 3, 3}},
          "pads=[1,1,0,1,1,0] activation=\"Relu\"", false, true, false, {11, 21, 20});
    check(base, {.in = 20, .out = 35, .x = {9, 12, 30}, .w = {2, 3, 3}},
          "pads=[0,1,1,2,1,1] activation=\"HardSwish\" add_after=1", false, true, true, {10, 12, 30});
    check(base, {.in = 16, .out = 16, .x = {3, 13, 14}, .w = {1, 3, 3}}, "", false, false, false, {3, 11, 12});
  });
}

// What is not finite must not spread to neighbours.
TEST(ConvBlocked, NotFinite) {
  KernelCheck base = kBlocked;
  base.kernel = "f32_conv_blocked_winograd";
  on_every_isa([&] {
    const int64_t lanes = conv_tile_kernels().lanes;
    if (lanes < 4) return;
    std::string data;
    for (int i = 0; i < 32 * 16 * 16; ++i)
      data += i == 100 ? "inf " : i == 5000 ? "nan " : i == 8000 ? "3e38 " : "0.5 ";
    EXPECT_TRUE(check_kernel(
        base, fmt::format("block={0} in_channels=32 out_channels=32 pads=[1,1,1,1] : f32[1,{1},16,16,{0}]{{{2}}}, "
                          "f32[32,32,3,3]{{rand:2}} -> ?",
                          lanes, 32 / lanes, data)));
    EXPECT_TRUE(check_kernel(
        base,
        fmt::format("block={0} in_channels=16 out_channels=32 pads=[1,1,1,1,1,1] : f32[1,{1},2,16,16,{0}]{{{2}}}, "
                    "f32[32,16,3,3,3]{{rand:2}} -> ?",
                    lanes, 16 / lanes, data)));
  });
}

TEST(ConvBlocked, Depthwise) {
  KernelCheck base = kBlocked;
  base.kernel = "f32_conv_blocked_depthwise";
  on_every_isa([&] {
    const int64_t lanes = conv_tile_kernels().lanes;
    if (lanes < 4) return;
    std::mt19937 random(5);
    const auto pick = [&](int64_t least, int64_t most) {
      return least + static_cast<int64_t>(random() % static_cast<uint64_t>(most - least + 1));
    };
    const char* const activations[] = {"activation=\"HardSwish\"", "activation=\"Relu\"",
                                       "activation=\"HardSwish\" rescale=[2,-0.5,-0.75,inf]"};
    for (int round = 0; round < 40; ++round) {
      Sizes s;
      s.n = pick(1, 2);
      s.in = s.out = s.group = pick(2, 40);
      const int64_t k = pick(1, 5), stride = pick(1, 2), dilation = pick(1, 2), pad = pick(0, 3), h = pick(3, 20),
                    w = pick(3, 30);
      s.x = {h, w};
      s.w = {k, k};
      const Dims out = {out_size(h, k, stride, dilation, 2 * pad), out_size(w, k, stride, dilation, 2 * pad)};
      if (out[0] < 1 || out[1] < 1) continue;
      check(base, s,
            fmt::format("strides=[{0},{0}] dilations=[{1},{1}] pads=[{2},{2},{2},{2}] {3}", stride, dilation, pad,
                        activations[pick(0, 2)]),
            false, pick(0, 1) == 1, pick(0, 1) == 1, out);
    }
  });
}

}  // namespace
}  // namespace anyrt::cpu
