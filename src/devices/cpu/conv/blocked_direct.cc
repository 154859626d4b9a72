#include <algorithm>
#include <cstring>

#include "base/threads.h"
#include "devices/cpu/conv/blocked.h"
#include "devices/cpu/gemm/slots.h"

namespace anyrt::cpu {
namespace {

constexpr int64_t kBandBytes = 256 << 10;  // of input that all panels of weights meet: half of it stays in reach
constexpr int64_t kFinishAtOnce = 100;     // positions, while they are in the first-level cache
constexpr int64_t kMinPiece = 8000;        // of work, in cycles or so: less is not worth a thread

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Sums over segments of the input as it lies, or of a padded copy of the rows that a band of output rows reads.
class BlockedDirect final : public BoundStep {
 public:
  BlockedDirect(ConvPlan plan, BlockedState w)
      : p_(std::move(plan)),
        w_(std::move(w)),
        kernels_(conv_tile_kernels()),
        epilogue_(p_.epilogue, p_.rescale, p_.g.out_channels, kernels_) {
    unit_ = w_->x_plain ? 1 : w_->lanes;
    const WindowAxes& axes = p_.g.axes;
    d_ = axes.size() > 2 ? axes[0] : WindowAxis();
    h_ = axes[axes.size() - 2];
    v_ = axes.back();
    // A last axis of one position would leave tiles of one position.
    while (v_.in == 1 && v_.out == 1 && v_.kernel == 1 && (h_.out > 1 || d_.out > 1)) {
      v_ = h_;
      h_ = d_;
      d_ = WindowAxis();
    }
    bool pads = false;
    for (const WindowAxis& a : {d_, h_, v_})
      pads = pads || a.pad_begin > 0 || a.start(a.out - 1) + (a.kernel - 1) * a.dilation >= a.in;
    if (!pads && p_.taps == 1 && d_.stride * h_.stride * v_.stride == 1) {  // one long row
      v_.in = v_.out = p_.out_size;
      d_ = h_ = WindowAxis();
    }
    const int64_t blocks = ceil_div(p_.in_group, unit_), position = blocks * unit_;
    // Threads share the positions rather than the output channels where weights are not much larger than the input,
    // and the work is worth it.
    const int64_t work = p_.out_size * w_->group_blocks() * w_->depth() / 2;
    const bool shares = w_->depth() * w_->group_blocks() * w_->lanes <= 2 * p_.in_group * p_.in_size &&
                        work > 2 * kMinPiece && p_.g.batch * p_.g.group == 1;
    const auto part = [&](int64_t n, int64_t most, int64_t least) {
      return shares ? even_part(n, most, least) : even(n, most);
    };
    copies_ = pads && copying_pays(blocks);
    if (copies_) {
      pitch_ = (v_.out - 1) * v_.stride + (v_.kernel - 1) * v_.dilation + 1;
      const int64_t row = position * pitch_ * d_.kernel * static_cast<int64_t>(sizeof(float));
      const int64_t most = std::max<int64_t>(1, (kBandBytes / row - (h_.kernel - 1) * h_.dilation) / h_.stride);
      rows_ = part(h_.out, std::min(most, h_.out), 2);
      band_rows_ = (rows_ - 1) * h_.stride + (h_.kernel - 1) * h_.dilation + 1;
      row_step_ = pitch_ * unit_;
      slice_step_ = band_rows_ * row_step_;
      channel_step_ = d_.kernel * slice_step_;
      columns_ = v_.out;
    } else {
      row_step_ = v_.in * unit_;
      slice_step_ = d_.dilation * h_.in * row_step_;
      channel_step_ = p_.in_size * unit_;
      const int64_t position_bytes = position * static_cast<int64_t>(sizeof(float));
      if (h_.out == 1 && d_.out == 1) {
        rows_ = 1;
        columns_ = part(v_.out,
                        std::clamp(kBandBytes / position_bytes / kernels_.positions * kernels_.positions,
                                   2 * kernels_.positions, std::max(v_.out, 2 * kernels_.positions)),
                        kernels_.positions);
      } else {
        columns_ = v_.out;
        rows_ = part(h_.out, std::clamp<int64_t>(kBandBytes / (position_bytes * v_.in * h_.stride), 1, h_.out), 1);
      }
    }
    tail_depth_ = w_->x_plain ? 0 : p_.in_group % unit_;
    z_ = spans(d_);
    y_ = spans(h_);
    x_ = spans(v_);
    for (const Span& z : z_) {
      for (const Span& y : y_) {
        for (const Span& x : x_) add_list(z, y, x, blocks);
      }
    }
    bands_ = ceil_div(h_.out, rows_) * ceil_div(v_.out, columns_) * d_.out;
    slots_ = slot_count();
    band_floats_ = copies_ ? static_cast<size_t>(blocks * channel_step_ + 16) : 0;
    bias_floats_ = epilogue_.padded_floats();
    scratch_bytes = (slots_ * band_floats_ + bias_floats_) * sizeof(float);
  }

  Status run(const StepArgs& args) const override {
    const int threads = std::min(args.threads > 0 ? args.threads : static_cast<int>(slots_), static_cast<int>(slots_));
    auto* scratch = reinterpret_cast<float*>(args.scratch);
    const float* bias = epilogue_.bias(p_.bias(args), scratch);
    scratch += bias_floats_;
    const int64_t base = p_.g.batch * p_.g.group * bands_, panels = w_->group_panels();
    const int64_t work = p_.g.batch * p_.g.group * p_.out_size * w_->group_blocks() * w_->depth() / 2;
    int64_t chunks = 1;
    if (threads > 1 && work > 2 * kMinPiece && base % threads != 0)
      chunks = std::clamp<int64_t>(std::min(ceil_div(4 * threads, base), work / kMinPiece / base), 1, panels);
    Slots free(slots_);
    const int64_t total = base * chunks;
    const auto each = [&](int64_t begin, int64_t end) {
      const size_t slot = free.take();
      for (int64_t i = begin; i < end; ++i) {
        const int64_t chunk = i % chunks;
        piece(args, i / chunks, panels * chunk / chunks, panels * (chunk + 1) / chunks, bias,
              scratch + slot * band_floats_);
      }
      free.give_back(slot);
    };
    if (threads == 1) {
      each(0, total);
    } else {
      parallel_for(total, std::max<int64_t>(1, kMinPiece * total / std::max<int64_t>(1, work)), each, threads);
    }
    return {};
  }

 private:
  // Outputs of one axis that see the same taps.
  struct Span {
    int64_t from, to;
    TapRange taps;
  };
  // Segments of the taps that some outputs see.
  struct List {
    std::vector<ConvSegment> segments;
    int64_t tail = 0;  // of them, at the end
    int64_t depth = 0;
  };

  // The least pieces of at most `most`, as even as they can be.
  static int64_t even(int64_t n, int64_t most) { return ceil_div(n, ceil_div(n, most)); }

  // Whether a padded copy costs less than tiles of few positions near the border.
  bool copying_pays(int64_t blocks) const {
    const auto tiles = [&](int64_t n) {
      constexpr int64_t kLeast = 4;  // positions whose time a tile takes at least
      return n / kernels_.positions * kernels_.positions +
             (n % kernels_.positions > 0 ? std::max(kLeast, n % kernels_.positions) : 0);
    };
    int64_t parts = 0;
    for (int64_t o = 0; o < v_.out;) {
      const TapRange t = taps_inside(v_, o, v_.in);
      int64_t end = o + 1;
      while (end < v_.out && taps_inside(v_, end, v_.in).begin == t.begin && taps_inside(v_, end, v_.in).end == t.end)
        ++end;
      parts += tiles(end - o);
      o = end;
    }
    const int64_t sums = (parts - tiles(v_.out)) * w_->depth() * w_->group_blocks() / 2;
    // Of each row, with the rows that dilation adds where bands are low.
    const int64_t row = blocks * d_.kernel * v_.out * v_.stride * unit_ / w_->lanes * 4;
    const int64_t band = std::clamp<int64_t>(kBandBytes / (row * w_->lanes + 1), 1, h_.out);
    const int64_t copied = row * ((band - 1) * h_.stride + (h_.kernel - 1) * h_.dilation + 1) / band;
    return copied < sums;
  }

  std::vector<Span> spans(const WindowAxis& a) const {
    if (copies_) return {{0, a.out, {0, a.kernel}}};
    std::vector<Span> out;
    for (int64_t o = 0; o < a.out; ++o) {
      const TapRange t = taps_inside(a, o, a.in);
      if (!out.empty() && out.back().taps.begin == t.begin && out.back().taps.end == t.end) {
        out.back().to = o + 1;
      } else {
        out.push_back({o, o + 1, t});
      }
    }
    return out;
  }

  void add_list(const Span& z, const Span& y, const Span& x, int64_t blocks) {
    List& list = lists_.emplace_back();
    const bool rows = w_->x_plain;  // the taps of a row are one segment
    list.depth = rows ? x.taps.end - x.taps.begin : unit_;
    for (int64_t c = 0; c < blocks; ++c) {
      const bool tail = tail_depth_ > 0 && c == blocks - 1;
      const int64_t each = rows ? 1 : tail ? tail_depth_ : unit_;  // channels
      for (int64_t kz = z.taps.begin; kz < z.taps.end; ++kz) {
        for (int64_t ky = y.taps.begin; ky < y.taps.end; ++ky) {
          for (int64_t kx = x.taps.begin; kx < (rows ? std::min(x.taps.begin + 1, x.taps.end) : x.taps.end); ++kx) {
            const int64_t tap = (kz * h_.kernel + ky) * v_.kernel + kx;
            list.segments.push_back(
                {c * channel_step_ + kz * slice_step_ + ky * h_.dilation * row_step_ + kx * v_.dilation * unit_,
                 c * unit_ * p_.taps + tap * each});
            list.tail += tail ? 1 : 0;
          }
        }
      }
    }
  }

  void copy(const float* x, int64_t oz, int64_t row, float* to) const {
    const int64_t blocks = ceil_div(p_.in_group, unit_), plane = h_.in * v_.in;
    for (int64_t c = 0; c < blocks; ++c) {
      for (int64_t z = 0; z < d_.kernel; ++z) {
        const int64_t iz = d_.start(oz) + z * d_.dilation;
        for (int64_t r = 0; r < band_rows_; ++r, to += row_step_) {
          const int64_t iy = h_.start(row) + r;
          if (iz < 0 || iz >= d_.in || iy < 0 || iy >= h_.in) {
            std::fill_n(to, row_step_, 0.0f);
            continue;
          }
          copy_padded_row(x + (c * p_.in_size + iz * plane + iy * v_.in) * unit_, v_, pitch_, unit_, to);
        }
      }
    }
  }

  void piece(const StepArgs& args, int64_t index, int64_t first, int64_t last, const float* bias, float* band) const {
    const int64_t along = ceil_div(v_.out, columns_), across = ceil_div(h_.out, rows_);
    const int64_t column = index % along * columns_, row = index / along % across * rows_,
                  oz = index / (along * across) % d_.out, image = index / bands_, n = image / p_.g.group,
                  group = image % p_.g.group;
    const int64_t column_end = std::min(v_.out, column + columns_), row_end = std::min(h_.out, row + rows_);
    const int64_t lanes = w_->lanes, blocks = w_->group_blocks(), in_blocks = ceil_div(p_.in_group, unit_);
    const float* x = args.input<float>(0) + (n * p_.g.group + group) * in_blocks * p_.in_size * unit_;
    if (copies_) {
      copy(x, oz, row, band);
      x = band - row * h_.stride * row_step_;
    } else {
      x += d_.start(oz) * h_.in * row_step_ - h_.pad_begin * row_step_ - v_.pad_begin * unit_;
    }
    const int64_t plane = p_.out_size * lanes, y0 = (n * p_.g.group + group) * blocks * plane;
    float* y = args.output<float>(0) + y0;
    const float* z = p_.residual(args) ? p_.residual(args) + y0 : nullptr;
    const size_t z_span = span_of(z_, oz);
    ConvTile t;
    t.x_step = v_.stride * unit_;
    t.k_step = w_->x_plain ? v_.dilation : 1;
    t.tail_depth = tail_depth_;
    t.y_block = plane;
    epilogue_.prepare(t);
    for (int64_t panel = first; panel < last; ++panel) {
      const int64_t block = 2 * panel, width = std::min<int64_t>(2, blocks - block);
      t.w = w_->data() + (group * blocks + block) * w_->depth() * lanes;
      t.bias = bias ? bias + (group * blocks + block) * lanes : nullptr;
      size_t y_span = span_of(y_, row);
      for (int64_t r = row; r < row_end; ++r) {
        if (r >= y_[y_span].to) ++y_span;
        const int64_t line = block * plane + (oz * h_.out + r) * v_.out * lanes;
        int64_t done = column;  // positions whose epilogue is done
        const auto finish = [&](int64_t to) {
          t.y = y + line + done * lanes;
          epilogue_.finish(t, z ? z + line + done * lanes : nullptr, group * blocks + block, width, to - done);
          done = to;
        };
        for (size_t k = 0; k < x_.size(); ++k) {
          const List& list = lists_[(z_span * y_.size() + y_span) * x_.size() + k];
          t.list = list.segments.data();
          t.tail_segments = list.tail;
          t.segments = static_cast<int64_t>(list.segments.size()) - list.tail;
          t.depth = list.depth;
          const int64_t begin = std::max(column, x_[k].from), count = std::min(column_end, x_[k].to) - begin;
          const int64_t tiles = ceil_div(count, kernels_.positions);
          for (int64_t i = 0; i < tiles; ++i) {
            const int64_t from = begin + count * i / tiles, to = begin + count * (i + 1) / tiles;
            t.x = x + r * h_.stride * row_step_ + from * t.x_step;
            t.y = y + line + from * lanes;
            t.z = epilogue_.adds_before() ? z + line + from * lanes : nullptr;
            kernels_.tile[width - 1][to - from - 1](t);
            if (to - done >= kFinishAtOnce) finish(to);
          }
        }
        if (column_end > done) finish(column_end);
      }
    }
  }

  static size_t span_of(const std::vector<Span>& spans, int64_t o) {
    size_t i = 0;
    while (spans[i].to <= o) ++i;
    return i;
  }

  ConvPlan p_;
  BlockedState w_;
  ConvTileKernels kernels_;
  BlockedEpilogue epilogue_;
  WindowAxis d_, h_, v_;
  bool copies_ = false;
  int64_t unit_ = 1;                            // floats of one position
  int64_t pitch_ = 0, rows_ = 0, columns_ = 0;  // positions of an input row; output rows and columns of a band
  int64_t band_rows_ = 0, bands_ = 0;           // input rows of a band; bands of an image
  int64_t row_step_ = 0, slice_step_ = 0, channel_step_ = 0;  // floats, in the input or the copy
  std::vector<Span> z_, y_, x_;
  std::vector<List> lists_;  // by span of each axis
  int64_t tail_depth_ = 0;
  size_t slots_ = 0, band_floats_ = 0, bias_floats_ = 0;
};

}  // namespace

ConvBound bind_blocked_direct(ConvPlan plan, BlockedState w) {
  return std::unique_ptr<BoundStep>(std::make_unique<BlockedDirect>(std::move(plan), std::move(w)));
}

}  // namespace anyrt::cpu
