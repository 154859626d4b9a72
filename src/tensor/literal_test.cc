#include "tensor/literal.h"

#include <gtest/gtest.h>

namespace anyrt {
namespace {

std::string round_trip(std::string_view text) {
  auto tensor = parse_tensor(text);
  if (!tensor.ok()) return tensor.status().message();
  EXPECT_TRUE(text.empty()) << text;
  return print_tensor(*tensor);
}

TEST(Literal, PrintsWhatItReads) {
  for (const char* text : {"f32[2,2]{1 2.5 nan -inf}",
                           "i64[]{3}",
                           "str[1]{\"a\\\"b\"}",
                           "bool[2]{true false}",
                           "c64[1]{1+2i}",
                           "f16[3]{0.1 65504 6e-08}",
                           "bf16[2]{0.1 3.39e+38}",
                           "f8e4m3fn[2]{448 -0.062}",
                           "f8e5m2[3]{inf nan -57344}",
                           "f4e2m1[4]{0.5 -6 0 -0}",
                           "f8e8m0[2]{1 6e-39}",
                           "u4[2]{15 0}",
                           "i4[2]{-8 7}",
                           "i2[2]{-2 1}",
                           "u2[1]{3}",
                           "u64[1]{18446744073709551615}",
                           "i64[1]{-9223372036854775808}",
                           "f64[2]{0.1 1e-05}",
                           "f32[0]{}",
                           "f32[3,0]{}",
                           "c128[2]{-1.5-2e-10i 0+nani}",
                           "str[2]{\"\" \"\\n\\x01é\"}",
                           "u8[1]{255}"}) {
    EXPECT_EQ(round_trip(text), text);
  }
}

TEST(Literal, LeavesTheRest) {
  std::string_view text = " float32 [ 1 , 2 ] { 1\n2 } , i64[]{1}";
  ASSERT_TRUE(parse_tensor(text).ok());
  EXPECT_EQ(text, " , i64[]{1}");
}

TEST(Literal, Generators) {
  EXPECT_EQ(round_trip("i32[4]{range}"), "i32[4]{0 1 2 3}");
  EXPECT_EQ(round_trip("f32[3]{fill:2.5}"), "f32[3]{2.5 2.5 2.5}");
  EXPECT_EQ(round_trip("str[2]{fill:\"x\"}"), "str[2]{\"x\" \"x\"}");
  std::string_view text = "f32[1000]{rand:7}";
  const auto values = parse_tensor(text);
  ASSERT_TRUE(values.ok());
  double sum = 0;
  for (const float v : values->span<float>()) {
    EXPECT_GE(v, -1);
    EXPECT_LT(v, 1);
    sum += v;
  }
  EXPECT_LT(std::abs(sum), 60);
  text = "i8[1000]{rand:7}";
  const auto integers = parse_tensor(text);
  ASSERT_TRUE(integers.ok());
  const auto span = integers->span<int8_t>();
  EXPECT_EQ(*std::min_element(span.begin(), span.end()), -8);
  EXPECT_EQ(*std::max_element(span.begin(), span.end()), 7);
}

TEST(Literal, RefusesBrokenText) {
  for (const char* text : {"",
                           "f32",
                           "f33[1]{1}",
                           "f32[1",
                           "f32[-1]{}",
                           "f32[2]{1}",
                           "f32[1]{1 2}",
                           "f32[1]{x}",
                           "i8[1]{128}",
                           "u8[1]{-1}",
                           "i64[1]{9223372036854775808}",
                           "u64[1]{18446744073709551616}",
                           "bool[1]{2}",
                           "i32[1]{1.5}",
                           "i4[1]{8}",
                           "str[1]{\"a}",
                           "str[1]{\"\\q\"}",
                           "str[1]{\"\\x1\"}",
                           "f32[99999999999]{1}",
                           "f32[99999999999]{fill:1}",
                           "f32[9999999999,9999999999,9999999999]{range}",
                           "f32[1]{rand:}",
                           "f32[1]{fill:}",
                           "c64[1]{1+xi}",
                           "str[1]{range}",
                           "f32[1]{range"}) {
    std::string_view rest = text;
    EXPECT_FALSE(parse_tensor(rest).ok()) << text;
    EXPECT_EQ(rest, text);
  }
}

TEST(Literal, CutsLongTensors) {
  EXPECT_EQ(print_tensor(Tensor::int64s({1, 2, 3}), 2), "i64[3]{1 2 …}");
  EXPECT_EQ(print_tensor(Tensor::int64s({1, 2, 3}), 0), "i64[3]{…}");
}

}  // namespace
}  // namespace anyrt
