#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "devices/cpu/kernel_testing.h"
#include "devices/cpu/kernels/map_common.h"

namespace anyrt::cpu {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Dense around 0 and 1, all magnitudes, multiples of pi / 2, and the special values.
std::vector<float> arguments() {
  std::vector<float> x;
  for (const float v :
       {0.0f, 1e-45f, 1e-40f, 1.1754944e-38f, 1e-30f, 0.5f, 1.0f, 2.0f, 9999.0f, 10001.0f, 1e10f, 3.4e38f, kInfinity}) {
    x.push_back(v);
    x.push_back(-v);
  }
  x.push_back(std::numeric_limits<float>::quiet_NaN());
  for (int i = -20000; i <= 20000; ++i) x.push_back(static_cast<float>(i) * 0.00531f);
  for (int i = -20000; i <= 20000; ++i) x.push_back(static_cast<float>(i) * 0.0000531f);
  for (int i = -2000; i <= 2000; ++i) x.push_back(1 + static_cast<float>(i) * 1.2e-7f);
  for (int i = -3000; i <= 3000; ++i) {
    const auto multiple = static_cast<float>(i * 1.5707963267948966);
    x.push_back(multiple);
    x.push_back(std::nextafter(multiple, kInfinity));
  }
  for (float v = 1e-42f; v < 1e38f; v *= 1.01f) {
    x.push_back(v);
    x.push_back(-v);
  }
  x.resize(x.size() / 16 * 16 + 7);  // a rest of every length of vector
  return x;
}

// Difference in units of the last place of `want`, which is exact up to double.
double ulps(float got, double want) {
  const float near = static_cast<float>(want);
  if (std::isnan(near) || std::isnan(got)) return std::isnan(near) && std::isnan(got) ? 0 : 1e9;
  if (std::isinf(near) || std::isinf(got)) return near == got ? 0 : 1e9;
  const float size = std::abs(near);
  const double unit = std::nextafter(size, kInfinity) - static_cast<double>(size);
  return std::abs(got - want) / unit;
}

double worst(Map op, double (*exact)(double)) {
  const std::vector<float> x = arguments();
  std::vector<float> y(x.size());
  MapBlock m;
  m.n = static_cast<int64_t>(x.size());
  m.in[0] = x.data();
  m.step[0] = 1;
  m.out = y.data();
  map_function(op)(m);
  double most = 0;
  float at = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double u = ulps(y[i], exact(static_cast<double>(x[i])));
    if (u > most) {
      most = u;
      at = x[i];
    }
  }
  if (most > 2) printf("  worst %.2f ulp at %.9g\n", most, static_cast<double>(at));
  return most;
}

TEST(Map, AccuracyOfOne) {
  struct Row {
    const char* name;
    Map op;
    double (*exact)(double);
    double limit;
  };
  const Row rows[] = {
      {"exp", Map::kExp, std::exp, 2},           {"log", Map::kLog, std::log, 2},
      {"erf", Map::kErf, std::erf, 2},           {"sin", Map::kSin, std::sin, 2},
      {"cos", Map::kCos, std::cos, 2},           {"tan", Map::kTan, std::tan, 2.5},
      {"asin", Map::kAsin, std::asin, 2.5},      {"acos", Map::kAcos, std::acos, 2.5},
      {"atan", Map::kAtan, std::atan, 2},        {"sinh", Map::kSinh, std::sinh, 3},
      {"cosh", Map::kCosh, std::cosh, 3},        {"tanh", Map::kTanh, std::tanh, 2.5},
      {"asinh", Map::kAsinh, std::asinh, 3},     {"acosh", Map::kAcosh, std::acosh, 3},
      {"atanh", Map::kAtanh, std::atanh, 3},     {"sqrt", Map::kSqrt, std::sqrt, 0.6},
      {"floor", Map::kFloor, std::floor, 0},     {"ceil", Map::kCeil, std::ceil, 0},
      {"round", Map::kRound, std::nearbyint, 0},
  };
  on_every_isa([&] {
    for (const Row& r : rows) {
      SCOPED_TRACE(r.name);
      EXPECT_LE(worst(r.op, r.exact), r.limit);
    }
  });
}

TEST(Map, SignsOfZeros) {
  on_every_isa([] {
    for (const Map op : {Map::kSin, Map::kTan, Map::kAsin, Map::kAtan, Map::kSinh, Map::kAsinh, Map::kAtanh, Map::kTanh,
                         Map::kErf, Map::kSqrt, Map::kFloor, Map::kRound, Map::kSign}) {
      const float x = -0.0f;
      float y = 1;
      MapBlock m;
      m.n = 1;
      m.in[0] = &x;
      m.step[0] = 1;
      m.out = &y;
      map_function(op)(m);
      EXPECT_EQ(y, 0) << static_cast<int>(op);
      EXPECT_TRUE(std::signbit(y)) << static_cast<int>(op);
    }
  });
}

TEST(Map, Powers) {
  std::vector<float> special = {0.0f,  1e-45f,  1e-38f,      0.5f,        1.0f,        1.5f,       2.0f,
                                3.0f,  4.0f,    0.33333334f, 16777216.0f, 16777215.0f, 8388607.5f, 2e9f,
                                1e30f, 3.4e38f, kInfinity,   126.0f,      127.0f,      149.0f,     150.0f};
  for (size_t i = special.size(); i-- > 0;) special.push_back(-special[i]);
  special.push_back(std::numeric_limits<float>::quiet_NaN());
  std::vector<float> x, y;
  for (const float a : special) {
    for (const float b : special) {
      x.push_back(a);
      y.push_back(b);
    }
  }
  std::mt19937 random(1);
  std::uniform_real_distribution<float> exponents(-40, 40), logs(-30, 30), near(-1e-3f, 1e-3f);
  for (int i = 0; i < 40000; ++i) {
    x.push_back(i % 2 ? std::exp2(logs(random)) : 1 + near(random));
    y.push_back(i % 2 ? exponents(random) : exponents(random) * 2000);
    if (i % 5 == 0) x.back() = -x.back(), y.back() = std::round(y.back());
  }
  on_every_isa([&] {
    std::vector<float> z(x.size());
    MapBlock m;
    m.n = static_cast<int64_t>(x.size());
    m.in[0] = x.data();
    m.in[1] = y.data();
    m.step[0] = m.step[1] = 1;
    m.out = z.data();
    map_function(Map::kPow)(m);
    for (size_t i = 0; i < x.size(); ++i) {
      const double want = std::pow(static_cast<double>(x[i]), static_cast<double>(y[i]));
      EXPECT_LT(ulps(z[i], want), 1.1) << x[i] << " ^ " << y[i] << " = " << z[i] << ", exact " << want;
      if (want == 0) {
        EXPECT_EQ(std::signbit(z[i]), std::signbit(want)) << x[i] << " ^ " << y[i];
      }
    }
  });
}

}  // namespace
}  // namespace anyrt::cpu
