#include <algorithm>
#include <cstring>

#include "base/threads.h"
#include "devices/cpu/kernel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/block_channels.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// out[j * out_step + i] = in[i * in_step + j] for i < rows, j < columns.
void transpose_tile(const float* in, int64_t in_step, float* out, int64_t out_step, int64_t rows, int64_t columns) {
  int64_t j = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::FixedTag<float, 4> d;
  const hn::Repartition<double, decltype(d)> wide;
  for (; j + 4 <= columns; j += 4) {
    int64_t i = 0;
    for (; i + 4 <= rows; i += 4) {
      const float* from = in + i * in_step + j;
      const auto a = hn::LoadU(d, from), b = hn::LoadU(d, from + in_step), c = hn::LoadU(d, from + 2 * in_step),
                 e = hn::LoadU(d, from + 3 * in_step);
      // Pairs of rows side by side, then pairs of pairs.
      const auto ab_low = hn::BitCast(wide, hn::InterleaveLower(d, a, b)),
                 ab_high = hn::BitCast(wide, hn::InterleaveUpper(d, a, b)),
                 ce_low = hn::BitCast(wide, hn::InterleaveLower(d, c, e)),
                 ce_high = hn::BitCast(wide, hn::InterleaveUpper(d, c, e));
      float* to = out + j * out_step + i;
      hn::StoreU(hn::BitCast(d, hn::InterleaveLower(wide, ab_low, ce_low)), d, to);
      hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(wide, ab_low, ce_low)), d, to + out_step);
      hn::StoreU(hn::BitCast(d, hn::InterleaveLower(wide, ab_high, ce_high)), d, to + 2 * out_step);
      hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(wide, ab_high, ce_high)), d, to + 3 * out_step);
    }
    for (; i < rows; ++i) {
      for (int64_t k = 0; k < 4; ++k) out[(j + k) * out_step + i] = in[i * in_step + j + k];
    }
  }
#endif
  for (; j < columns; ++j) {
    for (int64_t i = 0; i < rows; ++i) out[j * out_step + i] = in[i * in_step + j];
  }
}

}  // namespace
}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anyrt::cpu {
namespace {

HWY_EXPORT(transpose_tile);
using TransposeFn = void (*)(const float*, int64_t, float*, int64_t, int64_t, int64_t);

// Positions that one piece of work takes: a tile of plain rows and blocked positions that stays in the first cache.
constexpr int64_t kTile = 256;

struct Geometry {
  int64_t batch = 1, channels = 0, blocks = 0, block = 1, plane = 1;
  bool last = false;  // the plain side has its channels on the last axis
  int64_t tiles() const { return (plane + kTile - 1) / kTile; }
};

// Calls f(image, block, first position, count, channels that the block really has).
template <class F>
void for_each_tile(const Geometry& g, int threads, const F& f) {
  const int64_t tiles = g.tiles(), per_piece = std::max<int64_t>(1, 16384 / (std::min(kTile, g.plane) * g.block));
  parallel_for(
      g.batch * g.blocks * tiles, per_piece,
      [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const int64_t k = i % g.blocks, t = i / g.blocks % tiles, n = i / g.blocks / tiles, p = t * kTile;
          f(n, k, p, std::min(kTile, g.plane - p), std::min(g.block, g.channels - k * g.block));
        }
      },
      threads);
}

void block(const Geometry& g, const float* x, float* y, int threads, TransposeFn transpose) {
  for_each_tile(g, threads, [&](int64_t n, int64_t k, int64_t p, int64_t count, int64_t live) {
    float* to = y + ((n * g.blocks + k) * g.plane + p) * g.block;
    if (live < g.block) std::fill_n(to, count * g.block, 0.0f);
    if (!g.last) {
      transpose(x + (n * g.channels + k * g.block) * g.plane + p, g.plane, to, g.block, live, count);
      return;
    }
    const float* from = x + (n * g.plane + p) * g.channels + k * g.block;
    for (int64_t j = 0; j < count; ++j, from += g.channels, to += g.block)
      std::memcpy(to, from, static_cast<size_t>(live) * sizeof(float));
  });
}

void unblock(const Geometry& g, const float* x, float* y, int threads, TransposeFn transpose) {
  for_each_tile(g, threads, [&](int64_t n, int64_t k, int64_t p, int64_t count, int64_t live) {
    const float* from = x + ((n * g.blocks + k) * g.plane + p) * g.block;
    if (!g.last) {
      transpose(from, g.block, y + (n * g.channels + k * g.block) * g.plane + p, g.plane, count, live);
      return;
    }
    float* to = y + (n * g.plane + p) * g.channels + k * g.block;
    for (int64_t j = 0; j < count; ++j, from += g.block, to += g.channels)
      std::memcpy(to, from, static_cast<size_t>(live) * sizeof(float));
  });
}

using ReorderFn = void (*)(const Geometry&, const float*, float*, int, TransposeFn);

Expected<std::unique_ptr<BoundStep>> bind_reorder(const BindQuery& q, ReorderFn f, const Dims& blocked,
                                                  const Dims& plain) {
  Geometry g;
  g.last = q.i("channels_last") != 0;
  g.batch = blocked[0];
  g.blocks = blocked[1];
  g.block = blocked.back();
  g.channels = g.last ? plain.back() : plain[1];
  for (size_t a = 2; a + 1 < blocked.size(); ++a) g.plane *= blocked[a];
  return bound_step([g, f, t = HWY_DYNAMIC_DISPATCH(transpose_tile)](const StepArgs& args) {
    if (g.plane > 0) f(g, args.input<float>(0), args.output<float>(0), args.threads, t);
    return Status();
  });
}

Expected<std::unique_ptr<BoundStep>> bind_block(const BindQuery& q, const std::shared_ptr<const void>&) {
  return bind_reorder(q, block, q.output(0).dims, q.input(0).dims);
}

Expected<std::unique_ptr<BoundStep>> bind_unblock(const BindQuery& q, const std::shared_ptr<const void>&) {
  return bind_reorder(q, unblock, q.input(0).dims, q.output(0).dims);
}

constexpr KernelRow kRows[] = {
    {.kernel = "f32_block_channels", .op = "BlockChannels", .domain = "anyrt", .bind = bind_block},
    {.kernel = "f32_unblock_channels", .op = "UnblockChannels", .domain = "anyrt", .bind = bind_unblock},
};

}  // namespace

extern const KernelTable kernels_block_channels = {kRows};

}  // namespace anyrt::cpu
#endif
