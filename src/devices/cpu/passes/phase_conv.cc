#include "devices/cpu/passes/phase_conv.h"

#include <algorithm>

#include "opdef/attrs.h"
#include "opdef/blocked.h"
#include "opdef/window.h"

namespace anyrt::cpu {
namespace {

constexpr int64_t kMostPhases = 16;  // of both axes
constexpr int64_t kMostWaste = 4;    // times the products of the transposed convolution

// Output o = stride * q + phase sums input q + t over the taps k with stride * t = phase + pad - k * dilation.
struct Axis {
  int64_t phases = 1, first = 0, taps = 1;  // t = first .. first + taps - 1
  int64_t pad_end = 0, crop = 0;
  int64_t kernel = 1, dilation = 1, pad = 0;

  // The tap of the transposed kernel that meets t in this phase; -1: none.
  int64_t tap(int64_t phase, int64_t j) const {
    const int64_t rest = phase + pad - (first + j) * phases;
    return rest >= 0 && rest % dilation == 0 && rest / dilation < kernel ? rest / dilation : -1;
  }
};

std::optional<Axis> make_axis(const WindowAttrs& w, size_t i, int64_t output_padding) {
  Axis a;
  a.phases = w.strides[i];
  a.kernel = w.kernel[i];
  a.dilation = w.dilations[i];
  a.pad = w.pad_begin[i];
  int64_t least = INT64_MAX, most = INT64_MIN;
  for (int64_t phase = 0; phase < a.phases; ++phase) {
    for (int64_t k = 0; k < a.kernel; ++k) {
      const int64_t rest = phase + a.pad - k * a.dilation;
      if (rest % a.phases != 0) continue;
      least = std::min(least, rest / a.phases);
      most = std::max(most, rest / a.phases);
    }
  }
  if (least > most) return std::nullopt;
  a.first = least;
  a.taps = most - least + 1;
  // out = phases * in + more; there are in + extra positions of each phase.
  const int64_t more = output_padding + w.extent(i) - a.phases - w.pad_begin[i] - w.pad_end[i];
  const int64_t extra = more >= 0 ? (more + a.phases - 1) / a.phases : -(-more / a.phases);
  a.crop = (extra * a.phases) - more;
  a.pad_end = extra + a.first + a.taps - 1;
  if (a.first > 0 || a.pad_end < 0) return std::nullopt;
  return a;
}

}  // namespace

std::optional<PhaseConv> phase_conv(const Graph& graph, const Node& node, int64_t block) {
  if (!is_op(node, "ConvTranspose")) return std::nullopt;
  const AttrReader c(node);
  const ValueId w = node.inputs[1];
  if (!graph.value(w).is_constant() || dtype_of_value(graph, w) != DType::kFloat32) return std::nullopt;
  const Tensor& from = graph.value(w).constant;
  if (from.rank() != 4 || from.size() == 0 || c.i("group", 1) != 1 || !c.ints("output_shape").empty() ||
      (!c.s("auto_pad").empty() && c.s("auto_pad") != "NOTSET"))
    return std::nullopt;
  const auto windows = read_window_attrs(c, std::span(from.dims()).subspan(2));
  if (!windows.ok()) return std::nullopt;
  std::vector<int64_t> extra = c.ints("output_padding");
  if (extra.empty()) extra = {0, 0};
  if (extra.size() != 2) return std::nullopt;
  const auto h = make_axis(*windows, 0, extra[0]), v = make_axis(*windows, 1, extra[1]);
  if (!h || !v || h->phases * v->phases > kMostPhases) return std::nullopt;
  if (h->taps * v->taps * h->phases * v->phases > kMostWaste * h->kernel * v->kernel) return std::nullopt;

  PhaseConv p;
  p.rows = h->phases;
  p.columns = v->phases;
  p.crop_rows = h->crop;
  p.crop_columns = v->crop;
  p.channels = from.dim(1);
  p.pads = {-h->first, -v->first, h->pad_end, v->pad_end};
  const int64_t in = from.dim(0), each = block_count(p.channels, block) * block;
  Expected<Tensor> to = Tensor::make(DType::kFloat32, {p.rows * p.columns * each, in, h->taps, v->taps});
  if (!to.ok()) return std::nullopt;
  float* out = to->mutable_data<float>();
  std::fill_n(out, to->size(), 0.0f);
  for (int64_t phase = 0; phase < p.rows * p.columns; ++phase) {
    for (int64_t y = 0; y < h->taps; ++y) {
      for (int64_t x = 0; x < v->taps; ++x) {
        const int64_t ky = h->tap(phase / p.columns, y), kx = v->tap(phase % p.columns, x);
        if (ky < 0 || kx < 0) continue;
        for (int64_t m = 0; m < p.channels; ++m) {
          for (int64_t k = 0; k < in; ++k) {
            out[(((phase * each + m) * in + k) * h->taps + y) * v->taps + x] =
                from.data<float>()[((k * p.channels + m) * h->kernel + ky) * v->kernel + kx];
          }
        }
      }
    }
  }
  p.w = std::move(*to);
  return p;
}

Tensor phase_bias(const PhaseConv& p, const float* bias) {
  Tensor t = *Tensor::make(DType::kFloat32, {p.w.dim(0)});
  const int64_t phases = p.rows * p.columns, each = p.w.dim(0) / phases;
  float* to = t.mutable_data<float>();
  for (int64_t i = 0; i < p.w.dim(0); ++i) to[i] = i % each < p.channels ? bias[i % each] : 0.0f;
  return t;
}

}  // namespace anyrt::cpu
