#include "devices/cpu/kernels/gemm_common.h"

#include <algorithm>
#include <vector>

#include "opdef/eval.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/gemm_common.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

constexpr int64_t kRows = 4;
constexpr int64_t kDepth = 384;  // of a packed panel, so that it stays in the first-level cache

// `rows` x 2 vectors of C from `depth` columns of A and a packed panel of B; continues the sums in C after the first
// block.
template <int64_t R>
HWY_INLINE void tile(const float* a, int64_t a_row, const float* panel, int64_t depth, float* y, int64_t y_row,
                     bool first, const float* bias) {
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  V c00, c01, c10, c11, c20, c21, c30, c31;
  const auto start = [&](int64_t r, V& lo, V& hi) HWY_ATTR {
    if (R <= r) {
      lo = hi = hn::Zero(d);
    } else if (first) {
      lo = hi = hn::Set(d, bias ? bias[r] : 0.0f);
    } else {
      lo = hn::LoadU(d, y + r * y_row);
      hi = hn::LoadU(d, y + r * y_row + lanes);
    }
  };
  start(0, c00, c01);
  start(1, c10, c11);
  start(2, c20, c21);
  start(3, c30, c31);
  for (int64_t k = 0; k < depth; ++k) {
    const V b0 = hn::Load(d, panel), b1 = hn::Load(d, panel + lanes);
    panel += 2 * lanes;
    const V a0 = hn::Set(d, a[k]);
    c00 = hn::MulAdd(a0, b0, c00);
    c01 = hn::MulAdd(a0, b1, c01);
    if (R > 1) {
      const V a1 = hn::Set(d, a[a_row + k]);
      c10 = hn::MulAdd(a1, b0, c10);
      c11 = hn::MulAdd(a1, b1, c11);
    }
    if (R > 2) {
      const V a2 = hn::Set(d, a[2 * a_row + k]);
      c20 = hn::MulAdd(a2, b0, c20);
      c21 = hn::MulAdd(a2, b1, c21);
    }
    if (R > 3) {
      const V a3 = hn::Set(d, a[3 * a_row + k]);
      c30 = hn::MulAdd(a3, b0, c30);
      c31 = hn::MulAdd(a3, b1, c31);
    }
  }
  const auto finish = [&](int64_t r, const V& lo, const V& hi) HWY_ATTR {
    if (R <= r) return;
    hn::StoreU(lo, d, y + r * y_row);
    hn::StoreU(hi, d, y + r * y_row + lanes);
  };
  finish(0, c00, c01);
  finish(1, c10, c11);
  finish(2, c20, c21);
  finish(3, c30, c31);
}

void rows_of_panel(const GemmArgs& g, const float* panel, int64_t k0, int64_t depth, int64_t column, int64_t row_begin,
                   int64_t row_end) {
  const D d;
  const int64_t width = 2 * static_cast<int64_t>(hn::Lanes(d)), live = std::min(width, g.n - column);
  HWY_ALIGN float edge[kRows * 2 * hn::MaxLanes(D())];
  for (int64_t r = row_begin; r < row_end;) {
    const int64_t rows = std::min(kRows, row_end - r);
    float* y = g.y + r * g.y_row + column;
    int64_t y_row = g.y_row;
    if (live < width) {
      y = edge;
      y_row = width;
      for (int64_t i = 0; i < rows; ++i) std::copy_n(g.y + (r + i) * g.y_row + column, live, edge + i * width);
    }
    const float* a = g.a + r * g.a_row + k0;
    const float* bias = g.row_bias ? g.row_bias + r : nullptr;
    const bool first = k0 == 0;
    switch (rows) {
      case 1: tile<1>(a, g.a_row, panel, depth, y, y_row, first, bias); break;
      case 2: tile<2>(a, g.a_row, panel, depth, y, y_row, first, bias); break;
      case 3: tile<3>(a, g.a_row, panel, depth, y, y_row, first, bias); break;
      default: tile<4>(a, g.a_row, panel, depth, y, y_row, first, bias); break;
    }
    if (live < width) {
      for (int64_t i = 0; i < rows; ++i) std::copy_n(edge + i * width, live, g.y + (r + i) * g.y_row + column);
    }
    r += rows;
  }
}

// Panels of columns [begin, end) in units of two vectors: packed, then multiplied with all rows.
void columns(const GemmArgs& g, int64_t begin, int64_t end) {
  const D d;
  const int64_t width = 2 * static_cast<int64_t>(hn::Lanes(d));
  std::vector<float> storage(static_cast<size_t>(kDepth * width + 16));
  float* panel = storage.data();
  panel += (64 - reinterpret_cast<uintptr_t>(panel) % 64) % 64 / sizeof(float);
  for (int64_t p = begin; p < end; ++p) {
    const int64_t column = p * width, live = std::min(width, g.n - column);
    for (int64_t k0 = 0; k0 == 0 || k0 < g.k; k0 += kDepth) {
      const int64_t depth = std::min(kDepth, g.k - k0);
      for (int64_t k = 0; k < depth; ++k) {
        const float* from = g.b + (k0 + k) * g.b_row + column * g.b_col;
        float* to = panel + k * width;
        for (int64_t j = 0; j < live; ++j) to[j] = from[j * g.b_col];
        for (int64_t j = live; j < width; ++j) to[j] = 0;
      }
      rows_of_panel(g, panel, k0, depth, column, 0, g.m);
    }
  }
}

int64_t panel_count(int64_t n) {
  const D d;
  const int64_t width = 2 * static_cast<int64_t>(hn::Lanes(d));
  return (n + width - 1) / width;
}

}  // namespace
}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anyrt::cpu {

namespace {
HWY_EXPORT(columns);
HWY_EXPORT(panel_count);
}  // namespace

void f32_gemm(EvalContext& c, const GemmArgs& args) {
  if (args.m == 0 || args.n == 0) return;
  const int64_t panels = HWY_DYNAMIC_DISPATCH(panel_count)(args.n);
  const int64_t work = std::max<int64_t>(1, args.m * args.k * 32);
  const auto run = HWY_DYNAMIC_DISPATCH(columns);
  c.parallel_for(panels, 1 + 100000 / work, [&](int64_t begin, int64_t end) { run(args, begin, end); });
}

}  // namespace anyrt::cpu
#endif
