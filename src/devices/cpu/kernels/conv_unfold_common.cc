#include <algorithm>
#include <cstring>

#include "base/threads.h"
#include "devices/cpu/gemm/slots.h"
#include "devices/cpu/kernels/conv_common.h"

namespace anyrt::cpu {
namespace {

constexpr int64_t kPanelBytes = 384 << 10;  // unfolded at once: it stays in the second-level cache
constexpr int64_t kMostPanels = 8;

// Windows that follow each other along the last axis: `count` columns of a panel from column `at`.
struct Run {
  int64_t at, count, position;
  std::vector<int64_t> outer;  // output position on the other axes
};

// Panels of unfolded windows: row (channel, tap) holds what the tap sees in each of the panel's windows.
class Unfolder {
 public:
  Unfolder(const ConvPlan& p, int64_t width) : width_(width), axes_(p.g.axes), channels_(p.in_group), taps_(p.taps) {
    in_strides_ = row_major_strides(window_in_dims(axes_));
    in_size_ = p.in_size;
    const Dims out = window_out_dims(axes_);
    const int64_t row = out.back(), panels = (p.out_size + width - 1) / width;
    runs_.resize(static_cast<size_t>(panels));
    for (int64_t j = 0; j < p.out_size;) {
      Run run;
      run.at = j % width;
      run.position = j % row;
      run.count = std::min({width - run.at, row - run.position, p.out_size - j});
      int64_t rest = j / row;
      run.outer.resize(out.size() - 1);
      for (size_t a = out.size() - 1; a-- > 0; rest /= out[a]) run.outer[a] = rest % out[a];
      runs_[static_cast<size_t>(j / width)].push_back(run);
      j += run.count;
    }
    for (int64_t t = 0; t < taps_; ++t) {
      std::vector<int64_t> k(axes_.size());
      int64_t rest = t;
      for (size_t a = axes_.size(); a-- > 0; rest /= axes_[a].kernel) k[a] = rest % axes_[a].kernel * axes_[a].dilation;
      offsets_.push_back(std::move(k));
    }
  }

  int64_t panels() const { return static_cast<int64_t>(runs_.size()); }

  void unfold(const float* x, int64_t panel, float* to) const {
    const std::vector<Run>& runs = runs_[static_cast<size_t>(panel)];
    const Run& last = runs.back();
    const int64_t step = taps_ * width_;
    if (last.at + last.count < width_) {
      for (int64_t r = 0; r < channels_ * taps_; ++r)
        std::fill(to + r * width_ + last.at + last.count, to + (r + 1) * width_, 0.0f);
    }
    for (int64_t t = 0; t < taps_; ++t) {
      for (const Run& run : runs) place(x, run, offsets_[static_cast<size_t>(t)], to + t * width_ + run.at, step);
    }
  }

 private:
  // One run of windows, one tap, all channels.
  void place(const float* x, const Run& run, const std::vector<int64_t>& tap, float* to, int64_t step) const {
    const size_t last = axes_.size() - 1;
    const WindowAxis& w = axes_[last];
    int64_t from = 0;
    bool inside = true;
    for (size_t a = 0; a < last; ++a) {
      const int64_t i = axes_[a].start(run.outer[a]) + tap[a];
      inside = inside && i >= 0 && i < axes_[a].in;
      from += i * in_strides_[a];
    }
    const int64_t first = w.start(run.position) + tap[last], n = run.count;
    int64_t begin = 0, end = n;  // columns whose input exists
    if (!inside) {
      end = 0;
    } else {
      if (first < 0) begin = std::min(n, (-first + w.stride - 1) / w.stride);
      if (first + (n - 1) * w.stride >= w.in)
        end = w.in <= first ? begin : std::max(begin, (w.in - 1 - first) / w.stride + 1);
    }
    const float* source = x + from + first;
    if (begin == 0 && end == n && w.stride == 1 && n == 32) {
      for (int64_t c = 0; c < channels_; ++c) std::memcpy(to + c * step, source + c * in_size_, 32 * sizeof(float));
      return;
    }
    if (begin == 0 && end == n && w.stride == 1 && n == 16) {
      for (int64_t c = 0; c < channels_; ++c) std::memcpy(to + c * step, source + c * in_size_, 16 * sizeof(float));
      return;
    }
    for (int64_t c = 0; c < channels_; ++c) {
      float* row = to + c * step;
      const float* in = source + c * in_size_;
      for (int64_t i = 0; i < begin; ++i) row[i] = 0;
      if (w.stride == 1) {
        for (int64_t i = begin; i < end; ++i) row[i] = in[i];
      } else if (w.stride == 2) {
        for (int64_t i = begin; i < end; ++i) row[i] = in[2 * i];
      } else {
        for (int64_t i = begin; i < end; ++i) row[i] = in[i * w.stride];
      }
      for (int64_t i = std::max(begin, end); i < n; ++i) row[i] = 0;
    }
  }

  int64_t width_;
  WindowAxes axes_;
  int64_t channels_, taps_, in_size_ = 0;
  Dims in_strides_;
  std::vector<std::vector<Run>> runs_;
  std::vector<std::vector<int64_t>> offsets_;  // by tap and axis
};

}  // namespace

ConvBound bind_unfolded(ConvPlan plan) {
  const GemmKernels kernels = gemm_kernels_f32();
  Unfolder unfolder(plan, kernels.panel);
  const int64_t k = plan.in_group * plan.taps, panels = unfolder.panels(), images = plan.g.batch * plan.g.group;
  int64_t at_once = std::clamp<int64_t>(kPanelBytes / (k * kernels.panel * 4), 1, kMostPanels);
  // Enough pieces for the threads.
  while (at_once > 1 && images * ((panels + at_once - 1) / at_once) < 8) --at_once;
  const int64_t pieces = (panels + at_once - 1) / at_once;
  const size_t b_floats = static_cast<size_t>(at_once * kernels.panel * k);
  GemmBlock whole;
  whole.m = plan.out_group;
  whole.n = at_once * kernels.panel;
  whole.k = k;
  whole.a_row = k;
  const bool packs_a = gemm_packs_a(whole, kernels, sizeof(float));
  const size_t a_floats = packs_a ? static_cast<size_t>(kGemmRowBlock * (kGemmDepth + kGemmRowPad)) : 0;
  const size_t slots = slot_count(), each = b_floats + a_floats;
  return bound_step(
      [=, plan = std::move(plan), unfolder = std::move(unfolder)](const StepArgs& args) {
        const float *x = args.input<float>(0), *w = args.input<float>(1);
        float* y = args.output<float>(0);
        const EpilogueRun<float> run{&plan.epilogue, plan.bias(args), plan.residual(args), y};
        const GemmFinish finish = plan.epilogue.needed() ? epilogue_finish(run) : GemmFinish();
        const auto piece = [&](int64_t index, float* scratch) {
          const int64_t image = index / pieces, group = image % plan.g.group;
          const int64_t first = index % pieces * at_once, last = std::min(panels, first + at_once);
          for (int64_t p = first; p < last; ++p)
            unfolder.unfold(x + image * plan.in_group * plan.in_size, p, scratch + (p - first) * kernels.panel * k);
          GemmBlock b;
          b.m = plan.out_group;
          b.col = first * kernels.panel;
          b.n = std::min(plan.out_size, last * kernels.panel) - b.col;
          b.k = k;
          b.a = w + group * plan.out_group * k;
          b.a_row = k;
          b.b_form = GemmB::kPanels;
          b.b = scratch;
          b.c = y + image * plan.out_group * plan.out_size + b.col;
          b.c_row = plan.out_size;
          b.thin = plan.out_group <= kGemmThinRows;
          b.row = group * plan.out_group;
          b.finish = finish;
          if (packs_a && gemm_packs_a(b, kernels, sizeof(float))) b.a_scratch = scratch + b_floats;
          kernels.multiply(b);
        };
        auto* scratch = reinterpret_cast<float*>(args.scratch);
        const int64_t total = images * pieces;
        Slots free(slots);
        const int threads =
            std::min(args.threads > 0 ? args.threads : static_cast<int>(slots), static_cast<int>(slots));
        const int64_t work = plan.out_group * k * at_once * kernels.panel;
        parallel_for(
            total, std::max<int64_t>(1, 200000 / work),
            [&](int64_t begin, int64_t end) {
              const size_t slot = free.take();
              for (int64_t i = begin; i < end; ++i) piece(i, scratch + slot * each);
              free.give_back(slot);
            },
            threads);
        return Status();
      },
      slots * each * sizeof(float));
}

}  // namespace anyrt::cpu
