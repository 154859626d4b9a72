#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/threads.h"
#include "devices/cpu/conv/blocked.h"
#include "devices/cpu/gemm/slots.h"

// Winograd's F(4x4, 3x3) (Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, 2015) on channels in
// blocks: a vector holds one place of the tile for a block of channels.

#ifndef ANYRT_CPU_BLOCKED_WINOGRAD_SHAPE_
#define ANYRT_CPU_BLOCKED_WINOGRAD_SHAPE_
namespace anyrt::cpu {
namespace {

// One tile of one block of channels.
struct TileInput {
  const float* x;          // place (0, 0) of the 6 x 6, which may lie outside of the plane
  int64_t row;             // floats from one row to the next
  int64_t y0, y1, x0, x1;  // rows and columns of the 6 x 6 that are there
  float* v;                // matrix 0
  int64_t matrix;
};
struct TileOutput {
  const float* m;
  int64_t matrix;
  const float* bias;  // null: none
  const float* z;     // added; lies as y does; null: none
  float* y;
  int64_t row, rows, columns;  // floats from one row to the next; of the 4 x 4, those that are wanted
  bool clamp;
  float low, high;
};

}  // namespace
}  // namespace anyrt::cpu
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/conv/blocked_winograd.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "devices/cpu/conv/winograd-inl.h"
#include "devices/cpu/kernels/activation-inl.h"

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {
namespace {

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

void tile_input(const TileInput& t) {
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  HWY_ALIGN float local[36 * hn::MaxLanes(D())];
  const float* x = t.x;
  int64_t row = t.row;
  if (t.y0 > 0 || t.y1 < 6 || t.x0 > 0 || t.x1 < 6) {
    for (int64_t i = 0; i < 36 * lanes; i += lanes) hn::Store(hn::Zero(d), d, local + i);
    for (int64_t i = t.y0; i < t.y1; ++i) {
      for (int64_t k = t.x0; k < t.x1; ++k)
        hn::Store(hn::LoadU(d, t.x + i * t.row + k * lanes), d, local + (i * 6 + k) * lanes);
    }
    x = local;
    row = 6 * lanes;
  }
  HWY_ALIGN float half[36 * hn::MaxLanes(D())];
  for (int64_t k = 0; k < 6; ++k) {
    const float* p = x + k * lanes;
    const Six<V> s =
        transform_in(d, Six<V>{hn::LoadU(d, p), hn::LoadU(d, p + row), hn::LoadU(d, p + 2 * row),
                               hn::LoadU(d, p + 3 * row), hn::LoadU(d, p + 4 * row), hn::LoadU(d, p + 5 * row)});
    float* to = half + k * lanes;
    hn::Store(s.a, d, to);
    hn::Store(s.b, d, to + 6 * lanes);
    hn::Store(s.c, d, to + 12 * lanes);
    hn::Store(s.d, d, to + 18 * lanes);
    hn::Store(s.e, d, to + 24 * lanes);
    hn::Store(s.f, d, to + 30 * lanes);
  }
  for (int64_t i = 0; i < 6; ++i) {
    const float* p = half + i * 6 * lanes;
    const Six<V> s =
        transform_in(d, Six<V>{hn::Load(d, p), hn::Load(d, p + lanes), hn::Load(d, p + 2 * lanes),
                               hn::Load(d, p + 3 * lanes), hn::Load(d, p + 4 * lanes), hn::Load(d, p + 5 * lanes)});
    float* to = t.v + i * 6 * t.matrix;
    hn::StoreU(s.a, d, to);
    hn::StoreU(s.b, d, to + t.matrix);
    hn::StoreU(s.c, d, to + 2 * t.matrix);
    hn::StoreU(s.d, d, to + 3 * t.matrix);
    hn::StoreU(s.e, d, to + 4 * t.matrix);
    hn::StoreU(s.f, d, to + 5 * t.matrix);
  }
}

// False when a sum is not finite.
bool tile_output(const TileOutput& t) {
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  HWY_ALIGN float half[24 * hn::MaxLanes(D())];
  for (int64_t k = 0; k < 6; ++k) {
    const float* p = t.m + k * t.matrix;
    const int64_t row = 6 * t.matrix;
    const Four<V> s =
        transform_out(d, Six<V>{hn::LoadU(d, p), hn::LoadU(d, p + row), hn::LoadU(d, p + 2 * row),
                                hn::LoadU(d, p + 3 * row), hn::LoadU(d, p + 4 * row), hn::LoadU(d, p + 5 * row)});
    hn::Store(s.a, d, half + k * lanes);
    hn::Store(s.b, d, half + (6 + k) * lanes);
    hn::Store(s.c, d, half + (12 + k) * lanes);
    hn::Store(s.d, d, half + (18 + k) * lanes);
  }
  const V bias = t.bias ? hn::LoadU(d, t.bias) : hn::Zero(d), low = hn::Set(d, t.low), high = hn::Set(d, t.high);
  V all = hn::Zero(d);  // NaN as soon as one value is not finite
  for (int64_t i = 0; i < t.rows; ++i) {
    const float* p = half + i * 6 * lanes;
    const Four<V> s =
        transform_out(d, Six<V>{hn::Load(d, p), hn::Load(d, p + lanes), hn::Load(d, p + 2 * lanes),
                                hn::Load(d, p + 3 * lanes), hn::Load(d, p + 4 * lanes), hn::Load(d, p + 5 * lanes)});
    const V zero = hn::Zero(d);
    all = hn::MulAdd(s.a, zero, hn::MulAdd(s.b, zero, hn::MulAdd(s.c, zero, hn::MulAdd(s.d, zero, all))));
    float* y = t.y + i * t.row;
    const float* z = t.z ? t.z + i * t.row : nullptr;
    const auto store = [&](V v, int64_t k) HWY_ATTR {
      v = hn::Add(v, bias);
      if (z) v = hn::Add(v, hn::LoadU(d, z + k * lanes));
      if (t.clamp) v = v_at_most(d, v_at_least(d, v, low), high);
      hn::StoreU(v, d, y + k * lanes);
    };
    store(s.a, 0);
    if (t.columns > 1) store(s.b, 1);
    if (t.columns > 2) store(s.c, 2);
    if (t.columns > 3) store(s.d, 3);
  }
  return hn::AllTrue(d, hn::Eq(all, all));
}

// G w G^T for one input channel and a block of output channels: `w` holds 9 taps of each of them, `channel` floats
// apart, those beyond `live` count as zero; matrix m goes to u + m * matrix. In double: the result carries one
// rounding.
void transform_weights(const float* w, int64_t channel, int64_t live, float* u, int64_t matrix) {
  const hn::ScalableTag<double> d;
  const hn::Rebind<float, decltype(d)> df;
  using V2 = hn::Vec<decltype(d)>;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(hn::ScalableTag<float>())),
                step = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t first = 0; first < lanes; first += step) {
    HWY_ALIGN double taps[9 * hn::MaxLanes(hn::ScalableTag<double>())];
    for (int64_t t = 0; t < 9; ++t) {
      for (int64_t i = 0; i < step; ++i)
        taps[t * step + i] = first + i < live ? static_cast<double>(w[(first + i) * channel + t]) : 0.0;
    }
    HWY_ALIGN double half[18 * hn::MaxLanes(hn::ScalableTag<double>())];  // by x, then the six along y
    const auto six = [&](V2 a, V2 b, V2 c, auto store) HWY_ATTR {
      const V2 sixth = hn::Set(d, 1.0 / 6), part = hn::Set(d, 1.0 / 24), ac = hn::Add(a, c);
      const V2 quarter = hn::MulAdd(hn::Set(d, 4.0 / 24), c, hn::Mul(part, a)),
               twelfth = hn::Mul(hn::Set(d, 2.0 / 24), b);
      store(0, hn::Mul(hn::Set(d, 0.25), a));
      store(1, hn::Neg(hn::Mul(sixth, hn::Add(ac, b))));
      store(2, hn::Neg(hn::Mul(sixth, hn::Sub(ac, b))));
      store(3, hn::Add(quarter, twelfth));
      store(4, hn::Sub(quarter, twelfth));
      store(5, c);
    };
    for (int64_t x = 0; x < 3; ++x) {
      six(hn::Load(d, taps + x * step), hn::Load(d, taps + (3 + x) * step), hn::Load(d, taps + (6 + x) * step),
          [&](int64_t y, V2 v) HWY_ATTR { hn::Store(v, d, half + (y * 3 + x) * step); });
    }
    for (int64_t y = 0; y < 6; ++y) {
      const double* row = half + y * 3 * step;
      six(hn::Load(d, row), hn::Load(d, row + step), hn::Load(d, row + 2 * step),
          [&](int64_t x, V2 v) HWY_ATTR { hn::StoreU(hn::DemoteTo(df, v), df, u + (y * 6 + x) * matrix + first); });
    }
  }
}

}  // namespace
}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anyrt::cpu {
namespace {

HWY_EXPORT(tile_input);
HWY_EXPORT(tile_output);
HWY_EXPORT(transform_weights);

constexpr int64_t kTileBytes = 768 << 10;  // both sides of a block of tiles
constexpr int64_t kLeastTiles = 28;        // that meet the weights at once
constexpr int64_t kSmallWeights = 1 << 20;

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

class BlockedWinograd final : public BoundStep {
 public:
  BlockedWinograd(ConvPlan plan, BlockedState w, BlockedState direct)
      : p_(std::move(plan)),
        w_(std::move(w)),
        direct_(std::move(direct)),
        kernels_(conv_tile_kernels()),
        epilogue_(p_.epilogue, p_.rescale, p_.g.out_channels, kernels_),
        input_(HWY_DYNAMIC_DISPATCH(tile_input)),
        output_(HWY_DYNAMIC_DISPATCH(tile_output)) {
    lanes_ = w_->lanes;
    in_blocks_ = block_count(p_.g.channels, lanes_);
    out_blocks_ = block_count(p_.g.out_channels, lanes_);
    tiles_w_ = ceil_div(p_.g.axes[1].out, 4);
    tiles_ = ceil_div(p_.g.axes[0].out, 4) * tiles_w_;
    const int64_t each_tile = 36 * (in_blocks_ + out_blocks_) * lanes_ * static_cast<int64_t>(sizeof(float));
    const int64_t most = std::max(kLeastTiles, kTileBytes / each_tile);
    // Weights that lie in the cache are met by each thread; larger ones by one thread each.
    const bool small = 36 * w_->dims[0] * w_->dims[1] * static_cast<int64_t>(sizeof(float)) <= kSmallWeights;
    at_once_ = small ? even_part(tiles_, most, kLeastTiles / 2) : ceil_div(tiles_, ceil_div(tiles_, most));
    blocks_ = ceil_div(tiles_, at_once_);
    for (int64_t c = 0; c < in_blocks_; ++c) segments_.push_back({c * at_once_ * lanes_, c * lanes_});
    slots_ = slot_count();
    each_ = static_cast<size_t>(36 * at_once_ * (in_blocks_ + out_blocks_) * lanes_);
    bias_floats_ = epilogue_.padded_floats();
    // Few blocks are done one after the other, by all threads.
    scratch_bytes = ((p_.g.batch * blocks_ == 1 ? 1 : slots_) * each_ + bias_floats_) * sizeof(float);
  }

  Status run(const StepArgs& args) const override {
    const int threads = std::min(args.threads > 0 ? args.threads : static_cast<int>(slots_), static_cast<int>(slots_));
    auto* scratch = reinterpret_cast<float*>(args.scratch);
    const float* bias = epilogue_.bias(p_.bias(args), scratch);
    scratch += bias_floats_;
    const int64_t total = p_.g.batch * blocks_;
    if (threads == 1 || (total < 2 * threads && total % threads != 0)) {
      for (int64_t i = 0; i < total; ++i) block(args, bias, i, scratch, threads);
      return {};
    }
    Slots free(slots_);
    parallel_for(
        total, 1,
        [&](int64_t begin, int64_t end) {
          const size_t slot = free.take();
          for (int64_t i = begin; i < end; ++i) block(args, bias, i, scratch + slot * each_, 1);
          free.give_back(slot);
        },
        threads);
    return {};
  }

 private:
  template <class F>
  static void over(int64_t n, int threads, const F& f) {
    if (threads == 1) return f(0, n);
    parallel_for(n, std::max<int64_t>(1, n / (8 * threads)), f, threads);
  }

  void block(const StepArgs& args, const float* bias, int64_t index, float* scratch, int threads) const {
    const int64_t image = index / blocks_, first = index % blocks_ * at_once_,
                  count = std::min(at_once_, tiles_ - first);
    const WindowAxis &h = p_.g.axes[0], &w = p_.g.axes[1];
    const int64_t matrix_in = in_blocks_ * at_once_ * lanes_, matrix_out = out_blocks_ * at_once_ * lanes_;
    float *v = scratch, *m = v + 36 * matrix_in;
    const float* x = args.input<float>(0) + image * in_blocks_ * p_.in_size * lanes_;
    over(in_blocks_ * count, threads, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t c = i / count, t = i % count, tile = first + t;
        const int64_t y0 = tile / tiles_w_ * 4 - h.pad_begin, x0 = tile % tiles_w_ * 4 - w.pad_begin;
        const auto inside = [](int64_t at, int64_t limit) { return std::clamp<int64_t>(at, 0, limit); };
        input_({x + (c * p_.in_size + y0 * w.in + x0) * lanes_, w.in * lanes_, inside(-y0, 6), inside(h.in - y0, 6),
                inside(-x0, 6), inside(w.in - x0, 6), v + segments_[static_cast<size_t>(c)].x + t * lanes_, matrix_in});
      }
    });
    const int64_t panels = w_->group_panels(), parts = ceil_div(count, kernels_.positions);
    ConvTile tile = {};
    tile.x_step = lanes_;
    tile.k_step = 1;
    tile.list = segments_.data();
    tile.tail_depth = p_.g.channels % lanes_;
    tile.tail_segments = tile.tail_depth > 0 ? 1 : 0;
    tile.segments = in_blocks_ - tile.tail_segments;
    tile.depth = lanes_;
    tile.y_block = at_once_ * lanes_;
    over(36 * panels, threads, [&](int64_t begin, int64_t end) {
      ConvTile t = tile;
      for (int64_t i = begin; i < end; ++i) {
        const int64_t p = i / panels, out = i % panels * 2, width = std::min<int64_t>(2, out_blocks_ - out);
        t.w = w_->data() + (p * out_blocks_ + out) * p_.g.channels * lanes_;
        for (int64_t k = 0; k < parts; ++k) {
          const int64_t from = count * k / parts, to = count * (k + 1) / parts;
          t.x = v + p * matrix_in + from * lanes_;
          t.y = m + p * matrix_out + (out * at_once_ + from) * lanes_;
          kernels_.tile[width - 1][to - from - 1](t);
        }
      }
    });
    ConvTile shared = {};
    epilogue_.prepare(shared);
    over(out_blocks_, threads, [&](int64_t begin, int64_t end) {
      for (int64_t c = begin; c < end; ++c) results(args, bias, image, c, first, count, m, shared);
    });
  }

  void results(const StepArgs& args, const float* bias, int64_t image, int64_t block, int64_t first, int64_t count,
               const float* m, const ConvTile& shared) const {
    const WindowAxis &h = p_.g.axes[0], &w = p_.g.axes[1];
    const int64_t plane = (image * out_blocks_ + block) * p_.out_size * lanes_;
    const float* z = p_.residual(args);
    TileOutput t;
    t.matrix = out_blocks_ * at_once_ * lanes_;
    t.bias = bias ? bias + block * lanes_ : nullptr;
    t.row = w.out * lanes_;
    t.clamp = shared.clamp;
    t.low = shared.low;
    t.high = shared.high;
    for (int64_t i = 0; i < count;) {
      // Tiles of one row, whose results lie side by side.
      const int64_t tile = first + i, ty = tile / tiles_w_ * 4, tx = tile % tiles_w_ * 4;
      const int64_t n = std::min(count - i, tiles_w_ - tile % tiles_w_);
      t.rows = std::min<int64_t>(4, h.out - ty);
      for (int64_t k = 0; k < n; ++k) {
        const int64_t at = plane + (ty * w.out + tx + 4 * k) * lanes_;
        t.m = m + (block * at_once_ + i + k) * lanes_;
        t.y = args.output<float>(0) + at;
        t.z = epilogue_.adds_before() ? z + at : nullptr;
        t.columns = std::min<int64_t>(4, w.out - tx - 4 * k);
        if (!output_(t)) redo(args, t, image, block, ty, tx + 4 * k);
      }
      const int64_t columns = std::min(4 * n, w.out - tx);
      for (int64_t r = 0; r < t.rows; ++r) {
        const int64_t at = plane + ((ty + r) * w.out + tx) * lanes_;
        ConvTile row = shared;
        row.y = args.output<float>(0) + at;
        epilogue_.finish(row, z ? z + at : nullptr, block, 1, columns);
      }
      i += n;
    }
  }

  // The tile as the definition has it: where sums are not finite, they would spread to neighbours.
  void redo(const StepArgs& args, const TileOutput& t, int64_t image, int64_t block, int64_t ty, int64_t tx) const {
    const WindowAxis &h = p_.g.axes[0], &w = p_.g.axes[1];
    const float* x = args.input<float>(0) + image * in_blocks_ * p_.in_size * lanes_;
    for (int64_t r = 0; r < t.rows; ++r) {
      for (int64_t k = 0; k < t.columns; ++k) {
        for (int64_t lane = 0; lane < std::min(lanes_, p_.g.out_channels - block * lanes_); ++lane) {
          const int64_t out = block * lanes_ + lane;
          const float* weights = direct_ ? nullptr : args.input<float>(1) + out * p_.g.channels * 9;
          float sum = 0;
          for (int64_t c = 0; c < p_.g.channels; ++c) {
            for (int64_t tap = 0; tap < 9; ++tap) {
              const int64_t iy = ty + r - h.pad_begin + tap / 3, ix = tx + k - w.pad_begin + tap % 3;
              if (iy < 0 || iy >= h.in || ix < 0 || ix >= w.in) continue;
              sum = std::fma(x[((c / lanes_ * h.in + iy) * w.in + ix) * lanes_ + c % lanes_],
                             weights ? weights[c * 9 + tap] : direct_->weight(out, c, tap), sum);
            }
          }
          const int64_t at = r * t.row + k * lanes_ + lane;
          if (t.bias) sum += t.bias[lane];
          if (t.z) sum += t.z[at];
          if (t.clamp) sum = sum < t.low ? t.low : sum > t.high ? t.high : sum;
          t.y[at] = sum;
        }
      }
    }
  }

  ConvPlan p_;
  BlockedState w_, direct_;
  ConvTileKernels kernels_;
  BlockedEpilogue epilogue_;
  void (*input_)(const TileInput&);
  bool (*output_)(const TileOutput&);
  int64_t lanes_ = 1, in_blocks_ = 0, out_blocks_ = 0;
  int64_t tiles_w_ = 0, tiles_ = 0, at_once_ = 0, blocks_ = 0;  // of an image; in a block, blocks of an image
  std::vector<ConvSegment> segments_;                           // one a block of input channels
  size_t slots_ = 0, each_ = 0, bias_floats_ = 0;
};

}  // namespace

Expected<std::shared_ptr<const void>> pack_blocked_winograd(const Tensor& w) {
  auto p = std::make_shared<BlockedWeights>();
  p->dims = w.dims();
  p->lanes = conv_tile_kernels().lanes;
  const int64_t in = w.dim(1), lanes = p->lanes, blocks = p->group_blocks();
  ANYRT_ASSIGN(p->bytes, allocate_buffer(static_cast<size_t>(36 * blocks * lanes * in) * sizeof(float)));
  auto* to = reinterpret_cast<float*>(p->bytes->data());
  const auto transform = HWY_DYNAMIC_DISPATCH(transform_weights);
  parallel_for(blocks * in, 64, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t b = i / in, c = i % in, pair = b / 2 * 2, width = std::min<int64_t>(2, blocks - pair);
      transform(w.data<float>() + (b * lanes * in + c) * 9, in * 9, w.dim(0) - b * lanes,
                to + (pair * in + c * width) * lanes + b % 2 * lanes, blocks * in * lanes);
    }
  });
  if (w.buffer()) w.buffer()->release(w.buffer_offset(), w.bytes());
  return std::shared_ptr<const void>(std::move(p));
}

ConvBound bind_blocked_winograd(ConvPlan plan, BlockedState w, BlockedState direct) {
  return std::unique_ptr<BoundStep>(
      std::make_unique<BlockedWinograd>(std::move(plan), std::move(w), std::move(direct)));
}

}  // namespace anyrt::cpu
#endif
