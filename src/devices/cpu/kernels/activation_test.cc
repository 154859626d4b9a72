#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "devices/cpu/kernel_testing.h"
#include "opdef/fused_activation.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/activation_test.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "devices/cpu/kernels/activation-inl.h"

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {

void activate_all(const FusedActivation& f, const float* x, float* y, int64_t n) {
  activate_range(hn::ScalableTag<float>(), f, x, y, n);
}

void erf_all(const float* x, float* y, int64_t n) {
  const hn::ScalableTag<float> d;
  for (int64_t i = 0; i < n; i += static_cast<int64_t>(hn::Lanes(d))) {
    hn::StoreU(v_erf(d, hn::LoadU(d, x + i)), d, y + i);
  }
}

void exp_all(const float* x, float* y, int64_t n) {
  const hn::ScalableTag<float> d;
  for (int64_t i = 0; i < n; i += static_cast<int64_t>(hn::Lanes(d))) {
    hn::StoreU(v_exp(d, hn::LoadU(d, x + i)), d, y + i);
  }
}

}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anyrt::cpu {
namespace {

HWY_EXPORT(activate_all);
HWY_EXPORT(erf_all);
HWY_EXPORT(exp_all);

// A multiple of every vector length: dense around 0, all magnitudes, and the special values.
std::vector<float> arguments() {
  std::vector<float> x;
  const float inf = std::numeric_limits<float>::infinity();
  for (const float v : {0.0f, 1e-45f, 1e-40f, 1e-30f, 88.7f, 88.8f, 103.9f, 104.1f, 1e30f, 3.4e38f, inf}) {
    x.push_back(v);
    x.push_back(-v);
  }
  x.push_back(std::numeric_limits<float>::quiet_NaN());
  for (int i = -20000; i <= 20000; ++i) x.push_back(static_cast<float>(i) * 0.00531f);
  for (int i = -20000; i <= 20000; ++i) x.push_back(static_cast<float>(i) * 0.0000531f);
  for (float v = 1e-30f; v < 100; v *= 1.01f) {
    x.push_back(v);
    x.push_back(-v);
  }
  while (x.size() % 16 != 0) x.push_back(0);
  return x;
}

// Difference in units of the last place of `want`, which is exact up to double.
double ulps(float got, double want) {
  const float near = static_cast<float>(want);
  if (std::isnan(near) || std::isnan(got)) return std::isnan(near) && std::isnan(got) ? 0 : 1e9;
  if (std::isinf(near) || std::isinf(got)) return near == got ? 0 : 1e9;
  const float size = std::abs(near);
  const double unit = std::nextafter(size, std::numeric_limits<float>::infinity()) - static_cast<double>(size);
  return std::abs(got - want) / unit;
}

template <class Run, class Exact>
double worst(const Run& run, const Exact& exact) {
  const std::vector<float> x = arguments();
  std::vector<float> y(x.size());
  run(x.data(), y.data(), static_cast<int64_t>(x.size()));
  double most = 0;
  float at = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double u = ulps(y[i], exact(static_cast<double>(x[i])));
    if (u > most) {
      most = u;
      at = x[i];
    }
  }
  if (most > 2) printf("  worst %.2f ulp at %g\n", most, static_cast<double>(at));
  return most;
}

TEST(ActivationMath, ExpAndErf) {
  on_every_isa([] {
    EXPECT_LT(worst(HWY_DYNAMIC_DISPATCH(exp_all), [](double v) { return std::exp(v); }), 2);
    EXPECT_LT(worst(HWY_DYNAMIC_DISPATCH(erf_all), [](double v) { return std::erf(v); }), 2);
  });
}

double exact_activation(const FusedActivation& f, double x) {
  // Where the reference's own formula loses digits in double, or meets infinities earlier, the same function otherwise.
  if (f.kind == Activation::kSigmoid && x < 0) return std::exp(x) / (1 + std::exp(x));
  return activate<double>(f, x);
}

TEST(ActivationMath, EveryActivation) {
  on_every_isa([] {
    for (int k = 0; k <= static_cast<int>(Activation::kThresholdedRelu); ++k) {
      const auto kind = static_cast<Activation>(k);
      FusedActivation f = *parse_activation(activation_name(kind));
      if (kind == Activation::kClip) f = {kind, -1, 6};
      SCOPED_TRACE(std::string(activation_name(kind)));
      const std::vector<float> x = arguments();
      std::vector<float> y(x.size());
      HWY_DYNAMIC_DISPATCH(activate_all)(f, x.data(), y.data(), static_cast<int64_t>(x.size()) - 3);
      double most = 0;
      float at = 0, found = 0;
      for (size_t i = 0; i + 3 < x.size(); ++i) {
        const double want = exact_activation(f, static_cast<double>(x[i]));
        // What f32 gives where an intermediate overflows counts too.
        const float scalar = activate<float>(f, x[i]);
        if (std::isnan(scalar) && std::isnan(y[i])) continue;
        double u = ulps(y[i], want);
        // A sum near 0, or a denormal factor, has lost digits; so has it in the reference.
        const double error = std::abs(y[i] - want);
        const bool sums = kind == Activation::kGelu || kind == Activation::kGeluTanh ||
                          kind == Activation::kHardSigmoid || kind == Activation::kHardSwish;
        if (error < (sums ? 4e-7 : 1e-40)) u = 0;
        if (u > most) {
          most = u;
          at = x[i];
          found = y[i];
        }
      }
      EXPECT_LT(most, 4) << "at " << at << ": " << found << ", reference "
                         << activate<double>(f, static_cast<double>(at));
    }
  });
}

}  // namespace
}  // namespace anyrt::cpu
#endif
