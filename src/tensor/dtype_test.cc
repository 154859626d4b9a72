#include "tensor/dtype.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <vector>

namespace anyrt {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

TEST(DType, NamesParseBack) {
  std::set<std::string_view> names;
  for (int i = 1; i < kDTypeCount; ++i) {
    const auto dtype = static_cast<DType>(i);
    EXPECT_EQ(parse_dtype(dtype_name(dtype)), dtype);
    EXPECT_EQ(parse_dtype(dtype_short_name(dtype)), dtype);
    EXPECT_EQ(parse_dtype(dtype_onnx_name(dtype)), dtype);
    EXPECT_GT(element_size(dtype), 0u);
    EXPECT_TRUE(is_valid_dtype(i));
    EXPECT_TRUE(kAllDTypes.has(dtype));
    names.insert(dtype_name(dtype));
  }
  EXPECT_EQ(names.size(), 26u);
  EXPECT_EQ(parse_dtype("float"), DType::kFloat32);
  EXPECT_EQ(parse_dtype("DOUBLE"), DType::kFloat64);
  EXPECT_EQ(parse_dtype("Half"), DType::kFloat16);
  EXPECT_FALSE(parse_dtype("").has_value());
  EXPECT_FALSE(parse_dtype("f3").has_value());
  EXPECT_FALSE(parse_dtype("undefined").has_value());
  EXPECT_FALSE(is_valid_dtype(0));
  EXPECT_FALSE(is_valid_dtype(27));
  EXPECT_FALSE(is_valid_dtype(-1));
}

TEST(DType, Families) {
  EXPECT_TRUE(is_float(DType::kFloat4E2M1));
  EXPECT_FALSE(is_float(DType::kComplex64));
  EXPECT_TRUE(is_int(DType::kInt2));
  EXPECT_FALSE(is_int(DType::kBool));
  EXPECT_EQ(bits_in_file(DType::kUInt4), 4);
  EXPECT_EQ(bits_in_file(DType::kInt2), 2);
  EXPECT_EQ(bits_in_file(DType::kString), 0);
  EXPECT_EQ(compute_dtype(DType::kBFloat16), DType::kFloat32);
  EXPECT_EQ(compute_dtype(DType::kInt4), DType::kInt64);
}

TEST(NarrowInts, WrapAndExtendTheSign) {
  EXPECT_EQ(Int4(7).value, 7);
  EXPECT_EQ(Int4(8).value, -8);
  EXPECT_EQ(Int4(-9).value, 7);
  EXPECT_EQ(UInt4(-1).value, 15);
  EXPECT_EQ(Int2(2).value, -2);
  EXPECT_EQ(UInt2(5).value, 1);
}

// A format by its definition: sign, exponent and mantissa fields, and which codes are special.
struct Format {
  const char* name;
  int exponent_bits, mantissa_bits, bias;
  bool infinities, fnuz, only_top_nan, no_nan;
  uint32_t (*encode)(float);  // without saturation
  float (*decode)(uint32_t);

  int bits() const { return 1 + exponent_bits + mantissa_bits; }
  uint32_t sign() const { return 1u << (bits() - 1); }

  double value(uint32_t code) const {
    const uint32_t magnitude = code & (sign() - 1);
    const uint32_t exponent = magnitude >> mantissa_bits;
    const uint32_t mantissa = magnitude & ((1u << mantissa_bits) - 1);
    const double s = (code & sign()) != 0 ? -1 : 1;
    if (fnuz && code == sign()) return kNan;
    if (only_top_nan && magnitude == sign() - 1) return kNan;
    if (infinities && exponent == (1u << exponent_bits) - 1) return mantissa == 0 ? s * kInf : kNan;
    const double significand = mantissa + (exponent == 0 ? 0.0 : std::ldexp(1.0, mantissa_bits));
    return s * std::ldexp(significand, std::max(1, static_cast<int>(exponent)) - bias - mantissa_bits);
  }
};

template <class T>
uint32_t encode(float v) {
  if constexpr (sizeof(T) == 2) {
    return T(v).bits;
  } else {
    return T::from_float(v, false).bits;
  }
}
template <class T>
float decode(uint32_t code) {
  T v;
  v.bits = static_cast<decltype(v.bits)>(code);
  return static_cast<float>(v);
}

const Format kFormats[] = {
    {"float16", 5, 10, 15, true, false, false, false, encode<Float16>, decode<Float16>},
    {"bfloat16", 8, 7, 127, true, false, false, false, encode<BFloat16>, decode<BFloat16>},
    {"e4m3fn", 4, 3, 7, false, false, true, false, encode<Float8E4M3FN>, decode<Float8E4M3FN>},
    {"e4m3fnuz", 4, 3, 8, false, true, false, false, encode<Float8E4M3FNUZ>, decode<Float8E4M3FNUZ>},
    {"e5m2", 5, 2, 15, true, false, false, false, encode<Float8E5M2>, decode<Float8E5M2>},
    {"e5m2fnuz", 5, 2, 16, false, true, false, false, encode<Float8E5M2FNUZ>, decode<Float8E5M2FNUZ>},
    {"e2m1", 2, 1, 1, false, false, false, true, encode<Float4E2M1>, decode<Float4E2M1>},
};

TEST(NarrowFloats, EveryCodeHasItsValueAndComesBack) {
  for (const Format& format : kFormats) {
    for (uint32_t code = 0; code < (1u << format.bits()); ++code) {
      const double expected = format.value(code);
      const float found = format.decode(code);
      if (std::isnan(expected)) {
        EXPECT_TRUE(std::isnan(found)) << format.name << " " << code;
        EXPECT_TRUE(std::isnan(format.decode(format.encode(found)))) << format.name << " " << code;
      } else {
        EXPECT_EQ(found, expected) << format.name << " " << code;
        EXPECT_EQ(std::signbit(found), std::signbit(expected)) << format.name << " " << code;
        EXPECT_EQ(format.encode(found), code) << format.name;
      }
    }
  }
}

TEST(NarrowFloats, RoundToNearestEven) {
  for (const Format& format : kFormats) {
    for (uint32_t code = 0; code + 1 < format.sign(); ++code) {
      const double low = format.value(code), high = format.value(code + 1);
      if (!std::isfinite(low) || !std::isfinite(high)) continue;
      const auto middle = static_cast<float>((low + high) / 2);
      ASSERT_EQ(middle, (low + high) / 2);
      const uint32_t even = code % 2 == 0 ? code : code + 1;
      EXPECT_EQ(format.encode(middle), even) << format.name << " " << code;
      EXPECT_EQ(format.encode(std::nextafter(middle, kInf)), code + 1) << format.name << " " << code;
      EXPECT_EQ(format.encode(std::nextafter(middle, -kInf)), code) << format.name << " " << code;
      if (code == 0) continue;
      EXPECT_EQ(format.encode(-middle), even | format.sign()) << format.name << " " << code;
    }
  }
}

// The tables in the documentation of Cast.
TEST(Float8, SpecialValues) {
  struct Row {
    float x;
    bool saturate;
    int e4m3fn, e4m3fnuz, e5m2, e5m2fnuz;
  };
  const Row rows[] = {
      {0.0f, true, 0x00, 0x00, 0x00, 0x00},     {-0.0f, true, 0x80, 0x00, 0x80, 0x00},
      {kNan, true, 0x7f, 0x80, 0x7e, 0x80},     {kInf, true, 0x7e, 0x7f, 0x7b, 0x7f},
      {-kInf, true, 0xfe, 0xff, 0xfb, 0xff},    {1e30f, true, 0x7e, 0x7f, 0x7b, 0x7f},
      {-1e30f, true, 0xfe, 0xff, 0xfb, 0xff},   {kNan, false, 0x7f, 0x80, 0x7e, 0x80},
      {kInf, false, 0x7f, 0x80, 0x7c, 0x80},    {-kInf, false, 0xff, 0x80, 0xfc, 0x80},
      {1e30f, false, 0x7f, 0x80, 0x7c, 0x80},   {-1e30f, false, 0xff, 0x80, 0xfc, 0x80},
      {-1e-30f, false, 0x80, 0x00, 0x80, 0x00}, {1.0f, true, 0x38, 0x40, 0x3c, 0x40},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(Float8E4M3FN::from_float(row.x, row.saturate).bits, row.e4m3fn) << row.x;
    EXPECT_EQ(Float8E4M3FNUZ::from_float(row.x, row.saturate).bits, row.e4m3fnuz) << row.x;
    EXPECT_EQ(Float8E5M2::from_float(row.x, row.saturate).bits, row.e5m2) << row.x;
    EXPECT_EQ(Float8E5M2FNUZ::from_float(row.x, row.saturate).bits, row.e5m2fnuz) << row.x;
  }
  // 464 lies half-way between the largest value and what would come next; the tie goes to the even 448.
  EXPECT_EQ(Float8E4M3FN::from_float(464, false).bits, 0x7e);
  EXPECT_EQ(Float8E4M3FN::from_float(std::nextafter(464.0f, kInf), false).bits, 0x7f);
}

TEST(Float16, Limits) {
  EXPECT_EQ(Float16(65519.996f).bits, 0x7bff);
  EXPECT_EQ(Float16(65520).bits, 0x7c00);
  EXPECT_EQ(Float16(-kInf).bits, 0xfc00);
  EXPECT_EQ(Float16(0x1p-25f).bits, 0);
  EXPECT_EQ(Float16(std::nextafter(0x1p-25f, 1.0f)).bits, 1);
  EXPECT_TRUE(std::isnan(static_cast<float>(Float16(kNan))));
  // A NaN whose payload lies in the bits that are dropped stays one.
  EXPECT_TRUE(std::isnan(static_cast<float>(Float16(std::bit_cast<float>(0x7f800001u)))));
  EXPECT_TRUE(std::isnan(static_cast<float>(BFloat16(std::bit_cast<float>(0x7f800001u)))));
  EXPECT_EQ(BFloat16(std::numeric_limits<float>::max()).bits, 0x7f80);
}

TEST(Float4, SaturatesAndHasNoNan) {
  EXPECT_EQ(Float4E2M1(kInf).bits, 7);
  EXPECT_EQ(Float4E2M1(-100).bits, 15);
  EXPECT_EQ(Float4E2M1(2.5f).bits, 4);
  EXPECT_EQ(static_cast<float>(Float4E2M1(kNan)), 0);
}

TEST(Float8E8M0, RoundingModes) {
  const auto code = [](float x, F8Round round, bool saturate = true) {
    return static_cast<int>(Float8E8M0::from_float(x, saturate, round).bits);
  };
  EXPECT_EQ(code(1, F8Round::kNearest), 127);
  EXPECT_EQ(code(1.1f, F8Round::kUp), 128);
  EXPECT_EQ(code(1.9f, F8Round::kDown), 127);
  EXPECT_EQ(code(1.49f, F8Round::kNearest), 127);
  EXPECT_EQ(code(1.5f, F8Round::kNearest), 128);
  EXPECT_EQ(code(0, F8Round::kUp), 0);
  EXPECT_EQ(code(0, F8Round::kNearest, false), 255);
  EXPECT_EQ(code(kInf, F8Round::kUp), 254);
  EXPECT_EQ(code(kInf, F8Round::kNearest, false), 255);
  EXPECT_EQ(code(kNan, F8Round::kUp), 255);
  EXPECT_EQ(code(3e38f, F8Round::kUp), 254);
  EXPECT_EQ(code(3e38f, F8Round::kNearest, false), 255);
  EXPECT_EQ(code(1e-40f, F8Round::kUp), 0);
  EXPECT_EQ(code(1e-40f, F8Round::kNearest, false), 255);
  EXPECT_EQ(code(0x1p-127f, F8Round::kUp), 0);
  EXPECT_EQ(code(0x1.8p-127f, F8Round::kNearest), 1);
  for (int i = 0; i < 255; ++i) {
    EXPECT_EQ(decode<Float8E8M0>(static_cast<uint32_t>(i)), std::ldexp(1.0f, i - 127));
    for (const F8Round round : {F8Round::kNearest, F8Round::kUp, F8Round::kDown}) {
      EXPECT_EQ(code(std::ldexp(1.0f, i - 127), round, false), i);
    }
  }
}

}  // namespace
}  // namespace anyrt
