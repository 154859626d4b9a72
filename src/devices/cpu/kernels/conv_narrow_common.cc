#include <algorithm>
#include <cstring>

#include "base/threads.h"
#include "devices/cpu/gemm/slots.h"
#include "devices/cpu/kernels/conv_common.h"

// Convolutions to few channels on plain values: vectors along the last axis, every loaded vector serves all outputs.

#ifndef ANYRT_CPU_CONV_NARROW_SHAPE_
#define ANYRT_CPU_CONV_NARROW_SHAPE_
namespace anyrt::cpu {
namespace {

constexpr int64_t kMostOutputs = 8;
constexpr int64_t kSlack = 64;  // floats that vectors may read beyond a row

// A row of the result: the sum over rows r and taps t of x[rows[r] + t * dilation + position] * w[(r * taps + t) * M +
// m].
struct NarrowRow {
  const float* x;
  const int64_t* rows;
  const float* const* w;  // of each row
  int64_t count, taps, dilation;
  float* y;  // channel 0
  int64_t channel, positions;
};

}  // namespace
}  // namespace anyrt::cpu
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/conv_narrow_common.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace anyrt::cpu::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

#define ANYRT_ROWS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)

// M outputs, V vectors of positions. The sums have names, since arrays of vectors are not always kept in registers.
template <int M, int V>
HWY_INLINE void tile(const NarrowRow& r, int64_t at) {
  const hn::ScalableTag<float> d;
  using Vec = hn::Vec<decltype(d)>;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
#define X(m) Vec a##m = hn::Zero(d), b##m = a##m, c##m = a##m;
  ANYRT_ROWS(X)
#undef X
  for (int64_t k = 0; k < r.count; ++k) {
    const float* x = r.x + r.rows[k] + at;
    const float* w = r.w[k];
    for (int64_t t = 0; t < r.taps; ++t, x += r.dilation, w += M) {
      const Vec x0 = hn::LoadU(d, x), x1 = V > 1 ? hn::LoadU(d, x + lanes) : x0,
                x2 = V > 2 ? hn::LoadU(d, x + 2 * lanes) : x0;
#define X(m)                                             \
  if constexpr (M > m) {                                 \
    const Vec f = hn::Set(d, w[m]);                      \
    a##m = hn::MulAdd(f, x0, a##m);                      \
    if constexpr (V > 1) b##m = hn::MulAdd(f, x1, b##m); \
    if constexpr (V > 2) c##m = hn::MulAdd(f, x2, c##m); \
  }
      ANYRT_ROWS(X)
#undef X
    }
  }
  const int64_t live = r.positions - at;
  HWY_ALIGN float rest[3 * hn::MaxLanes(hn::ScalableTag<float>())];
  const bool whole = live >= V * lanes;
#define X(m)                                                                     \
  if constexpr (M > m) {                                                         \
    float* y = r.y + m * r.channel + at;                                         \
    float* to = whole ? y : rest;                                                \
    hn::StoreU(a##m, d, to);                                                     \
    if constexpr (V > 1) hn::StoreU(b##m, d, to + lanes);                        \
    if constexpr (V > 2) hn::StoreU(c##m, d, to + 2 * lanes);                    \
    if (!whole) std::memcpy(y, rest, static_cast<size_t>(live) * sizeof(float)); \
  }
  ANYRT_ROWS(X)
#undef X
}
#undef ANYRT_ROWS

template <int M>
void row(const NarrowRow& r) {
  // As many sums as the registers hold beside three inputs and a weight.
#if HWY_TARGET == HWY_AVX3 || HWY_ARCH_ARM_A64 || HWY_ARCH_RVV
  constexpr int kVectors = 3;
#else
  constexpr int kVectors = M > 6 ? 1 : M > 4 ? 2 : 3;
#endif
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(hn::ScalableTag<float>()));
  const int64_t vectors = (r.positions + lanes - 1) / lanes, tiles = (vectors + kVectors - 1) / kVectors;
  for (int64_t i = 0; i < tiles; ++i) {
    const int64_t from = vectors * i / tiles, count = vectors * (i + 1) / tiles - from;
    if (count == 1) {
      tile<M, 1>(r, from * lanes);
    } else if (kVectors > 2 && count == 2) {
      tile<M, 2>(r, from * lanes);
    } else {
      tile<M, kVectors>(r, from * lanes);
    }
  }
}

void narrow_row(const NarrowRow& r, int64_t outputs) {
  switch (outputs) {
    case 1: return row<1>(r);
    case 2: return row<2>(r);
    case 3: return row<3>(r);
    case 4: return row<4>(r);
    case 5: return row<5>(r);
    case 6: return row<6>(r);
    case 7: return row<7>(r);
    default: return row<8>(r);
  }
}

}  // namespace
}  // namespace anyrt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace anyrt::cpu {
namespace {

HWY_EXPORT(narrow_row);

class ConvNarrow final : public BoundStep {
 public:
  explicit ConvNarrow(ConvPlan plan) : p_(std::move(plan)), f_(HWY_DYNAMIC_DISPATCH(narrow_row)) {
    const WindowAxes& axes = p_.g.axes;
    d_ = axes.size() > 2 ? axes[0] : WindowAxis();
    h_ = axes[axes.size() - 2];
    v_ = axes.back();
    const int64_t reach = v_.out - 1 + (v_.kernel - 1) * v_.dilation + 1;
    pitch_ = reach;
    weights_ = static_cast<size_t>(p_.g.out_channels * p_.in_group * p_.taps);
    input_ = static_cast<size_t>(p_.g.batch * p_.in_group * d_.in * h_.in * pitch_) + kSlack;
    most_ = static_cast<size_t>(p_.in_group * d_.kernel * h_.kernel);
    slots_ = slot_count();
    scratch_bytes =
        (weights_ + input_) * sizeof(float) + 16 + slots_ * most_ * (sizeof(int64_t) + sizeof(const float*));
  }

  Status run(const StepArgs& args) const override {
    auto* w = reinterpret_cast<float*>(args.scratch);
    const float* x = args.input<float>(0);
    const int64_t m = p_.g.out_channels, k = p_.in_group * p_.taps;
    for (int64_t i = 0; i < k; ++i) {
      for (int64_t o = 0; o < m; ++o) w[i * m + o] = args.input<float>(1)[o * k + i];
    }
    float* const padded = w + weights_;
    const int64_t lines = p_.g.batch * p_.in_group * d_.in * h_.in;
    // With zeros around, and room behind: vectors may read beyond a row.
    parallel_for(
        lines, 1 + 4096 / pitch_, [&](int64_t begin, int64_t end) { copy(x, padded, begin, end); }, args.threads);
    std::fill_n(padded + lines * pitch_, kSlack, 0.0f);
    const size_t lists = ((weights_ + input_) * sizeof(float) + 15) / 8 * 8;
    const EpilogueRun<float> run{&p_.epilogue, p_.bias(args), p_.residual(args), args.output<float>(0)};
    const GemmFinish finish = p_.epilogue.needed() ? epilogue_finish(run) : GemmFinish();
    Slots free(slots_);
    const int threads = std::min(args.threads > 0 ? args.threads : static_cast<int>(slots_), static_cast<int>(slots_));
    parallel_for(
        p_.g.batch * d_.out * h_.out, 1 + 20000 / (k * v_.out * m / 16 + 1),
        [&](int64_t begin, int64_t end) {
          const size_t slot = free.take();
          std::byte* own = args.scratch + lists + slot * most_ * (sizeof(int64_t) + sizeof(const float*));
          for (int64_t i = begin; i < end; ++i) {
            row(padded, w, i, reinterpret_cast<int64_t*>(own),
                reinterpret_cast<const float**>(own + most_ * sizeof(int64_t)), args.output<float>(0), finish);
          }
          free.give_back(slot);
        },
        threads);
    return {};
  }

 private:
  void copy(const float* x, float* to, int64_t begin, int64_t end) const {
    for (int64_t i = begin; i < end; ++i) copy_padded_row(x + i * v_.in, v_, pitch_, 1, to + i * pitch_);
  }

  void row(const float* x, const float* w, int64_t index, int64_t* rows, const float** weights, float* y,
           const GemmFinish& finish) const {
    const int64_t oy = index % h_.out, oz = index / h_.out % d_.out, image = index / (h_.out * d_.out),
                  m = p_.g.out_channels;
    NarrowRow r = {};
    for (int64_t c = 0; c < p_.in_group; ++c) {
      for (int64_t kz = 0; kz < d_.kernel; ++kz) {
        const int64_t iz = d_.start(oz) + kz * d_.dilation;
        if (iz < 0 || iz >= d_.in) continue;
        for (int64_t ky = 0; ky < h_.kernel; ++ky) {
          const int64_t iy = h_.start(oy) + ky * h_.dilation;
          if (iy < 0 || iy >= h_.in) continue;
          rows[r.count] = (((image * p_.in_group + c) * d_.in + iz) * h_.in + iy) * pitch_;
          weights[r.count++] = w + ((c * d_.kernel + kz) * h_.kernel + ky) * v_.kernel * m;
        }
      }
    }
    r.x = x;
    r.rows = rows;
    r.w = weights;
    r.taps = v_.kernel;
    r.dilation = v_.dilation;
    const int64_t at = (oz * h_.out + oy) * v_.out;
    r.y = y + image * m * p_.out_size + at;
    r.channel = p_.out_size;
    r.positions = v_.out;
    f_(r, m);
    if (finish.fn) finish.fn(finish.context, r.y, p_.out_size, image, 0, m, at, v_.out);
  }

  ConvPlan p_;
  void (*f_)(const NarrowRow&, int64_t);
  WindowAxis d_, h_, v_;
  int64_t pitch_ = 0;
  size_t weights_ = 0, input_ = 0, most_ = 0, slots_ = 0;  // floats; rows of the input that a row of the output reads
};

}  // namespace

bool narrow_pays(const ConvPlan& p) {
  const WindowAxis& v = p.g.axes.back();
  if (p.g.group != 1 || p.g.out_channels > kMostOutputs || p.g.axes.size() > 3 || v.stride != 1 || v.out < 16)
    return false;
  return p.taps > 1 && p.in_group * p.taps <= 4096;
}

ConvBound bind_narrow(ConvPlan plan) {
  return std::unique_ptr<BoundStep>(std::make_unique<ConvNarrow>(std::move(plan)));
}

}  // namespace anyrt::cpu
#endif
