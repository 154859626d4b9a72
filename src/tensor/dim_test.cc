#include "tensor/dim.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace anyrt {
namespace {

Dim parse(std::string_view text) {
  auto dim = Dim::parse(text);
  EXPECT_TRUE(dim.ok()) << dim.status().message();
  return dim.ok() ? *dim : Dim::unknown();
}

const Dim kN = Dim::symbol("N");
const Dim kH = Dim::symbol("H");
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr int64_t kMin = std::numeric_limits<int64_t>::min();

TEST(Dim, PrintsNormalForm) {
  EXPECT_EQ((kN * 2 + 1).to_string(), "2*N+1");
  EXPECT_EQ((Dim(3) - kN * kH).to_string(), "-H*N+3");
  EXPECT_EQ((kN * kN * 4).to_string(), "4*N^2");
  EXPECT_EQ(Dim::floor_div(kH, 32).to_string(), "floor(H/32)");
  EXPECT_EQ(Dim::floor_div(kH + 1, 2).to_string(), "floor((H+1)/2)");
  EXPECT_EQ(Dim::symbol("batch size").to_string(), "`batch size`");
  EXPECT_EQ(Dim::symbol("floor").to_string(), "`floor`");
  EXPECT_EQ(shape_string(SymShape{kN, 3, Dim::unknown()}), "[N,3,?]");
}

TEST(Dim, ReadsWhatItPrints) {
  for (const char* text :
       {"N", "7", "-7", "2*N+1", "H*N^3-2*N-5", "floor(H/32)", "floor((H+1)/2)+N", "ceil(H/N)", "trunc((H-N)/3)",
        "mod(H,N)", "max(H,N)", "min(H-1,3*N)", "`a b`+1", "`min`*N", "`q\\`\\\\`", "floor(max(H,N)/7)*N", "é+1"}) {
    EXPECT_EQ(parse(parse(text).to_string()), parse(text)) << text;
    EXPECT_EQ(parse(text).hash(), parse(parse(text).to_string()).hash()) << text;
  }
  EXPECT_EQ(parse("past_sequence_length + sequence_length").to_string(), "past_sequence_length+sequence_length");
  EXPECT_TRUE(parse("?").is_unknown());
  EXPECT_EQ(parse(" ( N + 1 ) * (N - 1) "), kN * kN - 1);
}

TEST(Dim, Simplifies) {
  const struct {
    const char* left;
    const char* right;
  } rows[] = {
      {"N-N", "0"},
      {"(3*N)/3", "N"},
      {"(N*3+6)/3", "N+2"},
      {"(4*N+7)/4", "N+1"},
      {"(4*N+H)/4", "N+H/4"},
      {"(4*N+2)/8", "(2*N+1)/4"},
      {"(6*N+3)/9", "(2*N+1)/3"},
      {"((H-1)/2+1-1)/2+1", "(H-1)/4+1"},
      {"((H/3)/5)/7", "H/105"},
      {"((H/3)+2)/5", "(H+6)/15"},
      {"ceil(ceil(H/2)/2)", "ceil(H/4)"},
      {"(-N)/2", "0-ceil(N/2)"},
      {"(-3*N)/2", "0-ceil((3*N)/2)"},
      {"(H-N)/2", "(H+N)/2-N"},
      {"trunc(N/2)", "floor(N/2)"},
      {"trunc(H*(N+1)/(N+1))", "H"},
      {"(N*H)/N", "H"},
      {"(N*N*H-H)/(N+1)", "N*H-H"},
      {"N%1", "0"},
      {"(2*N)%2", "0"},
      {"(2*N+5)%2", "1"},
      {"mod(N*H,N)", "0"},
      {"N-mod(N,4)", "4*floor(N/4)"},
      {"floor(mod(N,4)/1)", "mod(N,4)"},
      {"max(N,0)", "N"},
      {"max(N,N+3)", "N+3"},
      {"min(N,-2)", "-2"},
      {"min(N,H)", "min(H,N)"},
      {"max(max(N,H),N)", "max(N,H)"},
      {"min(3,8)", "3"},
      {"N^0", "1"},
      {"(N+1)^2", "N^2+2*N+1"},
      {"N/N", "1"},
      {"0*N", "0"},
  };
  for (const auto& row : rows)
    EXPECT_EQ(parse(row.left), parse(row.right)) << row.left << " gives " << parse(row.left).to_string();
}

TEST(Dim, UnknownIsEqualToNothing) {
  EXPECT_FALSE(Dim::unknown() == Dim::unknown());
  EXPECT_FALSE(Dim(1) == Dim::unknown());
  EXPECT_TRUE((kN + Dim::unknown()).is_unknown());
  EXPECT_TRUE(Dim::floor_div(kN, 0).is_unknown());
  EXPECT_TRUE(Dim::symbol("").is_unknown());
}

TEST(Dim, OverflowIsUnknown) {
  EXPECT_TRUE((Dim(kMax) + 1).is_unknown());
  EXPECT_TRUE((Dim(kMin) - 1).is_unknown());
  EXPECT_TRUE((Dim(kMax) * 2).is_unknown());
  EXPECT_TRUE((kN * kMax * 2).is_unknown());
  EXPECT_TRUE(Dim::floor_div(kMin, -1).is_unknown());
  EXPECT_TRUE(Dim::trunc_div(kMin, -1).is_unknown());
  EXPECT_TRUE(Dim::floor_div(kN - Dim(kMax), 10).is_symbolic());
  EXPECT_EQ(Dim::floor_div(kMin, 2), Dim(kMin / 2));
  EXPECT_FALSE((kN * kMax + 1).evaluate({{"N", 2}}).has_value());
}

TEST(Dim, IntegerDivisionsFollowTheirNames) {
  for (int64_t a = -7; a <= 7; ++a) {
    for (int64_t b = -3; b <= 3; ++b) {
      if (b == 0) continue;
      const int64_t floored = (a - (((a % b) + b) % b)) / b;
      EXPECT_TRUE(Dim::floor_div(a, b).is(floored)) << a << " " << b;
      EXPECT_TRUE(Dim::ceil_div(a, b).is(floored + (a % b != 0 ? 1 : 0))) << a << " " << b;
      EXPECT_TRUE(Dim::trunc_div(a, b).is(a / b)) << a << " " << b;
      EXPECT_TRUE(Dim::mod(a, b).is(((a % b) + b) % b)) << a << " " << b;
    }
  }
}

TEST(Dim, EvaluatesAndSubstitutes) {
  const Dim dim = parse("floor((H-3)/2)*N + max(H,N)");
  EXPECT_EQ(dim.evaluate({{"H", 10}, {"N", 4}}), 22);
  EXPECT_FALSE(dim.evaluate({{"H", 10}}).has_value());
  EXPECT_FALSE(parse("ceil(H/N)").evaluate({{"H", 10}, {"N", 0}}).has_value());
  EXPECT_EQ(dim.substitute({{"H", Dim(10)}}), kN * 3 + Dim::max(10, kN));
  EXPECT_EQ(dim.substitute({{"H", kN * 2 + 3}}), kN * kN + kN * 2 + 3);
  std::vector<std::string> symbols;
  dim.collect_symbols(symbols);
  EXPECT_EQ(symbols.size(), 2u);
}

TEST(Dim, SymbolicDivisionsEvaluateLikeIntegers) {
  const char* texts[] = {"floor((3*N-2*H+5)/4)", "ceil((N-H)/3)",       "trunc((N-H)/3)",         "mod(5*N-H,6)",
                         "floor(N/(H+1))",       "ceil(N/(H+1))",       "trunc((N-9)/(H+1))",     "mod(N,H+1)",
                         "min(N,2*H-3)",         "max(N-5,floor(H/2))", "floor(floor((N+1)/2)/3)"};
  auto reference = [](int which, int64_t n, int64_t h) -> int64_t {
    auto floored = [](int64_t a, int64_t b) { return (a - (((a % b) + b) % b)) / b; };
    auto ceiled = [&](int64_t a, int64_t b) { return -floored(-a, b); };
    switch (which) {
      case 0: return floored(3 * n - 2 * h + 5, 4);
      case 1: return ceiled(n - h, 3);
      case 2: return (n - h) / 3;
      case 3: return 5 * n - h - 6 * floored(5 * n - h, 6);
      case 4: return n / (h + 1);
      case 5: return ceiled(n, h + 1);
      case 6: return (n - 9) / (h + 1);
      case 7: return n % (h + 1);
      case 8: return std::min(n, 2 * h - 3);
      case 9: return std::max(n - 5, h / 2);
      default: return (n + 1) / 2 / 3;
    }
  };
  for (int which = 0; which < 11; ++which) {
    const Dim dim = parse(texts[which]);
    for (int64_t n = 0; n < 12; ++n) {
      for (int64_t h = 0; h < 12; ++h) {
        EXPECT_EQ(dim.evaluate({{"N", n}, {"H", h}}), reference(which, n, h)) << texts[which] << " " << n << " " << h;
      }
    }
  }
}

TEST(Dim, RefusesBrokenText) {
  for (const char* text : {"", "N+", "(N", "N)", "99999999999999999999", "floor(", "min(N)", "min(N,)", "`", "``", "`a",
                           "N N", "*", "N^99999", "N^H", ".", "+N", "--N"}) {
    EXPECT_FALSE(Dim::parse(text).ok()) << text;
  }
  EXPECT_FALSE(Dim::parse(std::string(100000, '(')).ok());
  std::string nested = "N";
  for (int i = 0; i < 60; ++i) nested = "floor((3*" + nested + "+1)/H)";
  EXPECT_FALSE(Dim::parse(nested).ok());
}

TEST(Dim, LargeExpressionsBecomeUnknown) {
  Dim sum(0);
  for (int i = 0; i < 200; ++i) sum = sum + Dim::symbol("s" + std::to_string(i));
  EXPECT_TRUE(sum.is_unknown());
  Dim nested = kN;
  for (int i = 0; i < 200; ++i) nested = Dim::floor_div(nested * 3 + 1, kH);
  EXPECT_TRUE(nested.is_unknown());
  Dim doubled = kN;
  for (int i = 0; i < 64; ++i) doubled = Dim::max(doubled * doubled, doubled + kH);
  EXPECT_TRUE(doubled.is_unknown());
}

}  // namespace
}  // namespace anyrt
