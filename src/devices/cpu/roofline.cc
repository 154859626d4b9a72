#include "devices/cpu/roofline.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

#include "base/cpu.h"
#include "base/threads.h"
#include "devices/cpu/kernel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/roofline.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

#define ANYRT_SUMS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9)

// `steps` times ten independent multiply-adds; returns the operations done.
double multiply_adds(int64_t steps, float* keep) {
  const hn::ScalableTag<float> d;
  const auto a = hn::Set(d, keep[0]), b = hn::Set(d, keep[1]);
#define X(n) auto s##n = hn::Set(d, keep[0] * n);
  ANYRT_SUMS(X)
#undef X
  for (int64_t i = 0; i < steps; ++i) {
#define X(n) s##n = hn::MulAdd(s##n, a, b);
    ANYRT_SUMS(X)
#undef X
  }
#define X(n) keep[0] += hn::GetLane(s##n);
  ANYRT_SUMS(X)
#undef X
  return 2.0 * 10 * static_cast<double>(steps) * static_cast<double>(hn::Lanes(d));
}
#undef ANYRT_SUMS

float read_all(const float* x, int64_t n) {
  const hn::ScalableTag<float> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  auto a = hn::Zero(d), b = a, c = a, e = a;
  for (int64_t i = 0; i + 4 * lanes <= n; i += 4 * lanes) {
    a = hn::Add(a, hn::LoadU(d, x + i));
    b = hn::Add(b, hn::LoadU(d, x + i + lanes));
    c = hn::Add(c, hn::LoadU(d, x + i + 2 * lanes));
    e = hn::Add(e, hn::LoadU(d, x + i + 3 * lanes));
  }
  return hn::GetLane(hn::Add(hn::Add(a, b), hn::Add(c, e)));
}

}  // namespace
}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anyrt::cpu {
namespace {

HWY_EXPORT(multiply_adds);
HWY_EXPORT(read_all);

}  // namespace

Roofline measure_roofline(int threads) {
  apply_isa_limit();
  if (threads <= 0) threads = default_thread_count();
  constexpr int kRounds = 8;
  constexpr int64_t kSteps = 200000, kFloats = int64_t{1} << 20;  // 4 MB for each thread
  const auto seconds = [&](const auto& f) {                       // of the best round
    double best = 1e9;
    for (int r = 0; r < kRounds; ++r) {
      const auto start = std::chrono::steady_clock::now();
      parallel_for(threads, 1, f, threads);
      best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    return best;
  };
  std::vector<float> keep(static_cast<size_t>(threads) * 64, 0.5f);
  std::vector<double> done(static_cast<size_t>(threads), 0);
  Roofline out;
  const double compute = seconds([&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t)
      done[static_cast<size_t>(t)] = HWY_DYNAMIC_DISPATCH(multiply_adds)(kSteps, keep.data() + t * 64);
  });
  double total = 0;
  for (const double n : done) total += n;
  out.flops_per_second = total / compute;
  const std::vector<float> buffer(static_cast<size_t>(kFloats * threads), 1.0f);
  const double reading = seconds([&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t)
      keep[static_cast<size_t>(t) * 64] = HWY_DYNAMIC_DISPATCH(read_all)(buffer.data() + t * kFloats, kFloats);
  });
  out.bytes_per_second = static_cast<double>(kFloats * threads) * sizeof(float) / reading;
  return out;
}

}  // namespace anyrt::cpu
#endif
