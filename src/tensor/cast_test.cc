#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tensor/convert.h"
#include "tensor/literal.h"
#include "tensor/tensor.h"

namespace anyrt {
namespace {

Tensor parse(std::string_view text) {
  auto tensor = parse_tensor(text);
  EXPECT_TRUE(tensor.ok()) << tensor.status().message();
  return tensor.ok() ? *tensor : Tensor();
}

// The literal of `text` cast to `to`, or the error.
std::string cast(std::string_view text, DType to, bool saturate = true, F8Round round = F8Round::kNearest) {
  const auto result = cast_tensor(parse(text), to, saturate, round);
  return result.ok() ? print_tensor(*result) : result.status().message();
}

TEST(Cast, FloatToIntegerTruncatesAndWrapsLikeX86) {
  const char* x = "f32[9]{1.5 -1.9 300 -300 70000.9 1e10 1e20 nan -inf}";
  EXPECT_EQ(cast(x, DType::kInt8), "i8[9]{1 -1 44 -44 112 0 0 0 0}");
  EXPECT_EQ(cast(x, DType::kUInt8), "u8[9]{1 255 44 212 112 0 0 0 0}");
  EXPECT_EQ(cast(x, DType::kInt16), "i16[9]{1 -1 300 -300 4464 0 0 0 0}");
  EXPECT_EQ(cast(x, DType::kInt32), "i32[9]{1 -1 300 -300 70000 -2147483648 -2147483648 -2147483648 -2147483648}");
  EXPECT_EQ(cast(x, DType::kUInt32), "u32[9]{1 4294967295 300 4294966996 70000 1410065408 0 0 0}");
  EXPECT_EQ(cast(x, DType::kInt64),
            "i64[9]{1 -1 300 -300 70000 10000000000 -9223372036854775808 -9223372036854775808 -9223372036854775808}");
  EXPECT_EQ(cast(x, DType::kUInt64),
            "u64[9]{1 18446744073709551615 300 18446744073709551316 70000 10000000000 0 9223372036854775808 "
            "9223372036854775808}");
  EXPECT_EQ(cast("f64[3]{2147483647.9 -2147483648.9 2147483648}", DType::kInt32),
            "i32[3]{2147483647 -2147483648 -2147483648}");
  EXPECT_EQ(cast("f64[2]{9223372036854775808 1.5e19}", DType::kUInt64),
            "u64[2]{9223372036854775808 15000000000000000000}");
  EXPECT_EQ(cast("f32[5]{-9 -8 7 8 15}", DType::kInt4), "i4[5]{7 -8 7 -8 -1}");
  EXPECT_EQ(cast("f32[4]{-1 3 4 2.9}", DType::kUInt2), "u2[4]{3 3 0 2}");
}

TEST(Cast, ToBool) {
  EXPECT_EQ(cast("f32[5]{0 -0 0.1 nan -inf}", DType::kBool), "bool[5]{false false true true true}");
  EXPECT_EQ(cast("i64[2]{4294967296 0}", DType::kBool), "bool[2]{true false}");
  EXPECT_EQ(cast("c64[3]{0 2i 1}", DType::kBool), "bool[3]{false true true}");
  EXPECT_EQ(cast("bool[2]{true false}", DType::kFloat16), "f16[2]{1 0}");
}

TEST(Cast, IntegersDropHighBits) {
  EXPECT_EQ(cast("i16[2]{200 -129}", DType::kInt8), "i8[2]{-56 127}");
  EXPECT_EQ(cast("i32[2]{-1 65536}", DType::kUInt16), "u16[2]{65535 0}");
  EXPECT_EQ(cast("i8[1]{-1}", DType::kUInt64), "u64[1]{18446744073709551615}");
  EXPECT_EQ(cast("u64[1]{18446744073709551615}", DType::kInt64), "i64[1]{-1}");
  EXPECT_EQ(cast("u8[3]{8 15 16}", DType::kInt4), "i4[3]{-8 -1 0}");
  EXPECT_EQ(cast("u4[2]{15 8}", DType::kInt8), "i8[2]{15 8}");
  EXPECT_EQ(cast("i2[2]{-2 1}", DType::kUInt4), "u4[2]{14 1}");
}

TEST(Cast, LargeIntegersRoundOnce) {
  // 2^24+1 is half-way in float; one unit more at bit 0 of an int64 must tip the balance.
  EXPECT_EQ(cast("i64[2]{16777217 16777219}", DType::kFloat32), "f32[2]{16777216 16777220}");
  EXPECT_EQ(cast("u64[1]{18446744073709551615}", DType::kFloat32), "f32[1]{1.8446744e+19}");
  EXPECT_EQ(cast("u64[1]{9223372036854775809}", DType::kFloat64), "f64[1]{9.223372036854776e+18}");
  // Half-way between two bfloat16 but for the last bit, which neither float nor double can hold.
  constexpr int64_t kHalfWay = (int64_t{0x101} << 54);
  for (const int64_t v : {kHalfWay, kHalfWay + 1, -kHalfWay, -kHalfWay - 1}) {
    const auto y = cast_tensor(Tensor::scalar<int64_t>(v), DType::kBFloat16);
    ASSERT_TRUE(y.ok());
    const bool up = v != kHalfWay && v != -kHalfWay;
    EXPECT_EQ(static_cast<float>(*y->data<BFloat16>()),
              std::copysign(up ? 0x1.02p62f : 0x1p62f, static_cast<float>(v)));
  }
}

TEST(Cast, DoubleToNarrowRoundsOnce) {
  // Rounded to float first, each of these would be a tie and go to the even neighbour.
  const double tiny = 0x1p-50;
  const auto one = [](double v, DType to) {
    const auto y = cast_tensor(Tensor::scalar<double>(v), to);
    EXPECT_TRUE(y.ok());
    return to_doubles(*y)->front();
  };
  EXPECT_EQ(one(1 + 0x1p-11 + tiny, DType::kFloat16), 1 + 0x1p-10);
  EXPECT_EQ(one(1 + 0x1p-11, DType::kFloat16), 1);
  EXPECT_EQ(one(1 + 0x1p-8 + tiny, DType::kBFloat16), 1 + 0x1p-7);
  EXPECT_EQ(one(1 + 0x1p-4 + tiny, DType::kFloat8E4M3FN), 1.125);
  EXPECT_EQ(one(-(1 + 0x1p-3 + tiny), DType::kFloat8E5M2), -1.25);
  EXPECT_EQ(one(0.25 + tiny, DType::kFloat4E2M1), 0.5);
  EXPECT_EQ(one(0x1p-25 * (1 + tiny), DType::kFloat16), 0x1p-24);
  EXPECT_EQ(one(1e300, DType::kFloat16), std::numeric_limits<double>::infinity());
  EXPECT_EQ(one(-1e-300, DType::kFloat16), 0);
  EXPECT_TRUE(std::isnan(one(std::nan(""), DType::kBFloat16)));
}

TEST(Cast, SaturationOfFloat8) {
  EXPECT_EQ(cast("f32[3]{1000 -inf nan}", DType::kFloat8E4M3FN), "f8e4m3fn[3]{448 -448 nan}");
  EXPECT_EQ(cast("f32[3]{1000 -inf nan}", DType::kFloat8E4M3FN, false), "f8e4m3fn[3]{nan -nan nan}");
  EXPECT_EQ(cast("f16[2]{60000 -inf}", DType::kFloat8E5M2, false), "f8e5m2[2]{57344 -inf}");
  EXPECT_EQ(cast("i32[1]{100000}", DType::kFloat8E5M2), "f8e5m2[1]{57344}");
  EXPECT_EQ(cast("f32[3]{1.1 0 3}", DType::kFloat8E8M0, true, F8Round::kUp), "f8e8m0[3]{2 6e-39 4}");
}

TEST(Cast, Strings) {
  EXPECT_EQ(cast("str[6]{\"3.14\" \"1e-5\" \" +INF\" \"-inf\" \"NaN\" \"1e400\"}", DType::kFloat32),
            "f32[6]{3.14 1e-05 inf -inf nan inf}");
  EXPECT_EQ(cast("str[2]{\"1e-400\" \"-1E400\"}", DType::kFloat64), "f64[2]{0 -inf}");
  EXPECT_EQ(cast("str[2]{\"1000e9223372036854775807\" \"0.001e-9223372036854775808\"}", DType::kFloat32),
            "f32[2]{inf 0}");
  EXPECT_EQ(cast("str[2]{\"0.1\" \"70000\"}", DType::kFloat16), "f16[2]{0.1 inf}");
  EXPECT_EQ(cast("str[4]{\"100.5\" \"-7\" \"1e3\" \"+5\"}", DType::kInt32), "i32[4]{100 -7 1000 5}");
  EXPECT_EQ(cast("str[2]{\"9223372036854775807\" \"-9223372036854775808\"}", DType::kInt64),
            "i64[2]{9223372036854775807 -9223372036854775808}");
  EXPECT_EQ(cast("str[1]{\"18446744073709551615\"}", DType::kUInt64), "u64[1]{18446744073709551615}");
  EXPECT_EQ(cast("str[4]{\"1\" \"0\" \"true\" \"False\"}", DType::kBool), "bool[4]{true false true false}");
  for (const char* bad : {"str[1]{\"Hello\"}", "str[1]{\"\"}", "str[1]{\"5abc\"}", "str[1]{\"--1\"}", "str[1]{\"+-1\"}",
                          "str[1]{\"nan(1)\"}", "str[1]{\"0x10\"}", "str[1]{\"1e\"}"}) {
    EXPECT_NE(cast(bad, DType::kFloat32).find("expected a number"), std::string::npos) << bad;
    EXPECT_NE(cast(bad, DType::kInt64).find("expected a number"), std::string::npos) << bad;
  }
  EXPECT_NE(cast("str[2]{\"1\" \"x\"}", DType::kInt64).find("element 1 is the string \"x\""), std::string::npos);
  EXPECT_NE(cast("str[1]{\"99999999999999999999\"}", DType::kInt64).find("expected a number"), std::string::npos);
}

TEST(Cast, ToStrings) {
  EXPECT_EQ(cast("f32[9]{0.1 1 1e-05 314.15927 nan inf -inf -0 1e16}", DType::kString),
            "str[9]{\"0.1\" \"1\" \"1e-05\" \"314.15927\" \"NaN\" \"INF\" \"-INF\" \"-0\" \"1e+16\"}");
  EXPECT_EQ(cast("f64[1]{0.1}", DType::kString), "str[1]{\"0.1\"}");
  EXPECT_EQ(cast("f16[2]{0.1 65504}", DType::kString), "str[2]{\"0.1\" \"65504\"}");
  EXPECT_EQ(cast("i8[2]{-5 7}", DType::kString), "str[2]{\"-5\" \"7\"}");
  EXPECT_EQ(cast("u64[1]{18446744073709551615}", DType::kString), "str[1]{\"18446744073709551615\"}");
  EXPECT_EQ(cast("bool[2]{true false}", DType::kString), "str[2]{\"1\" \"0\"}");
}

TEST(Cast, Complex) {
  EXPECT_EQ(cast("c64[2]{1+2i -3.5}", DType::kComplex128), "c128[2]{1+2i -3.5+0i}");
  EXPECT_EQ(cast("c128[2]{1+2i -3.5}", DType::kFloat32), "f32[2]{1 -3.5}");
  EXPECT_EQ(cast("i32[2]{1 -2}", DType::kComplex64), "c64[2]{1+0i -2+0i}");
  EXPECT_EQ(cast("c64[2]{1+2i -3.5e-20-1i}", DType::kString), "str[2]{\"1+2i\" \"-3.5e-20-1i\"}");
  EXPECT_EQ(cast("str[5]{\"(1.5-2j)\" \" 3 \" \"-1i\" \"1e-3+2e+1i\" \"inf-nani\"}", DType::kComplex128),
            "c128[5]{1.5-2i 3+0i 0-1i 0.001+20i inf-nani}");
  for (const char* bad : {"1+", "i", "1+2", "(1", "1+2k", ""}) {
    const Tensor text = parse(std::string("str[1]{\"") + bad + "\"}");
    EXPECT_FALSE(cast_tensor(text, DType::kComplex64).ok()) << bad;
  }
}

TEST(Cast, EveryPairOfTypesKeepsSmallNumbers) {
  // More than one block and a rest; 1 is a number in every type.
  constexpr int64_t kCount = 300;
  for (int from = 1; from < kDTypeCount; ++from) {
    const auto ones = cast_tensor(parse("i64[300]{fill:1}"), static_cast<DType>(from));
    ASSERT_TRUE(ones.ok());
    for (int to = 1; to < kDTypeCount; ++to) {
      // "1+0i" is no text of a real number.
      if (from == 8 && is_complex(static_cast<DType>(to))) continue;
      const auto there = cast_tensor(*ones, static_cast<DType>(to));
      ASSERT_TRUE(there.ok()) << from << " " << to;
      ASSERT_EQ(there->size(), kCount);
      const auto back = cast_tensor(*there, static_cast<DType>(from));
      ASSERT_TRUE(back.ok());
      EXPECT_TRUE(identical(*ones, *back)) << from << " " << to;
    }
  }
}

TEST(Cast, BlocksOfAnyLengthAndAlignment) {
  std::vector<float> values(1000);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) - 500;
  for (const size_t n : {size_t{1}, size_t{255}, size_t{256}, size_t{257}, size_t{999}}) {
    std::vector<int16_t> out(n + 1, 77);
    convert_elements(DType::kFloat32, values.data() + 1, DType::kInt16, out.data(), n);
    for (size_t i = 0; i < n; ++i) ASSERT_EQ(out[i], static_cast<int16_t>(i) - 499);
    EXPECT_EQ(out[n], 77);
  }
}

TEST(Cast, RefusesNothing) {
  EXPECT_FALSE(cast_tensor(Tensor(), DType::kFloat32).ok());
  EXPECT_FALSE(cast_tensor(parse("f32[1]{1}"), DType::kUndefined).ok());
  EXPECT_FALSE(cast_tensor(parse("f32[1]{1}"), static_cast<DType>(200)).ok());
}

}  // namespace
}  // namespace anyrt
