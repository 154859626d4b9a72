#include <algorithm>
#include <cstring>
#include <vector>

#include "base/threads.h"
#include "devices/cpu/conv/blocked.h"
#include "devices/cpu/gemm/slots.h"

#ifndef ANYRT_CPU_BLOCKED_DEPTHWISE_SHAPE_
#define ANYRT_CPU_BLOCKED_DEPTHWISE_SHAPE_
namespace anyrt::cpu {
namespace {

// Positions next to each other of one block: y = bias + sum of x[taps[t].x + position * x_step] * w[taps[t].w].
struct DepthwiseTap {
  int64_t x, w;
};
struct DepthwiseRun {
  const float* x;
  int64_t x_step;
  const DepthwiseTap* taps;
  int64_t tap_count;
  const float* w;
  const float* bias;  // null: none
  const float* z;     // added; null: none
  float* y;
  int64_t positions;
  int64_t row_taps, row_stride;  // where taps come in rows of so many next to each other, and x_step is so many vectors
  bool clamp;
  float low, high;
};

}  // namespace
}  // namespace anyrt::cpu
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/conv/blocked_depthwise.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "devices/cpu/kernels/activation-inl.h"

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {
namespace {

#define ANYRT_POSITIONS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6)
#define ANYRT_VALUES(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) X(16)
constexpr int64_t kPositions = 7;

// Stays in its register: GCC would load it again for every use.
template <class V>
HWY_INLINE V loaded(V v) {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3 && defined(__GNUC__)
  asm("" : "+v"(v.raw));
#elif HWY_ARCH_X86 && HWY_TARGET < HWY_EMU128 && defined(__GNUC__)
  asm("" : "+x"(v.raw));
#endif
  return v;
}

template <int I, class V>
HWY_INLINE V pick(V a, V b, V c, V d, V e) {
  if constexpr (I == 0) return a;
  if constexpr (I == 1) return b;
  if constexpr (I == 2) return c;
  if constexpr (I == 3) return d;
  return e;
}

// N positions side by side, so that their sums do not wait for each other. K taps a row, each kStride positions from
// window to window: a value is read once for all windows that it lies in. K = 0: taps anywhere.
template <int N, int K, int kStride>
HWY_INLINE void run_group(const DepthwiseRun& r, int64_t i) {
  const hn::ScalableTag<float> d;
  using V = hn::Vec<decltype(d)>;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), step = r.x_step;
  const V bias = r.bias ? hn::LoadU(d, r.bias) : hn::Zero(d);
#define X(n) V s##n = bias;
  ANYRT_POSITIONS(X)
#undef X
  const float* from = r.x + i * step;
  if constexpr (K == 0) {
    for (int64_t t = 0; t < r.tap_count; ++t) {
      const V w = hn::LoadU(d, r.w + r.taps[t].w);
      const float* x = from + r.taps[t].x;
#define X(n) \
  if constexpr (N > n) s##n = hn::MulAdd(hn::LoadU(d, x + n * step), w, s##n);
      ANYRT_POSITIONS(X)
#undef X
    }
  } else {
    for (int64_t t = 0; t < r.tap_count; t += K) {
      const float *w = r.w + r.taps[t].w, *x = from + r.taps[t].x;
      const V w0 = hn::LoadU(d, w), w1 = hn::LoadU(d, w + lanes), w2 = hn::LoadU(d, w + 2 * lanes),
              w3 = K > 3 ? hn::LoadU(d, w + 3 * lanes) : w0, w4 = K > 4 ? hn::LoadU(d, w + 4 * lanes) : w0;
#define X(n)                                                      \
  if constexpr (N > n && j >= n * kStride && j < n * kStride + K) \
    s##n = hn::MulAdd(value, pick<j - n * kStride>(w0, w1, w2, w3, w4), s##n);
#define VALUE(at)                                        \
  if constexpr (at < (N - 1) * kStride + K) {            \
    constexpr int j = at;                                \
    const V value = loaded(hn::LoadU(d, x + j * lanes)); \
    ANYRT_POSITIONS(X)                                   \
  }
      ANYRT_VALUES(VALUE)
#undef VALUE
#undef X
    }
  }
  float* y = r.y + i * lanes;
  if (r.z) {
    const float* z = r.z + i * lanes;
#define X(n) \
  if constexpr (N > n) s##n = hn::Add(s##n, hn::LoadU(d, z + n * lanes));
    ANYRT_POSITIONS(X)
#undef X
  }
  if (r.clamp) {
    const V low = hn::Set(d, r.low), high = hn::Set(d, r.high);
#define X(n) s##n = v_at_most(d, v_at_least(d, s##n, low), high);
    ANYRT_POSITIONS(X)
#undef X
  }
#define X(n) \
  if constexpr (N > n) hn::StoreU(s##n, d, y + n * lanes);
  ANYRT_POSITIONS(X)
#undef X
}
#undef ANYRT_VALUES
#undef ANYRT_POSITIONS

template <int K, int kStride>
void run_windows(const DepthwiseRun& r) {
  const int64_t groups = (r.positions + kPositions - 1) / kPositions;
  for (int64_t g = 0; g < groups; ++g) {
    const int64_t from = r.positions * g / groups, to = r.positions * (g + 1) / groups;
    switch (to - from) {
      case 1: run_group<1, K, kStride>(r, from); break;
      case 2: run_group<2, K, kStride>(r, from); break;
      case 3: run_group<3, K, kStride>(r, from); break;
      case 4: run_group<4, K, kStride>(r, from); break;
      case 5: run_group<5, K, kStride>(r, from); break;
      case 6: run_group<6, K, kStride>(r, from); break;
      default: run_group<7, K, kStride>(r, from); break;
    }
  }
}

void run_positions(const DepthwiseRun& r) {
  if (r.row_taps == 3) return r.row_stride == 1 ? run_windows<3, 1>(r) : run_windows<3, 2>(r);
  if (r.row_taps == 5) return r.row_stride == 1 ? run_windows<5, 1>(r) : run_windows<5, 2>(r);
  run_windows<0, 1>(r);
}

}  // namespace
}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anyrt::cpu {
namespace {

HWY_EXPORT(run_positions);

constexpr int64_t kMinPiece = 6000;  // of work, in cycles or so: less is not worth a thread

class BlockedDepthwise final : public BoundStep {
 public:
  BlockedDepthwise(ConvPlan plan, BlockedState w)
      : p_(std::move(plan)),
        w_(std::move(w)),
        epilogue_(p_.epilogue, p_.rescale, p_.g.out_channels, conv_tile_kernels()),
        run_(HWY_DYNAMIC_DISPATCH(run_positions)) {
    const WindowAxis &h = p_.g.axes[0], &v = p_.g.axes[1];
    const int64_t lanes = w_->lanes;
    // Columns whose taps all lie inside.
    inner_ = std::min(v.out, (v.pad_begin + v.stride - 1) / v.stride);
    const int64_t room = v.in + v.pad_begin - (v.kernel - 1) * v.dilation;
    inner_end_ = std::max(inner_, std::min(v.out, room <= 0 ? 0 : (room - 1) / v.stride + 1));
    // Whether a padded copy costs less than sums of single columns, which wait for themselves.
    const int64_t padded = (v.out - 1) * v.stride + (v.kernel - 1) * v.dilation + 1;
    copies_ = (inner_ + v.out - inner_end_) * p_.taps * 4 > 3 * padded * h.stride;
    pitch_ = copies_ ? padded : v.in;
    for (int64_t y = 0; y < h.kernel; ++y) {
      for (int64_t x = 0; x < v.kernel; ++x)
        taps_.push_back({(y * h.dilation * pitch_ + x * v.dilation) * lanes, (y * v.kernel + x) * lanes});
    }
    row_work_ = v.out * p_.taps / 2 + 20;
    rows_ = std::clamp<int64_t>(20000 / row_work_, 1, h.out);
    if (row_work_ * h.out * block_count(p_.g.channels, lanes) > 2 * kMinPiece) rows_ = even_part(h.out, rows_, 2);
    if (copies_) {
      slots_ = slot_count();
      each_ = static_cast<size_t>(((rows_ - 1) * h.stride + (h.kernel - 1) * h.dilation + 1) * pitch_ * lanes);
    }
    for (int64_t ox = 0; ox < v.out; ++ox) {
      if (ox == inner_) ox = inner_end_;
      if (ox == v.out) break;
      const TapRange columns = taps_inside(v, ox, v.in);
      Edge& e = edges_.emplace_back();
      e.columns = columns.end - columns.begin;
      for (int64_t y = 0; y < h.kernel; ++y) {
        const auto first = taps_.begin() + y * v.kernel;
        e.taps.insert(e.taps.end(), first + columns.begin, first + columns.end);
      }
    }
    scratch_bytes = (epilogue_.padded_floats() + slots_ * each_) * sizeof(float);
  }

  Status run(const StepArgs& args) const override {
    const float* bias = epilogue_.bias(p_.bias(args), reinterpret_cast<float*>(args.scratch));
    auto* scratch = reinterpret_cast<float*>(args.scratch) + epilogue_.padded_floats();
    const WindowAxis& h = p_.g.axes[0];
    const int64_t blocks = block_count(p_.g.channels, w_->lanes), bands = (h.out + rows_ - 1) / rows_;
    Slots free(slots_);
    int threads = args.threads;
    if (copies_) threads = std::min(threads > 0 ? threads : static_cast<int>(slots_), static_cast<int>(slots_));
    // A piece is some rows of one block: first all blocks of the rows above.
    parallel_for(
        p_.g.batch * bands * blocks, std::max<int64_t>(1, kMinPiece / (rows_ * row_work_)),
        [&](int64_t begin, int64_t end) {
          const size_t slot = copies_ ? free.take() : 0;
          float* const own = scratch + slot * each_;
          for (int64_t i = begin; i < end; ++i) {
            const int64_t image = i / (bands * blocks) * blocks + i % blocks, first = i / blocks % bands * rows_,
                          last = std::min(h.out, first + rows_);
            if (copies_) copy(args.input<float>(0) + image * p_.in_size * w_->lanes, first, last, own);
            for (int64_t r = first; r < last; ++r)
              row(args, bias, image, image % blocks, r,
                  copies_ ? own + (r - first) * h.stride * pitch_ * w_->lanes : nullptr);
          }
          if (copies_) free.give_back(slot);
        },
        threads);
    return {};
  }

 private:
  // The input rows that output rows [first, last) read, with zeros around.
  void copy(const float* x, int64_t first, int64_t last, float* to) const {
    const WindowAxis &h = p_.g.axes[0], &v = p_.g.axes[1];
    const int64_t lanes = w_->lanes, count = (last - first - 1) * h.stride + (h.kernel - 1) * h.dilation + 1;
    for (int64_t r = 0; r < count; ++r, to += pitch_ * lanes) {
      const int64_t iy = h.start(first) + r;
      if (iy < 0 || iy >= h.in) {
        std::fill_n(to, pitch_ * lanes, 0.0f);
        continue;
      }
      copy_padded_row(x + iy * v.in * lanes, v, pitch_, lanes, to);
    }
  }

  // `padded`: the copy of the row's first input row; null: there is none.
  void row(const StepArgs& args, const float* bias, int64_t image, int64_t block, int64_t oy,
           const float* padded) const {
    const WindowAxis &h = p_.g.axes[0], &v = p_.g.axes[1];
    const int64_t lanes = w_->lanes;
    const TapRange rows = taps_inside(h, oy, h.in);
    const float* z = p_.residual(args);
    const int64_t at = (image * p_.out_size + oy * v.out) * lanes;
    ConvTile shared = {};
    epilogue_.prepare(shared);
    shared.y = args.output<float>(0) + at;
    DepthwiseRun r;
    r.x_step = v.stride * lanes;
    r.w = w_->data() + block * p_.taps * lanes;
    r.bias = bias ? bias + block * lanes : nullptr;
    r.clamp = shared.clamp;
    r.low = shared.low;
    r.high = shared.high;
    const float* x =
        padded ? padded : args.input<float>(0) + (image * p_.in_size + h.start(oy) * v.in - v.pad_begin) * lanes;
    const auto some = [&](int64_t from, int64_t to, const DepthwiseTap* taps, int64_t count, bool whole_rows) {
      r.x = x + from * r.x_step;
      r.taps = taps;
      r.tap_count = count;
      r.y = shared.y + from * lanes;
      r.z = epilogue_.adds_before() ? z + at + from * lanes : nullptr;
      r.positions = to - from;
      r.row_taps = whole_rows && v.dilation == 1 && v.stride <= 2 ? v.kernel : 0;
      r.row_stride = v.stride;
      run_(r);
    };
    const auto edge = [&](int64_t from, int64_t to) {
      for (int64_t ox = from; ox < to; ++ox) {
        const Edge& e = edges_[static_cast<size_t>(ox < inner_ ? ox : ox - inner_end_ + inner_)];
        some(ox, ox + 1, e.taps.data() + rows.begin * e.columns, (rows.end - rows.begin) * e.columns, false);
      }
    };
    if (padded) {
      some(0, v.out, taps_.data(), p_.taps, true);
      epilogue_.finish(shared, z ? z + at : nullptr, block, 1, v.out);
      return;
    }
    edge(0, inner_);
    if (inner_end_ > inner_)
      some(inner_, inner_end_, taps_.data() + rows.begin * v.kernel, (rows.end - rows.begin) * v.kernel, true);
    edge(inner_end_, v.out);
    epilogue_.finish(shared, z ? z + at : nullptr, block, 1, v.out);
  }

  ConvPlan p_;
  BlockedState w_;
  BlockedEpilogue epilogue_;
  void (*run_)(const DepthwiseRun&);
  int64_t inner_ = 0, inner_end_ = 0;  // columns whose taps all lie inside
  bool copies_ = false;
  int64_t pitch_ = 0, rows_ = 1;  // positions of a row of what is read; output rows of a piece
  int64_t row_work_ = 1;          // cycles or so
  size_t slots_ = 1, each_ = 0;
  std::vector<DepthwiseTap> taps_;
  struct Edge {  // the taps of a column near the border
    int64_t columns = 0;
    std::vector<DepthwiseTap> taps;
  };
  std::vector<Edge> edges_;
};

}  // namespace

ConvBound bind_blocked_depthwise(ConvPlan plan, BlockedState w) {
  return std::unique_ptr<BoundStep>(std::make_unique<BlockedDepthwise>(std::move(plan), std::move(w)));
}

}  // namespace anyrt::cpu
#endif
