#include "devices/cpu/gemm/epilogue.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/gemm/epilogue.cc"
#include <hwy/foreach_target.h>

#include "devices/cpu/kernels/activation-inl.h"

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {
namespace {

void finish_f32(const void* context, void* c, int64_t c_row, int64_t batch, int64_t row, int64_t rows, int64_t col,
                int64_t cols) {
  const auto& run = *static_cast<const EpilogueRun<float>*>(context);
  const Epilogue& e = *run.e;
  const hn::ScalableTag<float> d;
  using V = hn::Vec<decltype(d)>;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const V alpha = hn::Set(d, e.alpha), beta = hn::Set(d, e.beta);
  const float* bias = run.bias;
  if (bias && !e.bias_at.empty()) bias += e.bias_at[static_cast<size_t>(batch)];
  with_activation(d, e.activation, [&](auto activation) HWY_ATTR {
    for (int64_t r = 0; r < rows; ++r) {
      float* y = static_cast<float*>(c) + r * c_row;
      const float* z = run.z ? run.z + (y - run.c) : nullptr;
      const float* b = bias ? bias + (row + r) * e.bias_row + col * e.bias_col : nullptr;
      const auto one = [&](V sum, auto load_bias, auto load_z) HWY_ATTR {
        sum = hn::Mul(sum, alpha);
        if (b) sum = hn::MulAdd(beta, load_bias(), sum);
        if (z && !e.add_after) sum = hn::Add(sum, load_z());
        sum = activation(sum);
        return z && e.add_after ? hn::Add(sum, load_z()) : sum;
      };
      int64_t j = 0;
      for (; j + lanes <= cols; j += lanes) {
        const V sum = one(
            hn::LoadU(d, y + j), [&]() HWY_ATTR { return e.bias_col ? hn::LoadU(d, b + j) : hn::Set(d, *b); },
            [&]() HWY_ATTR { return hn::LoadU(d, z + j); });
        hn::StoreU(sum, d, y + j);
      }
      if (j == cols) continue;
      const int64_t rest = cols - j;
      HWY_ALIGN float s[hn::MaxLanes(hn::ScalableTag<float>())] = {}, t[hn::MaxLanes(hn::ScalableTag<float>())] = {},
                      u[hn::MaxLanes(hn::ScalableTag<float>())] = {};
      std::copy_n(y + j, rest, s);
      if (b) {
        for (int64_t i = 0; i < rest; ++i) t[i] = b[(j + i) * e.bias_col];
      }
      if (z) std::copy_n(z + j, rest, u);
      hn::Store(
          one(
              hn::Load(d, s), [&]() HWY_ATTR { return hn::Load(d, t); }, [&]() HWY_ATTR { return hn::Load(d, u); }),
          d, s);
      std::copy_n(s, rest, y + j);
    }
  });
}

void rescale(const FusedRescale& r, float* y, int64_t n) { rescale_values(hn::ScalableTag<float>(), r, y, n); }

}  // namespace
}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anyrt::cpu {
namespace {

HWY_EXPORT(finish_f32);
HWY_EXPORT(rescale);

void finish_f64(const void* context, void* c, int64_t c_row, int64_t batch, int64_t row, int64_t rows, int64_t col,
                int64_t cols) {
  const auto& run = *static_cast<const EpilogueRun<double>*>(context);
  const Epilogue& e = *run.e;
  const double* bias = run.bias;
  if (bias && !e.bias_at.empty()) bias += e.bias_at[static_cast<size_t>(batch)];
  for (int64_t r = 0; r < rows; ++r) {
    double* y = static_cast<double*>(c) + r * c_row;
    for (int64_t j = 0; j < cols; ++j) {
      double v = y[j] * static_cast<double>(e.alpha);
      if (bias) v += static_cast<double>(e.beta) * bias[(row + r) * e.bias_row + (col + j) * e.bias_col];
      if (run.z && !e.add_after) v += run.z[y + j - run.c];
      v = activate(e.activation, v);
      if (run.z && e.add_after) v += run.z[y + j - run.c];
      y[j] = v;
    }
  }
}

}  // namespace

void rescale_range(const FusedRescale& r, float* y, int64_t n) { HWY_DYNAMIC_DISPATCH(rescale)(r, y, n); }

GemmFinish epilogue_finish(const EpilogueRun<float>& run) { return {HWY_DYNAMIC_DISPATCH(finish_f32), &run}; }
GemmFinish epilogue_finish(const EpilogueRun<double>& run) { return {finish_f64, &run}; }

}  // namespace anyrt::cpu
#endif
