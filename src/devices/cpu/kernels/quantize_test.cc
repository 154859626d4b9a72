#include "devices/cpu/kernel_testing.h"

namespace anyrt::cpu {
namespace {

TEST(Quantize, EveryTypeAndAxis) {
  on_every_isa([] {
    for (const char* type : {"u8", "i8", "u16", "i16"}) {
      const std::string zero = type[0] == 'u' ? "7" : "-7";
      for (const char* x : {"f32[1]{rand:1}", "f32[3,7]{rand:2}", "f32[2,5,33]{rand:3}", "f32[70001]{rand:4}",
                            "f32[0]{}", "f32[]{1.5}"}) {
        const KernelCheck check{.op = "QuantizeLinear", .kernel = "f32_quantize", .tolerance = {0, 0}};
        EXPECT_TRUE(check_kernel(check, fmt::format(": {}, f32[]{{0.013}}, {}[]{{{}}} -> ?", x, type, zero)));
      }
      for (const int axis : {0, 1, 2}) {
        const int n = axis == 0 ? 2 : axis == 1 ? 3 : 40;
        EXPECT_TRUE(
            check_kernel({.op = "QuantizeLinear", .kernel = "f32_quantize", .tolerance = {0, 0}},
                         fmt::format("axis={} : f32[2,3,40]{{rand:5}}, f32[{}]{{rand:6}}, {}[{}]{{rand:7}} -> ?", axis,
                                     n, type, n)));
        EXPECT_TRUE(check_kernel({.op = "DequantizeLinear", .kernel = "f32_dequantize", .tolerance = {0, 0}},
                                 fmt::format("axis={} : {}[2,3,40]{{rand:5}}, f32[{}]{{rand:6}}, {}[{}]{{rand:7}} -> ?",
                                             axis, type, n, type, n)));
      }
      for (const char* dims : {"1", "3,7", "2,5,33", "70001", "0"}) {
        EXPECT_TRUE(check_kernel({.op = "DequantizeLinear", .kernel = "f32_dequantize", .tolerance = {0, 0}},
                                 fmt::format(": {}[{}]{}, f32[]{{0.02}}, {}[]{{{}}} -> ?", type, dims,
                                             dims == std::string("0") ? "{}" : "{rand:1}", type, zero)));
      }
    }
  });
}

TEST(Quantize, Dynamic) {
  on_every_isa([] {
    for (const char* x :
         {"f32[1]{3}", "f32[3,7]{rand:2}", "f32[70001]{rand:4}", "f32[0]{}", "f32[4]{0 0 0 0}", "f32[5]{1 2 3 4 5}",
          "f32[5]{-1 -2 -3 -4 -5}", "f32[17]{1 nan 3 4 -5 0 0 0 0 0 0 0 0 0 0 0 9}", "f32[3]{1e-45 0 1e-42}"}) {
      EXPECT_TRUE(check_kernel({.op = "DynamicQuantizeLinear", .kernel = "f32_dynamic_quantize", .tolerance = {0, 0}},
                               fmt::format(": {} -> ?, ?, ?", x)));
    }
  });
}

TEST(Quantize, TiesLimitsAndNumbersThatAreNone) {
  on_every_isa([] {
    const std::string x =
        "f32[32]{0.5 1.5 2.5 -0.5 -1.5 127.5 128.5 254.5 255.5 -128.5 -127.5 nan inf -inf 3e38 -3e38 "
        "1e-45 -0 300 -300 70000 -70000 2147483648 -2147483904 0.49999997 -0.49999997 1e9 -1e9 254.49998 4 5 6}";
    for (const char* zero : {"u8[]{0}", "u8[]{255}", "i8[]{-128}", "i8[]{3}", "u16[]{65535}", "i16[]{-32768}", "_"}) {
      for (const char* scale : {"1", "0.5", "0", "-1", "1e-30", "nan", "inf"}) {
        EXPECT_TRUE(check_kernel({.op = "QuantizeLinear", .kernel = "f32_quantize", .tolerance = {0, 0}},
                                 fmt::format(": {}, f32[]{{{}}}, {} -> ?", x, scale, zero)));
      }
    }
    for (const char* scale : {"0", "-1", "3e38", "nan", "inf"}) {
      EXPECT_TRUE(check_kernel({.op = "DequantizeLinear", .kernel = "f32_dequantize", .tolerance = {0, 0}},
                               fmt::format(": i8[19]{{rand:1}}, f32[]{{{}}}, i8[]{{-128}} -> ?", scale)));
    }
  });
}

}  // namespace
}  // namespace anyrt::cpu
