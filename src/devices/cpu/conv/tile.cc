#include "devices/cpu/conv/tile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/conv/tile.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "devices/cpu/kernels/activation-inl.h"

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_AVX3
constexpr int kPositions = 14;
#elif HWY_ARCH_ARM_A64 || HWY_ARCH_RVV
constexpr int kPositions = 12;
#else
constexpr int kPositions = 6;
#endif

#define ANYRT_ROWS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13)

// R positions, V blocks. The accumulators have names, since arrays of vectors are not always kept in registers.
template <int R, int V>
void tile(const ConvTile& t) {
  const hn::ScalableTag<float> d;
  using Vec = hn::Vec<decltype(d)>;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
#define X(r) Vec lo##r = hn::Zero(d), hi##r = hn::Zero(d);
  ANYRT_ROWS(X)
#undef X
  const int64_t step = t.x_step, k_step = t.k_step;
  const ConvSegment* segment = t.list;
  int64_t count = t.segments, depth = t.depth;
  for (int part = 0; part < 2; ++part, count = t.tail_segments, depth = t.tail_depth) {
    for (; count > 0; --count, ++segment) {
      const float* w = t.w + segment->k * (V * lanes);
      // A pointer for three positions each, so that addresses need few registers.
      const float *a0 = t.x + segment->x, *a3 = a0 + (R > 3 ? 3 * step : 0), *a6 = a0 + (R > 6 ? 6 * step : 0),
                  *a9 = a0 + (R > 9 ? 9 * step : 0), *a12 = a0 + (R > 12 ? 12 * step : 0);
      for (int64_t k = depth; k > 0; --k) {
        const Vec w_lo = hn::LoadU(d, w), w_hi = V > 1 ? hn::LoadU(d, w + lanes) : hn::Zero(d);
        w += V * lanes;
#define ROW(r, from)                                         \
  if constexpr (R > r) {                                     \
    const Vec a = hn::Set(d, from);                          \
    lo##r = hn::MulAdd(a, w_lo, lo##r);                      \
    if constexpr (V > 1) hi##r = hn::MulAdd(a, w_hi, hi##r); \
  }
#define ROWS3(p, r0, r1, r2) \
  ROW(r0, p[0])              \
  ROW(r1, p[step])           \
  ROW(r2, p[2 * step])       \
  if constexpr (R > r0) p += k_step;
        ROWS3(a0, 0, 1, 2)
        ROWS3(a3, 3, 4, 5)
        ROWS3(a6, 6, 7, 8)
        ROWS3(a9, 9, 10, 11)
        ROW(12, a12[0])
        ROW(13, a12[step])
        if constexpr (R > 12) a12 += k_step;
#undef ROWS3
#undef ROW
      }
    }
  }
  float* y = t.y;
  const int64_t second = t.y_block;
  if (t.bias) {
    const Vec b_lo = hn::LoadU(d, t.bias), b_hi = V > 1 ? hn::LoadU(d, t.bias + lanes) : hn::Zero(d);
#define X(r)                    \
  lo##r = hn::Add(lo##r, b_lo); \
  hi##r = hn::Add(hi##r, b_hi);
    ANYRT_ROWS(X)
#undef X
  }
  if (t.z) {
    const float* z = t.z;
#define X(r)                                                                           \
  if constexpr (R > r) {                                                               \
    lo##r = hn::Add(lo##r, hn::LoadU(d, z + r * lanes));                               \
    if constexpr (V > 1) hi##r = hn::Add(hi##r, hn::LoadU(d, z + second + r * lanes)); \
  }
    ANYRT_ROWS(X)
#undef X
  }
  if (t.clamp) {
    const Vec low = hn::Set(d, t.low), high = hn::Set(d, t.high);
#define X(r)                                             \
  lo##r = v_at_most(d, v_at_least(d, lo##r, low), high); \
  hi##r = v_at_most(d, v_at_least(d, hi##r, low), high);
    ANYRT_ROWS(X)
#undef X
  }
#define X(r)                                                           \
  if constexpr (R > r) {                                               \
    hn::StoreU(lo##r, d, y + r * lanes);                               \
    if constexpr (V > 1) hn::StoreU(hi##r, d, y + second + r * lanes); \
  }
  ANYRT_ROWS(X)
#undef X
}
#undef ANYRT_ROWS

void finish(const ConvFinish& f) {
  const hn::ScalableTag<float> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  with_activation(d, f.activation, [&](auto act) HWY_ATTR {
    for (int64_t i = 0; i < f.positions * lanes; i += lanes) {
      auto v = act(hn::LoadU(d, f.y + i));
      if (f.z) v = hn::Add(v, hn::LoadU(d, f.z + i));
      hn::StoreU(v, d, f.y + i);
    }
  });
  if (!f.rescale.idle()) rescale_values(d, f.rescale, f.y, f.positions * lanes);
  if (f.live >= lanes) return;
  const auto mask = hn::FirstN(d, static_cast<size_t>(f.live));
  for (int64_t i = 0; i < f.positions * lanes; i += lanes)
    hn::StoreU(hn::IfThenElseZero(mask, hn::LoadU(d, f.y + i)), d, f.y + i);
}

template <int V, int R>
void fill(ConvTileKernels& k) {
  k.tile[V - 1][R - 1] = tile<R, V>;
  if constexpr (R < kPositions) fill<V, R + 1>(k);
}

ConvTileKernels kernels() {
  ConvTileKernels k = {};
  k.lanes = static_cast<int64_t>(hn::Lanes(hn::ScalableTag<float>()));
  k.positions = kPositions;
  k.finish = finish;
  fill<1, 1>(k);
  fill<2, 1>(k);
  return k;
}

}  // namespace
}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anyrt::cpu {

HWY_EXPORT(kernels);

ConvTileKernels conv_tile_kernels() { return HWY_DYNAMIC_DISPATCH(kernels)(); }

}  // namespace anyrt::cpu
#endif
