#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/threads.h"
#include "devices/cpu/conv/blocked.h"
#include "devices/cpu/gemm/slots.h"

// Winograd's F(4x4, 3x3) (Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, 2015) on channels in
// blocks: a vector holds one place of the tile for a block of channels. A third axis in front is summed over directly,
// between the transforms: its taps are more channels, those of the slices before and behind.

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
constexpr size_t kSmallWeights = 1 << 20;
constexpr int64_t kChain = 32;  // terms of a sum in one piece: longer ones would lose digits
constexpr int64_t kSlices = 8;  // of a result with three axes, whose inputs are transformed once

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
    const WindowAxes& axes = p_.g.axes;
    if (axes.size() > 2) d_ = axes[0];
    h_ = axes[axes.size() - 2];
    v_ = axes.back();
    in_blocks_ = block_count(p_.g.channels, lanes_);
    out_blocks_ = block_count(p_.g.out_channels, lanes_);
    tiles_w_ = ceil_div(v_.out, 4);
    tiles_ = ceil_div(h_.out, 4) * tiles_w_;
    slices_ = ceil_div(d_.out, ceil_div(d_.out, kSlices));
    runs_ = ceil_div(d_.out, slices_);
    const int64_t in_slices = slices_ + d_.kernel - 1;
    const int64_t each_tile =
        36 * (in_blocks_ * in_slices + out_blocks_ * slices_) * lanes_ * static_cast<int64_t>(sizeof(float));
    const int64_t least = ceil_div(kLeastTiles, slices_), most = std::max(least, kTileBytes / each_tile);
    // Weights that lie in the cache are met by each thread; larger ones by one thread each.
    const bool small = w_->bytes->size() <= kSmallWeights;
    at_once_ = small ? even_part(tiles_, most, ceil_div(least, 2)) : ceil_div(tiles_, ceil_div(tiles_, most));
    blocks_ = ceil_div(tiles_, at_once_);
    in_pitch_ = at_once_ * in_slices * lanes_;
    out_pitch_ = at_once_ * slices_ * lanes_;
    add_segments(at_once_, segments_);
    add_segments(tiles_ - (blocks_ - 1) * at_once_, last_segments_);
    tails_ = p_.g.channels % lanes_ > 0 ? d_.kernel : 0;
    const auto all = static_cast<int64_t>(segments_.size());
    const int64_t chains = std::max<int64_t>(1, all * lanes_ / kChain);
    for (int64_t c = 0; c <= chains; ++c) chains_.push_back(c < chains ? (all - tails_) * c / chains : all);
    slots_ = slot_count();
    each_ = static_cast<size_t>(36 * (in_blocks_ * in_pitch_ + out_blocks_ * out_pitch_));
    bias_floats_ = epilogue_.padded_floats();
    // Few blocks are done one after the other, by all threads.
    scratch_bytes = ((p_.g.batch * blocks_ * runs_ == 1 ? 1 : slots_) * each_ + bias_floats_) * sizeof(float);
  }

  Status run(const StepArgs& args) const override {
    const int threads = std::min(args.threads > 0 ? args.threads : static_cast<int>(slots_), static_cast<int>(slots_));
    auto* scratch = reinterpret_cast<float*>(args.scratch);
    const float* bias = epilogue_.bias(p_.bias(args), scratch);
    scratch += bias_floats_;
    const int64_t total = p_.g.batch * blocks_ * runs_;
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
  // Of a block of `count` tiles: all full blocks of channels, then those that are not.
  void add_segments(int64_t count, std::vector<ConvSegment>& list) const {
    const int64_t full = p_.g.channels / lanes_;
    for (const bool tail : {false, true}) {
      for (int64_t k = 0; k < d_.kernel; ++k) {
        for (int64_t c = tail ? full : 0; c < (tail ? in_blocks_ : full); ++c)
          list.push_back({c * in_pitch_ + k * count * lanes_, k * p_.g.channels + c * lanes_});
      }
    }
  }

  template <class F>
  static void over(int64_t n, int threads, const F& f) {
    if (threads == 1) return f(0, n);
    parallel_for(n, std::max<int64_t>(1, n / (8 * threads)), f, threads);
  }

  void block(const StepArgs& args, const float* bias, int64_t index, float* scratch, int threads) const {
    const Block b = {index / (blocks_ * runs_), index / runs_ % blocks_ * at_once_, index % runs_ * slices_,
                     std::min(at_once_, tiles_ - index / runs_ % blocks_ * at_once_),
                     std::min(slices_, d_.out - index % runs_ * slices_)};
    const int64_t matrix_in = in_blocks_ * in_pitch_, matrix_out = out_blocks_ * out_pitch_,
                  in_slices = b.slices + d_.kernel - 1;
    float *v = scratch, *m = v + 36 * matrix_in;
    const float* x = args.input<float>(0) + b.image * in_blocks_ * p_.in_size * lanes_;
    over(in_blocks_ * in_slices, threads, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) inputs(x, b, i / in_slices, i % in_slices, v, matrix_in);
    });
    const int64_t panels = w_->group_panels(), positions = b.count * b.slices,
                  parts = ceil_div(positions, kernels_.positions);
    const std::vector<ConvSegment>& segments = b.count == at_once_ ? segments_ : last_segments_;
    over(36 * panels, threads, [&](int64_t begin, int64_t end) {
      ConvTile t = {};
      t.x_step = lanes_;
      t.k_step = 1;
      t.tail_depth = p_.g.channels % lanes_;
      t.depth = lanes_;
      t.y_block = out_pitch_;
      for (int64_t i = begin; i < end; ++i) {
        const int64_t p = i / panels, out = i % panels * 2, width = std::min<int64_t>(2, out_blocks_ - out);
        t.w = w_->data() + (p * out_blocks_ + out) * p_.g.channels * d_.kernel * lanes_;
        for (int64_t k = 0; k < parts; ++k) {
          const int64_t from = positions * k / parts, to = positions * (k + 1) / parts;
          t.x = v + p * matrix_in + from * lanes_;
          t.y = m + p * matrix_out + out * out_pitch_ + from * lanes_;
          t.z = nullptr;
          for (size_t c = 0; c + 1 < chains_.size(); ++c) {
            t.list = segments.data() + chains_[c];
            t.tail_segments = c + 2 < chains_.size() ? 0 : tails_;
            t.segments = chains_[c + 1] - chains_[c] - t.tail_segments;
            kernels_.tile[width - 1][to - from - 1](t);
            t.z = t.y;
          }
        }
      }
    });
    ConvTile shared = {};
    epilogue_.prepare(shared);
    over(out_blocks_ * b.slices, threads, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) results(args, bias, b, i / b.slices, i % b.slices, m, shared);
    });
  }

  // Tiles [first, first + count) of slices [slice, slice + slices) of the result.
  struct Block {
    int64_t image, first, slice, count, slices;
  };

  void inputs(const float* x, const Block& b, int64_t c, int64_t s, float* v, int64_t matrix) const {
    const int64_t slice = b.slice - d_.pad_begin + s;
    v += c * in_pitch_ + s * b.count * lanes_;
    if (slice < 0 || slice >= d_.in) {
      for (int64_t p = 0; p < 36; ++p) std::fill_n(v + p * matrix, b.count * lanes_, 0.0f);
      return;
    }
    x += (c * p_.in_size + slice * h_.in * v_.in) * lanes_;
    const auto inside = [](int64_t at, int64_t limit) { return std::clamp<int64_t>(at, 0, limit); };
    for (int64_t t = 0; t < b.count; ++t, v += lanes_) {
      const int64_t tile = b.first + t, y0 = tile / tiles_w_ * 4 - h_.pad_begin,
                    x0 = tile % tiles_w_ * 4 - v_.pad_begin;
      input_({x + (y0 * v_.in + x0) * lanes_, v_.in * lanes_, inside(-y0, 6), inside(h_.in - y0, 6), inside(-x0, 6),
              inside(v_.in - x0, 6), v, matrix});
    }
  }

  void results(const StepArgs& args, const float* bias, const Block& b, int64_t block, int64_t s, const float* m,
               const ConvTile& shared) const {
    const WindowAxis &h = h_, &w = v_;
    const int64_t image = b.image, first = b.first, count = b.count, slice = b.slice + s;
    const int64_t plane = ((image * out_blocks_ + block) * p_.out_size + slice * h.out * w.out) * lanes_;
    const float* z = p_.residual(args);
    TileOutput t;
    t.matrix = out_blocks_ * out_pitch_;
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
        t.m = m + block * out_pitch_ + (s * count + i + k) * lanes_;
        t.y = args.output<float>(0) + at;
        t.z = epilogue_.adds_before() ? z + at : nullptr;
        t.columns = std::min<int64_t>(4, w.out - tx - 4 * k);
        if (!output_(t)) redo(args, t, image, block, slice, ty, tx + 4 * k);
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
  void redo(const StepArgs& args, const TileOutput& t, int64_t image, int64_t block, int64_t slice, int64_t ty,
            int64_t tx) const {
    const WindowAxis &h = h_, &w = v_;
    const int64_t taps = 9 * d_.kernel;
    const float* x = args.input<float>(0) + image * in_blocks_ * p_.in_size * lanes_;
    for (int64_t r = 0; r < t.rows; ++r) {
      for (int64_t k = 0; k < t.columns; ++k) {
        for (int64_t lane = 0; lane < std::min(lanes_, p_.g.out_channels - block * lanes_); ++lane) {
          const int64_t out = block * lanes_ + lane;
          float sum = 0;
          for (int64_t c = 0; c < p_.g.channels; ++c) {
            for (int64_t tap = 0; tap < taps; ++tap) {
              const int64_t iz = slice - d_.pad_begin + tap / 9, iy = ty + r - h.pad_begin + tap % 9 / 3,
                            ix = tx + k - w.pad_begin + tap % 3;
              if (iz < 0 || iz >= d_.in || iy < 0 || iy >= h.in || ix < 0 || ix >= w.in) continue;
              sum = std::fma(x[(((c / lanes_ * d_.in + iz) * h.in + iy) * w.in + ix) * lanes_ + c % lanes_],
                             (direct_ ? *direct_ : *w_).weight(out, c, tap), sum);
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
  WindowAxis d_, h_, v_;
  int64_t tiles_w_ = 0, tiles_ = 0, at_once_ = 0, blocks_ = 0;  // of a slice; in a block, blocks of a slice
  int64_t slices_ = 1, runs_ = 1;                               // of the result in a block; of these in an image
  int64_t in_pitch_ = 0, out_pitch_ = 0;                        // floats of a block of channels
  std::vector<ConvSegment> segments_, last_segments_;           // of blocks of at_once_ tiles; of the last one
  std::vector<int64_t> chains_;                                 // where the parts of a sum begin among the segments
  int64_t tails_ = 0;                                           // of the segments, at the end
  size_t slots_ = 0, each_ = 0, bias_floats_ = 0;
};

}  // namespace

Expected<std::shared_ptr<const void>> pack_blocked_winograd(const Tensor& w, PackedStore* store) {
  auto p = std::make_shared<BlockedWeights>();
  p->dims = w.dims();
  p->lanes = conv_tile_kernels().lanes;
  const int64_t slices = w.rank() > 4 ? w.dim(2) : 1, inputs = w.dim(1), in = inputs * slices, lanes = p->lanes,
                blocks = p->group_blocks(), taps = 9 * slices;
  const auto fill = [&](std::byte* bytes) {
    auto* to = reinterpret_cast<float*>(bytes);
    const auto transform = HWY_DYNAMIC_DISPATCH(transform_weights);
    parallel_for(blocks * in, 64, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        // The sum goes over slices, then channels.
        const int64_t b = i / in, c = i % in, pair = b / 2 * 2, width = std::min<int64_t>(2, blocks - pair);
        transform(w.data<float>() + (b * lanes * inputs + c % inputs) * taps + c / inputs * 9, inputs * taps,
                  w.dim(0) - b * lanes, to + (pair * in + c * width) * lanes + b % 2 * lanes, blocks * in * lanes);
      }
    });
    if (w.buffer()) w.buffer()->release(w.buffer_offset(), w.bytes());
    return Status();
  };
  ANYRT_ASSIGN(p->bytes, take_packed(store, static_cast<size_t>(36 * blocks * lanes * in) * sizeof(float), fill));
  return std::shared_ptr<const void>(std::move(p));
}

bool blocked_winograd_pays(const ConvGeometry& g) {
  if (g.axes.size() != 3) return winograd_pays(g);
  const WindowAxis& d = g.axes[0];
  ConvGeometry slice = g;
  slice.axes.erase(slice.axes.begin());
  slice.channels *= d.kernel;  // as many weights
  return g.channels >= 16 && d.stride == 1 && d.dilation == 1 && winograd_pays(slice);
}

ConvBound bind_blocked_winograd(ConvPlan plan, BlockedState w, BlockedState direct) {
  return std::unique_ptr<BoundStep>(
      std::make_unique<BlockedWinograd>(std::move(plan), std::move(w), std::move(direct)));
}

}  // namespace anyrt::cpu
#endif
