#include "devices/cpu/kernel_testing.h"

namespace anyrt::cpu {
namespace {

constexpr const char* kSpecial = "f32[9]{nan inf -inf 0 -0 1e-40 3e38 -3e38 88.5}";

TEST(Elementwise, Unary) {
  on_every_isa([] {
    for (const char* op :
         {"Abs",       "Neg",         "Sqrt",      "Reciprocal", "Exp",      "Log",      "Erf",
          "Sign",      "Floor",       "Ceil",      "Round",      "Sin",      "Cos",      "Relu",
          "LeakyRelu", "HardSigmoid", "HardSwish", "Sigmoid",    "Swish",    "Tanh",     "Elu",
          "Selu",      "Celu",        "Gelu",      "Mish",       "Softplus", "Softsign", "ThresholdedRelu"}) {
      for (const char* dims : {"", "0", "1", "3,5,7"})
        EXPECT_TRUE(check_kernel({.op = op}, fmt::format(": f32[{}]{{rand:1}} -> ?", dims)));
      const bool powers = std::string(op) == "Reciprocal";  // of a denormal number: beyond the range
      EXPECT_TRUE(check_kernel({.op = op}, fmt::format(": {} -> ?", powers ? "f32[4]{nan inf -inf 0}" : kSpecial)));
    }
    EXPECT_TRUE(check_kernel({.op = "Gelu"}, "approximate=\"tanh\" : f32[40]{rand:1} -> ?"));
    EXPECT_TRUE(check_kernel({.op = "Log"}, ": f32[6]{1e-45 1e-38 1 2.718 1e38 0.999} -> ?"));
    EXPECT_TRUE(check_kernel({.op = "Sin"}, ": f32[6]{1e5 -1e6 3.14159 100 999 -1e20} -> ?"));
    EXPECT_TRUE(check_kernel({.op = "Round"}, ": f32[6]{0.5 1.5 2.5 -0.5 -1.5 8388609} -> ?"));
  });
  EXPECT_TRUE(check_kernel({.op = "Exp"}, ": f32[1000,101]{rand:1} -> ?"));
}

TEST(Elementwise, Clip) {
  for (const char* line :
       {": f32[40]{rand:1}, f32[]{-0.5}, f32[]{0.25} -> ?", ": f32[5]{nan -inf inf 0 1}, _, f32[]{0.5} -> ?",
        ": f32[5]{nan -inf inf 0 1}, f32[]{0.5} -> ?", ": f32[5]{nan -inf inf 0 1} -> ?"}) {
    EXPECT_TRUE(check_kernel({.op = "Clip", .kernel = "f32_clip", .constants = 6}, line));
  }
}

TEST(Elementwise, Binary) {
  on_every_isa([] {
    for (const char* op : {"Add", "Sub", "Mul", "Div", "Max", "Min"}) {
      for (const char* shapes : {"|", "0|1", "17|17", "1|33", "33|", "4,1,7|3,1", "2,3,5,5,16|1,3,1,1,16",
                                 "3,1,5|1,4,1", "2,1,3,1,2|1,4,1,5,2", "1|1,1,1"}) {
        const std::string text = shapes;
        const size_t bar = text.find('|');
        EXPECT_TRUE(check_kernel({.op = op}, fmt::format(": f32[{}]{{rand:1}}, f32[{}]{{rand:2}} -> ?",
                                                         text.substr(0, bar), text.substr(bar + 1))));
      }
      EXPECT_TRUE(
          check_kernel({.op = op}, fmt::format(": {}, f32[9]{{1 nan inf 0 0 -inf 3e38 2 nan}} -> ?", kSpecial)));
    }
    EXPECT_TRUE(check_kernel({.op = "PRelu"}, ": f32[2,3,4]{rand:1}, f32[3,1]{rand:2} -> ?"));
  });
  EXPECT_TRUE(check_kernel({.op = "Add"}, ": f32[700,130]{rand:1}, f32[130]{rand:2} -> ?"));
  EXPECT_TRUE(check_kernel({.op = "Mul"}, ": f32[100001]{rand:1}, f32[100001]{rand:2} -> ?"));
  EXPECT_TRUE(check_kernel({.op = "Mul"}, ": f32[64,1,3000]{rand:1}, f32[64,2,1]{rand:2} -> ?"));
}

TEST(Elementwise, OtherTypes) {
  for (const char* type : {"f64", "i32", "i64"}) {
    for (const char* op : {"Add", "Sub", "Mul", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal"}) {
      EXPECT_TRUE(check_kernel({.op = op}, fmt::format(": {0}[3,4]{{rand:1}}, {0}[4]{{rand:2}} -> ?", type)));
    }
  }
  for (const char* op : {"And", "Or", "Xor"})
    EXPECT_TRUE(check_kernel({.op = op}, ": bool[4]{0 0 1 1}, bool[4]{0 1 0 1} -> ?"));
}

}  // namespace
}  // namespace anyrt::cpu
