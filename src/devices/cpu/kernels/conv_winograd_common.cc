#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/threads.h"
#include "devices/cpu/gemm/slots.h"
#include "devices/cpu/kernels/conv_common.h"

// Winograd's F(4x4, 3x3) (Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, 2015): tiles of 4 x 4
// windows cost 36 products a pair of channels instead of 144.

#ifndef ANYRT_CPU_WINOGRAD_SHAPE_
#define ANYRT_CPU_WINOGRAD_SHAPE_
namespace anyrt::cpu {
namespace {

// Tiles stand in one stream, row after row of them, with one unused place after each row: so the columns of the image
// that a tile shares with the next one lie in the stream, too. A group is as many places as a vector has lanes.
struct WinogradShape {
  WindowAxis h, w;
  int64_t tiles_h = 0, tiles_w = 0;  // 4 x 4 windows each
  int64_t row = 0;                   // places of a row of tiles
  int64_t places() const { return tiles_h * row; }
};

// What a block of groups is transformed into: 36 matrices of panels. Float (p, channel, place) of the input lies at
// p * matrix + place / panel * panel * channels + channel * panel + place % panel.
struct WinogradInput {
  const float* x;  // one plane
  int64_t channel, channels, panel, matrix;
  float* v;
};
struct WinogradOutput {
  const float* m;  // of this channel: 36 rows of places, `matrix` apart
  int64_t matrix;
  float bias;
  float* y;  // one plane
};

}  // namespace
}  // namespace anyrt::cpu
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/conv_winograd_common.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "devices/cpu/conv/winograd-inl.h"
#include "devices/cpu/kernels/activation-inl.h"

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {
namespace {

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

int64_t lane_count() { return static_cast<int64_t>(hn::Lanes(D())); }

// The pieces of rows of tiles that a group covers: f(place in the group, row of tiles, first tile, places).
template <class F>
HWY_INLINE void pieces(const WinogradShape& s, int64_t group, const F& f) {
  const int64_t lanes = lane_count(), first = group * lanes, end = std::min(first + lanes, s.places());
  for (int64_t at = first; at < end;) {
    const int64_t r = at / s.row, tile = at % s.row, n = std::min(end - at, s.row - tile);
    f(at - first, r, tile, n);
    at += n;
  }
}

// One channel's group of tiles.
void input_group(const WinogradShape& s, const WinogradInput& in, int64_t group, int64_t place) {
  const D d;
  const int64_t lanes = lane_count(), line = 4 * lanes + 8;
  HWY_ALIGN float local[6 * (4 * hn::MaxLanes(D()) + 8)];
  const float* source = local;
  int64_t pitch = line;
  bool whole = false;
  pieces(s, group, [&](int64_t at, int64_t r, int64_t tile, int64_t n) HWY_ATTR {
    const int64_t y0 = 4 * r - s.h.pad_begin, x0 = 4 * tile - s.w.pad_begin;
    if (n == lanes && y0 >= 0 && y0 + 6 <= s.h.in && x0 >= 0 && x0 + 4 * lanes + 4 <= s.w.in) {
      whole = true;
      source = in.x + y0 * s.w.in + x0;
      pitch = s.w.in;
      return;
    }
    // A row's piece ends with its unused place, or at the end of the group, where the next tile's columns follow.
    const int64_t columns = 4 * n + (at + n == lanes ? 4 : 0);
    const int64_t begin = std::clamp<int64_t>(-x0, 0, columns), end = std::clamp<int64_t>(s.w.in - x0, begin, columns);
    for (int64_t i = 0; i < 6; ++i) {
      float* to = local + i * line + 4 * at;
      if (y0 + i < 0 || y0 + i >= s.h.in) {
        std::fill_n(to, columns, 0.0f);
        continue;
      }
      const float* from = in.x + (y0 + i) * s.w.in + x0;
      for (int64_t k = 0; k < begin; ++k) to[k] = 0;
      std::memcpy(to + begin, from + begin, static_cast<size_t>(end - begin) * sizeof(float));
      for (int64_t k = end; k < columns; ++k) to[k] = 0;
    }
  });
  if (!whole) {
    // Places after the last tile.
    const int64_t used = std::min(lanes, s.places() - group * lanes);
    if (used < lanes) {
      for (int64_t i = 0; i < 6; ++i) std::fill(local + i * line + 4 * used, local + (i + 1) * line, 0.0f);
    }
  }
  // Along x first: row i of the six.
  HWY_ALIGN float half[36 * hn::MaxLanes(D())];
  for (int64_t i = 0; i < 6; ++i) {
    const float* row = source + i * pitch;
    V x0, x1, x2, x3, x4, x5, unused0, unused1;
    hn::LoadInterleaved4(d, row, x0, x1, x2, x3);
    hn::LoadInterleaved4(d, row + 4, x4, x5, unused0, unused1);
    const Six<V> t = transform_in(d, Six<V>{x0, x1, x2, x3, x4, x5});
    float* to = half + i * 6 * lanes;
    hn::Store(t.a, d, to);
    hn::Store(t.b, d, to + lanes);
    hn::Store(t.c, d, to + 2 * lanes);
    hn::Store(t.d, d, to + 3 * lanes);
    hn::Store(t.e, d, to + 4 * lanes);
    hn::Store(t.f, d, to + 5 * lanes);
  }
  float* v = in.v + place / in.panel * in.panel * in.channels + in.channel * in.panel + place % in.panel;
  const int64_t step = 6 * lanes;
  for (int64_t k = 0; k < 6; ++k) {
    const float* column = half + k * lanes;
    const Six<V> t = transform_in(
        d, Six<V>{hn::Load(d, column), hn::Load(d, column + step), hn::Load(d, column + 2 * step),
                  hn::Load(d, column + 3 * step), hn::Load(d, column + 4 * step), hn::Load(d, column + 5 * step)});
    float* to = v + k * in.matrix;
    hn::StoreU(t.a, d, to);
    hn::StoreU(t.b, d, to + 6 * in.matrix);
    hn::StoreU(t.c, d, to + 12 * in.matrix);
    hn::StoreU(t.d, d, to + 18 * in.matrix);
    hn::StoreU(t.e, d, to + 24 * in.matrix);
    hn::StoreU(t.f, d, to + 30 * in.matrix);
  }
}

// One channel's group of tiles; true when all results are finite.
bool output_group(const WinogradShape& s, const FusedActivation& activation, const WinogradOutput& out, int64_t group,
                  int64_t place) {
  const D d;
  const int64_t lanes = lane_count(), line = 4 * lanes;
  HWY_ALIGN float half[24 * hn::MaxLanes(D())];
  const float* m = out.m + place;
  for (int64_t k = 0; k < 6; ++k) {
    const float* column = m + k * out.matrix;
    const int64_t step = 6 * out.matrix;
    const Four<V> t = transform_out(
        d, Six<V>{hn::LoadU(d, column), hn::LoadU(d, column + step), hn::LoadU(d, column + 2 * step),
                  hn::LoadU(d, column + 3 * step), hn::LoadU(d, column + 4 * step), hn::LoadU(d, column + 5 * step)});
    hn::Store(t.a, d, half + k * lanes);
    hn::Store(t.b, d, half + (6 + k) * lanes);
    hn::Store(t.c, d, half + (12 + k) * lanes);
    hn::Store(t.d, d, half + (18 + k) * lanes);
  }
  HWY_ALIGN float local[16 * hn::MaxLanes(D())];
  const V bias = hn::Set(d, out.bias);
  V sum = hn::Zero(d);  // NaN as soon as one value is not finite
  with_activation(d, activation, [&](auto act) HWY_ATTR {
    for (int64_t i = 0; i < 4; ++i) {
      const float* row = half + i * 6 * lanes;
      Four<V> t = transform_out(
          d, Six<V>{hn::Load(d, row), hn::Load(d, row + lanes), hn::Load(d, row + 2 * lanes),
                    hn::Load(d, row + 3 * lanes), hn::Load(d, row + 4 * lanes), hn::Load(d, row + 5 * lanes)});
      const V zero = hn::Zero(d);
      sum = hn::MulAdd(t.a, zero, sum);
      sum = hn::MulAdd(t.b, zero, sum);
      sum = hn::MulAdd(t.c, zero, sum);
      sum = hn::MulAdd(t.d, zero, sum);
      hn::StoreInterleaved4(act(hn::Add(t.a, bias)), act(hn::Add(t.b, bias)), act(hn::Add(t.c, bias)),
                            act(hn::Add(t.d, bias)), d, local + i * line);
    }
  });
  pieces(s, group, [&](int64_t at, int64_t r, int64_t tile, int64_t n) HWY_ATTR {
    const int64_t columns = std::min(4 * std::min(n, s.tiles_w - tile), s.w.out - 4 * tile);
    if (columns <= 0) return;
    const int64_t rows = std::min<int64_t>(4, s.h.out - 4 * r);
    for (int64_t i = 0; i < rows; ++i) {
      std::memcpy(out.y + (4 * r + i) * s.w.out + 4 * tile, local + i * line + 4 * at,
                  static_cast<size_t>(columns) * sizeof(float));
    }
  });
  return hn::AllTrue(d, hn::Eq(sum, sum));
}

}  // namespace
}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anyrt::cpu {
namespace {

HWY_EXPORT(lane_count);
HWY_EXPORT(input_group);
HWY_EXPORT(output_group);

// One window, as the definition has it: for tiles whose sums are not finite.
float direct(const ConvPlan& p, const float* x, const float* w, int64_t oy, int64_t ox) {
  const WindowAxis &h = p.g.axes[0], &v = p.g.axes[1];
  float sum = 0;
  for (int64_t c = 0; c < p.in_group; ++c) {
    for (int64_t ky = 0; ky < 3; ++ky) {
      for (int64_t kx = 0; kx < 3; ++kx) {
        const int64_t iy = oy - h.pad_begin + ky, ix = ox - v.pad_begin + kx;
        if (iy < 0 || iy >= h.in || ix < 0 || ix >= v.in) continue;
        sum = std::fma(x[c * p.in_size + iy * v.in + ix], w[(c * 3 + ky) * 3 + kx], sum);
      }
    }
  }
  return sum;
}

class WinogradStep final : public BoundStep {
 public:
  WinogradStep(ConvPlan plan, std::shared_ptr<const WinogradWeights> weights)
      : p_(std::move(plan)), weights_(std::move(weights)), kernels_(gemm_kernels_f32()) {
    s_.h = p_.g.axes[0];
    s_.w = p_.g.axes[1];
    s_.tiles_h = (s_.h.out + 3) / 4;
    s_.tiles_w = (s_.w.out + 3) / 4;
    s_.row = s_.tiles_w + 1;
    lanes_ = HWY_DYNAMIC_DISPATCH(lane_count)();
    input_ = HWY_DYNAMIC_DISPATCH(input_group);
    output_ = HWY_DYNAMIC_DISPATCH(output_group);
    groups_ = (s_.places() + lanes_ - 1) / lanes_;
    const int64_t per_panel = kernels_.panel / lanes_;
    // A block's two sides should stay in the second-level cache.
    int64_t panels = std::max<int64_t>(1, (1 << 20) / (36 * 4 * kernels_.panel * (p_.g.channels + p_.g.out_channels)));
    panels = std::min(panels, std::max<int64_t>(1, (groups_ + per_panel - 1) / per_panel));
    block_groups_ = panels * per_panel;
    blocks_ = (groups_ + block_groups_ - 1) / block_groups_;
    const int64_t columns = panels * kernels_.panel;
    v_matrix_ = columns * p_.g.channels;
    m_matrix_ = columns * p_.g.out_channels;
    GemmBlock whole;
    whole.m = p_.g.out_channels;
    whole.n = columns;
    whole.a_row = p_.g.channels;
    packs_a_ = gemm_packs_a(whole, kernels_, sizeof(float));
    const int64_t a_floats = packs_a_ ? kGemmRowBlock * (kGemmDepth + kGemmRowPad) : 0;
    each_ = static_cast<size_t>(36 * (v_matrix_ + m_matrix_) + a_floats);
    slots_ = slot_count();
    // Where a residual is added, activations wait for it.
    if (!p_.epilogue.has_z) activation_ = p_.epilogue.activation;
    scratch_bytes = slots_ * each_ * sizeof(float);
  }

  Status run(const StepArgs& args) const override {
    const int threads = std::min(args.threads > 0 ? args.threads : static_cast<int>(slots_), static_cast<int>(slots_));
    auto* scratch = reinterpret_cast<float*>(args.scratch);
    const int64_t total = p_.g.batch * blocks_;
    Slots free(slots_);
    // Few blocks: the threads work on the same one.
    if (total < 2 * threads) {
      for (int64_t i = 0; i < total; ++i) block(args, i, scratch, threads);
      return {};
    }
    parallel_for(
        total, 1,
        [&](int64_t begin, int64_t end) {
          const size_t slot = free.take();
          for (int64_t i = begin; i < end; ++i) block(args, i, scratch + slot * each_, 1);
          free.give_back(slot);
        },
        threads);
    return {};
  }

 private:
  template <class F>
  static void over(int64_t n, int threads, const F& f) {
    if (threads == 1) return f(0, n);
    parallel_for(n, 1, f, threads);
  }

  void block(const StepArgs& args, int64_t index, float* scratch, int threads) const {
    const int64_t image = index / blocks_, first = index % blocks_ * block_groups_,
                  count = std::min(block_groups_, groups_ - first);
    const float* x = args.input<float>(0) + image * p_.g.channels * p_.in_size;
    float* y = args.output<float>(0) + image * p_.g.out_channels * p_.out_size;
    float *v = scratch, *m = v + 36 * v_matrix_, *a = m + 36 * m_matrix_;
    const int64_t columns = (count * lanes_ + kernels_.panel - 1) / kernels_.panel * kernels_.panel;
    if (columns > count * lanes_) {  // the last panel's half that no group fills
      for (int64_t p = 0; p < 36; ++p) {
        float* last = v + p * v_matrix_ + (columns - kernels_.panel) * p_.g.channels;
        for (int64_t c = 0; c < p_.g.channels; ++c) std::fill_n(last + (c + 1) * kernels_.panel - lanes_, lanes_, 0.0f);
      }
    }
    over(p_.g.channels, threads, [&](int64_t begin, int64_t end) {
      for (int64_t c = begin; c < end; ++c) {
        const WinogradInput in{x + c * p_.in_size, c, p_.g.channels, kernels_.panel, v_matrix_, v};
        for (int64_t g = 0; g < count; ++g) input_(s_, in, first + g, g * lanes_);
      }
    });
    const int64_t c_row = block_groups_ * lanes_ / kernels_.panel * kernels_.panel;
    over(36, threads, [&](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p) {
        GemmBlock b;
        b.m = p_.g.out_channels;
        b.n = columns;
        b.k = p_.g.channels;
        b.a = weights_->data() + p * p_.g.out_channels * p_.g.channels;
        b.a_row = p_.g.channels;
        b.b_form = GemmB::kPanels;
        b.b = v + p * v_matrix_;
        b.c = m + p * m_matrix_;
        b.c_row = c_row;
        if (threads == 1 && packs_a_ && gemm_packs_a(b, kernels_, sizeof(float))) b.a_scratch = a;
        kernels_.multiply(b);
      }
    });
    const float* bias = p_.bias(args);
    const float* z = p_.residual(args);
    over(p_.g.out_channels, threads, [&](int64_t begin, int64_t end) {
      for (int64_t c = begin; c < end; ++c) {
        const WinogradOutput out{m + c * c_row, m_matrix_, bias ? bias[c] : 0, y + c * p_.out_size};
        for (int64_t g = 0; g < count; ++g) {
          if (!output_(s_, activation_, out, first + g, g * lanes_)) redo(args, x, c, first + g, out);
          if (z) add_residual(out.y, z + (out.y - args.output<float>(0)), first + g);
        }
      }
    });
  }

  template <class F>
  void tiles(int64_t group, const F& f) const {
    for (int64_t at = group * lanes_; at < std::min((group + 1) * lanes_, s_.places()); ++at) {
      const int64_t r = at / s_.row, tile = at % s_.row;
      if (tile == s_.tiles_w) continue;
      f(4 * r, std::min<int64_t>(4, s_.h.out - 4 * r), 4 * tile, std::min<int64_t>(4, s_.w.out - 4 * tile));
    }
  }

  void redo(const StepArgs& args, const float* x, int64_t channel, int64_t group, const WinogradOutput& out) const {
    const float* w = args.input<float>(1) + channel * p_.in_group * 9;
    tiles(group, [&](int64_t y0, int64_t rows, int64_t x0, int64_t columns) {
      for (int64_t r = y0; r < y0 + rows; ++r) {
        for (int64_t c = x0; c < x0 + columns; ++c)
          out.y[r * s_.w.out + c] = activate(activation_, direct(p_, x, w, r, c) + out.bias);
      }
    });
  }

  void add_residual(float* y, const float* z, int64_t group) const {
    const FusedActivation& f = p_.epilogue.activation;
    const bool after = p_.epilogue.add_after;
    tiles(group, [&](int64_t y0, int64_t rows, int64_t x0, int64_t columns) {
      for (int64_t r = y0; r < y0 + rows; ++r) {
        for (int64_t i = r * s_.w.out + x0; i < r * s_.w.out + x0 + columns; ++i)
          y[i] = after ? activate(f, y[i]) + z[i] : activate(f, y[i] + z[i]);
      }
    });
  }

  ConvPlan p_;
  std::shared_ptr<const WinogradWeights> weights_;
  GemmKernels kernels_;
  WinogradShape s_;
  FusedActivation activation_;
  int64_t lanes_ = 0, groups_ = 0, block_groups_ = 0, blocks_ = 0, v_matrix_ = 0, m_matrix_ = 0;
  bool packs_a_ = false;
  size_t each_ = 0, slots_ = 0;
  void (*input_)(const WinogradShape&, const WinogradInput&, int64_t, int64_t) = nullptr;
  bool (*output_)(const WinogradShape&, const FusedActivation&, const WinogradOutput&, int64_t, int64_t) = nullptr;
};

}  // namespace

bool winograd_pays(const ConvGeometry& g) {
  if (g.group != 1 || g.axes.size() != 2 || g.channels < 16 || g.out_channels < 16) return false;
  for (const WindowAxis& a : g.axes) {
    if (a.kernel != 3 || a.stride != 1 || a.dilation != 1 || a.out < 11) return false;
  }
  return g.channels * g.out_channels <= 512 * 256;
}

Expected<std::shared_ptr<const void>> winograd_weights(const Tensor& w, PackedStore* store) {
  auto out = std::make_shared<WinogradWeights>();
  out->out = w.dim(0);
  out->in = w.dim(1);
  const int64_t pairs = out->in * out->out;
  const auto fill = [&](std::byte* bytes) {
    auto* u = reinterpret_cast<float*>(bytes);
    const float* from = w.data<float>();
    // In double: the transformed weights carry one rounding only.
    const auto g = [](const double* k, double* t) {
      t[0] = k[0] / 4;
      t[1] = -(k[0] + k[1] + k[2]) / 6;
      t[2] = -(k[0] - k[1] + k[2]) / 6;
      t[3] = k[0] / 24 + k[1] / 12 + k[2] / 6;
      t[4] = k[0] / 24 - k[1] / 12 + k[2] / 6;
      t[5] = k[2];
    };
    for (int64_t i = 0; i < pairs; ++i) {
      double columns[3][6], line[3], t[6];
      for (int x = 0; x < 3; ++x) {
        for (int y = 0; y < 3; ++y) line[y] = from[i * 9 + y * 3 + x];
        g(line, columns[x]);
      }
      for (int y = 0; y < 6; ++y) {
        for (int x = 0; x < 3; ++x) line[x] = columns[x][y];
        g(line, t);
        for (int x = 0; x < 6; ++x) u[(y * 6 + x) * pairs + i] = static_cast<float>(t[x]);
      }
    }
    if (w.buffer()) w.buffer()->release(w.buffer_offset(), w.bytes());
    return Status();
  };
  ANYRT_ASSIGN(out->bytes, take_packed(store, static_cast<size_t>(36 * pairs) * sizeof(float), fill));
  return std::shared_ptr<const void>(std::move(out));
}

ConvBound bind_winograd(ConvPlan plan, std::shared_ptr<const WinogradWeights> weights) {
  return std::unique_ptr<BoundStep>(std::make_unique<WinogradStep>(std::move(plan), std::move(weights)));
}

}  // namespace anyrt::cpu
#endif
