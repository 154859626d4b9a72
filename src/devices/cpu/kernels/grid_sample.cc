#include "opdef/grid_sample.h"

#include <algorithm>

#include "base/threads.h"
#include "devices/cpu/kernel.h"
#include "opdef/shape_util.h"

// GridSample of planes in f32: what a few positions read is worked out once for all channels.

namespace anyrt::cpu {
namespace {

using Bound = Expected<std::unique_ptr<BoundStep>>;
using State = std::shared_ptr<const void>;

constexpr int64_t kPositions = 32;
constexpr int64_t kMostTaps = 4;
constexpr int64_t kMostReads = kMostTaps * kMostTaps;

// For each position of a block; an offset of -1 reads zero.
struct Block {
  int32_t offset[kMostReads][kPositions];
  float weight[kMostReads][kPositions];
  bool inside = true;
};

void place_block(const GridSampler& s, const float* grid, int64_t count, Block& b) {
  const int64_t taps = s.taps();
  b.inside = true;
  for (int64_t p = 0; p < count; ++p) {
    int64_t rows[kMostTaps], columns[kMostTaps];
    float row_weights[kMostTaps], column_weights[kMostTaps];
    place_on_grid(s, 0, grid[2 * p + 1], rows, row_weights);
    place_on_grid(s, 1, grid[2 * p], columns, column_weights);
    for (int64_t i = 0; i < taps; ++i) {
      for (int64_t j = 0; j < taps; ++j) {
        const bool inside = rows[i] >= 0 && columns[j] >= 0;
        b.offset[i * taps + j][p] = inside ? static_cast<int32_t>(rows[i] * s.strides[0] + columns[j]) : -1;
        b.weight[i * taps + j][p] = column_weights[j] * row_weights[i];
        b.inside = b.inside && inside;
      }
    }
  }
}

template <int64_t kReads>
void sample_block(const Block& b, const float* x, int64_t count, float* y) {
  if (b.inside && count == kPositions) {
    float sum[kPositions];
    for (int64_t p = 0; p < kPositions; ++p) sum[p] = b.weight[0][p] * x[b.offset[0][p]];
    for (int64_t r = 1; r < kReads; ++r) {
      for (int64_t p = 0; p < kPositions; ++p) sum[p] += b.weight[r][p] * x[b.offset[r][p]];
    }
    std::copy_n(sum, kPositions, y);
    return;
  }
  for (int64_t p = 0; p < count; ++p) {
    float sum = 0;
    for (int64_t r = 0; r < kReads; ++r) {
      if (b.offset[r][p] >= 0) sum += b.weight[r][p] * x[b.offset[r][p]];
    }
    y[p] = sum;
  }
}

void nearest_block(const Block& b, const float* x, int64_t count, float* y) {
  for (int64_t p = 0; p < count; ++p) y[p] = b.offset[0][p] < 0 ? 0.0f : x[b.offset[0][p]];
}

Bound bind(const BindQuery& q, const State&) {
  const Dims &x = q.input(0).dims, &grid = q.input(1).dims;
  if (q.input(1).dtype != DType::kFloat32 || x.size() != 4 || grid.size() != 4 || grid[0] != x[0] || grid[3] != 2)
    return not_implemented("X {} and grid {}", shape_string(x), shape_string(grid));
  const int64_t plane = x[2] * x[3], channels = x[1], positions = grid[1] * grid[2];
  if (plane < 1 || plane > INT32_MAX || q.output(0).count() == 0) return not_implemented("planes of {}", plane);
  ANYRT_ASSIGN(GridSampler s, read_grid_sampler(q, {x[2], x[3]}));
  auto f = nearest_block;
  if (s.mode == GridSampler::Mode::kLinear) f = sample_block<4>;
  if (s.mode == GridSampler::Mode::kCubic) f = sample_block<16>;
  const int64_t blocks = (positions + kPositions - 1) / kPositions, batch = x[0];
  return bound_step([=, s = std::move(s)](const StepArgs& args) {
    const float *in = args.input<float>(0), *at = args.input<float>(1);
    float* out = args.output<float>(0);
    parallel_for(
        batch * blocks, 1 + 8192 / (kPositions * (channels + 8)),
        [&](int64_t begin, int64_t end) {
          Block b;
          for (int64_t i = begin; i < end; ++i) {
            const int64_t n = i / blocks, first = i % blocks * kPositions;
            const int64_t count = std::min(kPositions, positions - first);
            place_block(s, at + (n * positions + first) * 2, count, b);
            for (int64_t c = n * channels; c < (n + 1) * channels; ++c)
              f(b, in + c * plane, count, out + c * positions + first);
          }
        },
        args.threads);
    return Status();
  });
}

constexpr KernelRow kRows[] = {{.kernel = "grid_sample", .op = "GridSample", .bind = bind}};

}  // namespace

extern const KernelTable kernels_grid_sample = {kRows};

}  // namespace anyrt::cpu
