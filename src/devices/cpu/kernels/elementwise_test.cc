#include "devices/cpu/kernel_testing.h"

namespace anyrt::cpu {
namespace {

constexpr const char* kSpecial = "f32[9]{nan inf -inf 0 -0 1e-40 3e38 -3e38 88.5}";

constexpr const char* kUnary[] = {
    "Abs",   "Neg",   "Sqrt", "Reciprocal", "Exp",       "Log",         "Erf",       "Sign",           "Floor", "Ceil",
    "Round", "Sin",   "Cos",  "Tan",        "Asin",      "Acos",        "Atan",      "Sinh",           "Cosh",  "Asinh",
    "Acosh", "Atanh", "Relu", "Shrink",     "LeakyRelu", "HardSigmoid", "HardSwish", "Sigmoid",        "Swish", "Tanh",
    "Elu",   "Selu",  "Celu", "Gelu",       "Mish",      "Softplus",    "Softsign",  "ThresholdedRelu"};

TEST(Elementwise, Unary) {
  on_every_isa([] {
    for (const char* op : kUnary) {
      for (const char* dims : {"", "0", "1", "3,5,7"})
        EXPECT_TRUE(check_kernel({.op = op}, fmt::format(": f32[{}]{{rand:1}} -> ?", dims)));
      const bool powers = std::string(op) == "Reciprocal";  // of a denormal number: beyond the range
      EXPECT_TRUE(check_kernel({.op = op}, fmt::format(": {} -> ?", powers ? "f32[4]{nan inf -inf 0}" : kSpecial)));
      for (const char* type : {"f16", "bf16"}) {
        EXPECT_TRUE(
            check_kernel({.op = op, .tolerance = {1e-2, 1e-3}}, fmt::format(": {}[3,5,7]{{rand:1}} -> ?", type)));
      }
    }
    EXPECT_TRUE(check_kernel({.op = "Gelu"}, "approximate=\"tanh\" : f32[40]{rand:1} -> ?"));
    EXPECT_TRUE(check_kernel({.op = "Log"}, ": f32[6]{1e-45 1e-38 1 2.718 1e38 0.999} -> ?"));
    EXPECT_TRUE(check_kernel({.op = "Sin"}, ": f32[6]{1e5 -1e6 3.14159 100 999 -1e20} -> ?"));
    EXPECT_TRUE(check_kernel({.op = "Round"}, ": f32[6]{0.5 1.5 2.5 -0.5 -1.5 8388609} -> ?"));
    EXPECT_TRUE(check_kernel({.op = "Shrink"}, "bias=0.25 lambd=0.1 : f32[40]{rand:1} -> ?"));
    for (const char* line : {": f16[3]{65504 6e-8 nan} -> ?", ": bf16[3]{3e38 1e-40 nan} -> ?", ": f16[]{-0} -> ?"})
      EXPECT_TRUE(check_kernel({.op = "Abs"}, line));
  });
  EXPECT_TRUE(check_kernel({.op = "Exp"}, ": f32[1000,101]{rand:1} -> ?"));
  EXPECT_TRUE(check_kernel({.op = "Exp", .tolerance = {1e-3, 1e-3}}, ": f16[1000,101]{rand:1} -> ?"));
}

TEST(Elementwise, Clip) {
  for (const char* line :
       {": f32[40]{rand:1}, f32[]{-0.5}, f32[]{0.25} -> ?", ": f32[5]{nan -inf inf 0 1}, _, f32[]{0.5} -> ?",
        ": f32[5]{nan -inf inf 0 1}, f32[]{0.5} -> ?", ": f32[5]{nan -inf inf 0 1} -> ?"}) {
    EXPECT_TRUE(check_kernel({.op = "Clip", .kernel = "f32_clip", .constants = 6}, line));
  }
  on_every_isa([] {
    for (const char* type : {"f32", "f16", "bf16", "f64", "i32", "i64", "u8", "i8"}) {
      const bool whole = type[0] == 'i' || type[0] == 'u';
      const std::string line = fmt::format(": {0}[40]{{rand:1}}, {0}[]{{{1}}}, {0}[]{{{2}}} -> ?", type,
                                           whole ? "1" : "-0.5", whole ? "3" : "0.25");
      EXPECT_TRUE(check_kernel({.op = "Clip", .constants = 6}, line));
      EXPECT_TRUE(check_kernel({.op = "Clip"}, line));
    }
    EXPECT_TRUE(check_kernel({.op = "Clip"}, ": f32[5]{nan -inf inf 0 1}, f32[]{1}, f32[]{-1} -> ?"));
    EXPECT_TRUE(check_kernel({.op = "Clip"}, ": f32[5]{nan -inf inf 0 1}, f32[]{nan}, f32[]{nan} -> ?"));
    EXPECT_TRUE(check_kernel({.op = "Clip"}, ": f32[5]{nan -inf inf 0 1}, _, f32[]{0.5} -> ?"));
    EXPECT_TRUE(check_kernel({.op = "Clip", .constants = 2}, ": f16[5]{nan -inf inf 0 1}, f16[]{0.5} -> ?"));
  });
}

constexpr const char* kShapes[] = {"|",
                                   "0|1",
                                   "17|17",
                                   "1|33",
                                   "33|",
                                   "4,1,7|3,1",
                                   "2,3,5,5,16|1,3,1,1,16",
                                   "2,3,8,8,32|1,3,1,1,32",
                                   "3,1,5|1,4,1",
                                   "2,1,3,1,2|1,4,1,5,2",
                                   "1|1,1,1",
                                   "5,16|16",
                                   "1,3,1,1,16|2,3,5,5,16"};

std::string of_shapes(const char* shapes, const char* a, const char* b) {
  const std::string text = shapes;
  const size_t bar = text.find('|');
  return fmt::format(": {}[{}]{{rand:1}}, {}[{}]{{rand:2}} -> ?", a, text.substr(0, bar), b, text.substr(bar + 1));
}

TEST(Elementwise, Binary) {
  on_every_isa([] {
    for (const char* op : {"Add", "Sub", "Mul", "Div", "Max", "Min", "Pow", "Mod", "Less", "LessOrEqual", "Greater",
                           "GreaterOrEqual", "Equal"}) {
      const bool mod = std::string(op) == "Mod";  // its divisor must not be 0
      for (const char* shapes : kShapes) {
        if (mod) continue;
        EXPECT_TRUE(check_kernel({.op = op}, of_shapes(shapes, "f32", "f32")));
        const bool predicate =
            std::string_view("Less Greater Equal GreaterOrEqual LessOrEqual").find(op) != std::string_view::npos;
        for (const char* type : {"f16", "bf16"})
          EXPECT_TRUE(check_kernel({.op = op, .tolerance = predicate ? Tolerance{0, 0} : Tolerance{1e-2, 1e-2}},
                                   of_shapes(shapes, type, type)));
      }
      EXPECT_TRUE(
          check_kernel({.op = op}, fmt::format(": {}, f32[9]{{1 nan inf 0 0 -inf 3e38 2 nan}} -> ?", kSpecial)));
    }
    EXPECT_TRUE(check_kernel({.op = "PRelu"}, ": f32[2,3,4]{rand:1}, f32[3,1]{rand:2} -> ?"));
    EXPECT_TRUE(check_kernel({.op = "PRelu"}, ": f16[2,3,4]{rand:1}, f16[3,1]{rand:2} -> ?"));
    for (const char* fmod : {"fmod=0", "fmod=1"})
      EXPECT_TRUE(check_kernel(
          {.op = "Mod"},
          fmt::format("{} : f32[6]{{-4.3 7.2 5 4.3 -7.2 8}}, f32[6]{{2.1 -3.4 8 -2.1 3.4 5}} -> ?", fmod)));
    for (const char* exponent : {"2", "3", "0.5", "-1", "0"}) {
      EXPECT_TRUE(
          check_kernel({.op = "Pow", .constants = 2}, fmt::format(": f32[40]{{rand:1}}, f32[]{{{}}} -> ?", exponent)));
    }
    EXPECT_TRUE(check_kernel({.op = "Pow"}, ": f32[4]{1 2 -3 0}, i64[]{3} -> ?"));
    EXPECT_TRUE(check_kernel({.op = "Pow"}, ": f32[4]{1 2 -3 0}, i32[4]{3 -2 2 0} -> ?"));
  });
  EXPECT_TRUE(check_kernel({.op = "Add"}, ": f32[700,130]{rand:1}, f32[130]{rand:2} -> ?"));
  EXPECT_TRUE(check_kernel({.op = "Mul"}, ": f32[100001]{rand:1}, f32[100001]{rand:2} -> ?"));
  EXPECT_TRUE(check_kernel({.op = "Mul"}, ": f32[64,1,3000]{rand:1}, f32[64,2,1]{rand:2} -> ?"));
  for (const char* shapes :
       {"700,130|130", "64,1,3000|64,2,1", "90,70,33|90,1,33", "50001|1", "3000,40|3000,1", "2,60,60,16|1,60,1,16"}) {
    EXPECT_TRUE(check_kernel({.op = "Add", .tolerance = {1e-2, 1e-2}}, of_shapes(shapes, "f16", "f16")));
    EXPECT_TRUE(check_kernel({.op = "Less"}, of_shapes(shapes, "f32", "f32")));
  }
}

TEST(Elementwise, AnyNumber) {
  on_every_isa([] {
    for (const char* op : {"Sum", "Mean", "Max", "Min"}) {
      for (const char* type : {"f32", "f16"}) {
        for (const char* line :
             {"{0}[3,40]{{rand:1}}, {0}[40]{{rand:2}}, {0}[3,1]{{rand:3}} -> ?", "{0}[7]{{rand:1}} -> ?",
              "{0}[2,1]{{rand:1}}, {0}[1,3]{{rand:2}}, {0}[]{{1}}, {0}[2,3]{{rand:3}} -> ?",
              "{0}[3]{{nan 1 2}}, {0}[3]{{0 nan 1}}, {0}[3]{{0 1 -inf}} -> ?"}) {
          EXPECT_TRUE(
              check_kernel({.op = op, .tolerance = {1e-3, 1e-3}}, ": " + fmt::format(fmt::runtime(line), type)));
        }
      }
    }
  });
}

TEST(Elementwise, OtherTypes) {
  for (const char* type : {"f64", "i32", "i64", "i8", "i16", "u8", "u16", "u32", "u64"}) {
    for (const char* op :
         {"Add", "Sub", "Mul", "Max", "Min", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal"}) {
      for (const char* shapes : kShapes) EXPECT_TRUE(check_kernel({.op = op}, of_shapes(shapes, type, type)));
    }
    for (const char* op : {"Div", "Mod"}) {
      EXPECT_TRUE(check_kernel({.op = op}, fmt::format(": {0}[3,4]{{rand:1}}, {0}[4]{{1 3 2 7}} -> ?", type)));
      EXPECT_TRUE(check_kernel({.op = op}, fmt::format(": {0}[0]{{}}, {0}[]{{0}} -> ?", type)));
    }
    EXPECT_TRUE(check_kernel({.op = "Mod"}, fmt::format("fmod=1 : {0}[4]{{1 3 2 7}}, {0}[]{{3}} -> ?", type)));
    if (type[0] != 'f') {
      for (const char* op : {"BitwiseAnd", "BitwiseOr", "BitwiseXor"})
        EXPECT_TRUE(check_kernel({.op = op}, of_shapes("3,4|4", type, type)));
      EXPECT_TRUE(check_kernel({.op = "BitwiseNot"}, fmt::format(": {}[5]{{rand:1}} -> ?", type)));
    }
    if (type[0] == 'u') {
      for (const char* direction : {"LEFT", "RIGHT"})
        EXPECT_TRUE(check_kernel(
            {.op = "BitShift"},
            fmt::format("direction=\"{0}\" : {1}[4]{{1 200 3 4}}, {1}[4]{{1 2 70 9}} -> ?", direction, type)));
    } else {
      EXPECT_TRUE(check_kernel({.op = "Neg"}, fmt::format(": {}[4]{{1 -2 0 100}} -> ?", type)));
      EXPECT_TRUE(check_kernel({.op = "Relu"}, fmt::format(": {}[4]{{1 -2 0 100}} -> ?", type)));
    }
    for (const char* op : {"Abs", "Sign"})
      EXPECT_TRUE(check_kernel({.op = op}, fmt::format(": {}[7]{{rand:1}} -> ?", type)));
  }
  for (const char* line : {": i64[1]{-9223372036854775808}, i64[1]{-1} -> ?", ": i8[1]{-128}, i8[1]{-1} -> ?",
                           ": i32[4]{7 -7 7 -7}, i32[4]{2 2 -2 -2} -> ?", ": u16[1]{65535}, u16[1]{65535} -> ?"}) {
    for (const char* op : {"Div", "Mod", "Mul", "Add"}) EXPECT_TRUE(check_kernel({.op = op}, line));
  }
  EXPECT_TRUE(check_kernel({.op = "Add"}, ": i32[300,700]{rand:1}, i32[700]{rand:2} -> ?"));
  for (const char* op : {"And", "Or", "Xor", "Equal"})
    EXPECT_TRUE(check_kernel({.op = op}, ": bool[4]{0 0 1 1}, bool[4]{0 1 0 1} -> ?"));
  EXPECT_TRUE(check_kernel({.op = "Not"}, ": bool[4]{0 0 1 1} -> ?"));
  for (const char* op :
       {"Sqrt", "Exp", "Log", "Erf", "Sin", "Cos", "Tanh", "Floor", "Ceil", "Round", "Reciprocal", "Sigmoid"})
    EXPECT_TRUE(
        check_kernel({.op = op, .tolerance = {1e-14, 1e-14}}, ": f64[9]{nan inf -inf 0 -0.5 1e-40 3e38 2 88.5} -> ?"));
  EXPECT_TRUE(check_kernel({.op = "Where"}, ": bool[2]{true false}, c128[]{1+2i}, c128[2]{3-1i 4} -> ?"));
  EXPECT_TRUE(check_kernel({.op = "Pow"}, ": f64[2,3]{rand:1}, f64[3]{1 2 3} -> ?"));
}

TEST(Elementwise, Predicates) {
  on_every_isa([] {
    for (const char* type : {"f32", "f16", "bf16"}) {
      EXPECT_TRUE(check_kernel({.op = "IsNaN"},
                               fmt::format(": {}[19]{{nan 1 inf 0 nan 1 2 3 4 5 6 7 8 9 nan 1 2 3 nan}} -> ?", type)));
      for (const char* attrs : {"", "detect_negative=0", "detect_positive=0", "detect_positive=0 detect_negative=0"})
        EXPECT_TRUE(check_kernel({.op = "IsInf"}, fmt::format("{} : {}[5]{{nan 1 inf 0 -inf}} -> ?", attrs, type)));
    }
  });
}

TEST(Elementwise, Where) {
  for (const char* type : {"f32", "i64", "u8", "f16", "bool", "f64"}) {
    for (const char* shapes : {"|3|3", "3|3|3", "3|3|", "3||3", "3||", "4,1|3|2,4,3", "|3|", "1,1,5,5|2,3,5,5|",
                               "2,1,1|2,3,4|", "0|1|", "70,300|300|70,1", "2,3,1,1|2,3,5,5|1"}) {
      std::string text = shapes, line = ": ";
      const size_t first = text.find('|'), second = text.find('|', first + 1);
      const std::string dims[] = {text.substr(0, first), text.substr(first + 1, second - first - 1),
                                  text.substr(second + 1)};
      for (int i = 0; i < 3; ++i)
        line += fmt::format("{}{}[{}]{{rand:{}}}", i ? ", " : "", i ? type : "bool", dims[i], i + 1);
      EXPECT_TRUE(check_kernel({.op = "Where", .kernel = "where"}, line + " -> ?"));
    }
  }
}

TEST(Elementwise, Cast) {
  const char* const types[] = {"f32", "f64", "f16", "bf16", "i8",   "u8",       "i16", "u16",
                               "i32", "u32", "i64", "u64",  "bool", "f8e4m3fn", "i4"};
  for (const char* from : types) {
    for (const DType to :
         {DType::kFloat32, DType::kFloat64, DType::kFloat16, DType::kBFloat16, DType::kInt8, DType::kUInt8,
          DType::kInt32, DType::kInt64, DType::kUInt64, DType::kBool, DType::kFloat8E5M2, DType::kUInt4}) {
      EXPECT_TRUE(check_kernel({.op = "Cast", .kernel = "cast", .tolerance = {0, 0}},
                               fmt::format("to={} : {}[700,31]{{rand:1}} -> ?", static_cast<int>(to), from)));
    }
  }
  EXPECT_TRUE(check_kernel({.op = "Cast"}, "to=7 : f32[7]{nan inf -inf 1e30 -1.7 1.7 -0} -> ?"));
  EXPECT_TRUE(check_kernel({.op = "Cast"}, "to=17 saturate=0 : f32[3]{1000 nan 1} -> ?"));
}

}  // namespace
}  // namespace anyrt::cpu
