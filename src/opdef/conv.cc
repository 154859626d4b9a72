#include "opdef/conv.h"

#include <algorithm>

#include "opdef/matmul.h"

namespace anyrt {
namespace {

// The part of one output row that a tile of columns covers.
struct Segment {
  int64_t begin, end;  // output indices on the last axis
  int64_t column;      // where it starts in the tile
};

// Fills rows of windows [first, last) for `channels` planes: columns[(c, k)][window].
template <class T>
void unfold(const WindowAxes& axes, const T* x, int64_t channels, int64_t first, int64_t last, T* columns) {
  const size_t rank = axes.size(), inner = rank - 1;
  const Dims in_dims = window_in_dims(axes), out_dims = window_out_dims(axes), strides = row_major_strides(in_dims);
  const int64_t plane = product(in_dims), row = out_dims[inner], width = last - first;
  const WindowAxis& w = axes[inner];
  Dims kernel;
  for (const WindowAxis& a : axes) kernel.push_back(a.kernel);

  // Input positions of tap 0 on the outer axes, one group of `inner` numbers a segment.
  std::vector<Segment> segments;
  std::vector<int64_t> origins;
  for (int64_t p = first; p < last;) {
    const int64_t begin = p % row, end = std::min(row, begin + (last - p));
    segments.push_back({begin, end, p - first});
    int64_t rest = p / row;
    origins.resize(origins.size() + inner);
    for (size_t a = inner; a-- > 0;) {
      origins[origins.size() - inner + a] = axes[a].start(rest % out_dims[a]);
      rest /= out_dims[a];
    }
    p += end - begin;
  }

  for (int64_t ch = 0; ch < channels; ++ch, x += plane) {
    std::vector<int64_t> k(rank, 0);
    do {
      const int64_t shift = k[inner] * w.dilation - w.pad_begin;
      // Outputs [lo, hi) of the last axis read inside the input.
      const int64_t lo = shift >= 0 ? 0 : (-shift + w.stride - 1) / w.stride;
      const int64_t hi = w.in <= shift ? 0 : (w.in - shift + w.stride - 1) / w.stride;
      for (size_t s = 0; s < segments.size(); ++s) {
        const Segment& seg = segments[s];
        T* out = columns + seg.column;
        int64_t offset = shift;
        bool inside = true;
        for (size_t a = 0; a < inner; ++a) {
          const int64_t i = origins[s * inner + a] + k[a] * axes[a].dilation;
          inside = inside && i >= 0 && i < in_dims[a];
          offset += i * strides[a];
        }
        const int64_t from = inside ? std::clamp(lo, seg.begin, seg.end) : seg.end;
        const int64_t to = inside ? std::clamp(hi, from, seg.end) : seg.end;
        std::fill(out, out + (from - seg.begin), T(0));
        if (w.stride == 1) {
          if (from < to) std::copy_n(x + offset + from, to - from, out + (from - seg.begin));
        } else {
          for (int64_t o = from; o < to; ++o) out[o - seg.begin] = x[offset + o * w.stride];
        }
        std::fill(out + (to - seg.begin), out + (seg.end - seg.begin), T(0));
      }
      columns += width;
    } while (next_index(k, kernel));
  }
}

// True when the columns are the input itself.
bool is_pointwise(const WindowAxes& axes) {
  return std::all_of(axes.begin(), axes.end(), [](const WindowAxis& w) {
    return w.kernel == 1 && w.stride == 1 && w.pad_begin == 0 && w.pad_end == 0;
  });
}

// One input and one output channel a group: sums of shifted rows, no columns needed.
template <class T>
void convolve_depthwise(const WindowAxes& axes, const T* x, const T* weights, T* y) {
  const size_t rank = axes.size(), last = rank - 1;
  const Dims out_dims = window_out_dims(axes), strides = row_major_strides(window_in_dims(axes));
  const WindowAxis& w = axes[last];
  std::fill_n(y, product(out_dims), T(0));
  if (product(out_dims) == 0) return;
  Dims kernel;
  for (const WindowAxis& a : axes) kernel.push_back(a.kernel);
  const Dims outer(out_dims.begin(), out_dims.end() - 1);
  std::vector<int64_t> pos(last, 0);
  do {
    std::vector<int64_t> k(rank, 0);
    const T* weight = weights;
    do {
      const T factor = *weight++;
      int64_t offset = k[last] * w.dilation - w.pad_begin;
      const int64_t lo = offset >= 0 ? 0 : (-offset + w.stride - 1) / w.stride;
      const int64_t hi = w.in <= offset ? 0 : std::min(w.out, (w.in - offset + w.stride - 1) / w.stride);
      bool inside = true;
      for (size_t a = 0; a < last; ++a) {
        const int64_t i = axes[a].start(pos[a]) + k[a] * axes[a].dilation;
        inside = inside && i >= 0 && i < axes[a].in;
        offset += i * strides[a];
      }
      if (!inside) continue;
      if (w.stride == 1) {
        for (int64_t o = lo; o < hi; ++o) y[o] += factor * x[offset + o];
      } else {
        for (int64_t o = lo; o < hi; ++o) y[o] += factor * x[offset + o * w.stride];
      }
    } while (next_index(k, kernel));
    y += w.out;
  } while (next_index(pos, outer));
}

}  // namespace

template <class T>
void convolve(EvalContext& c, const ConvGeometry& g, const T* x, const T* w, T* y) {
  const int64_t in_size = g.in_size(), out_size = g.out_size();
  const int64_t in_channels = g.channels / g.group, out_channels = g.out_channels / g.group;
  if (out_size == 0 || out_channels == 0 || g.batch == 0) return;
  if (in_channels == 1 && out_channels == 1) {
    const int64_t taps = kernel_size(g.axes);
    c.parallel_for(g.batch * g.group, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        convolve_depthwise(g.axes, x + i * in_size, w + i % g.group * taps, y + i * out_size);
      }
    });
    return;
  }
  const int64_t depth = in_channels * kernel_size(g.axes);
  const bool pointwise = is_pointwise(g.axes);
  // Tiles of output positions whose columns stay within a few megabytes.
  const int64_t tile =
      pointwise ? out_size : std::clamp<int64_t>((int64_t{1} << 19) / std::max<int64_t>(depth, 1), 64, 4096);
  std::vector<T> columns(pointwise ? 0 : static_cast<size_t>(depth * std::min(tile, out_size)));
  for (int64_t i = 0; i < g.batch * g.group; ++i) {
    const T* in = x + i * in_channels * in_size;
    const T* weights = w + i % g.group * out_channels * depth;
    T* out = y + i * out_channels * out_size;
    for (int64_t first = 0; first < out_size; first += tile) {
      const int64_t n = std::min(tile, out_size - first);
      if (!pointwise) {
        const int64_t taps = depth / std::max<int64_t>(in_channels, 1);
        c.parallel_for(in_channels, 4, [&](int64_t begin, int64_t end) {
          unfold(g.axes, in + begin * in_size, end - begin, first, first + n, columns.data() + begin * taps * n);
        });
      }
      const MatrixRef<T> a{weights, depth, 1}, b{pointwise ? in : columns.data(), pointwise ? out_size : n, 1};
      matmul(&c, out_channels, n, depth, a, b, out + first, out_size);
    }
  }
}

template void convolve(EvalContext&, const ConvGeometry&, const float*, const float*, float*);
template void convolve(EvalContext&, const ConvGeometry&, const double*, const double*, double*);
template void convolve(EvalContext&, const ConvGeometry&, const uint32_t*, const uint32_t*, uint32_t*);

Expected<ConvGeometry> conv_geometry(const AttrReader& a, const Dims& x, const Dims& w) {
  if (x.size() < 3 || w.size() != x.size()) {
    return invalid_argument("X and W must have the same rank of 3 or more, found {} and {}", shape_string(x),
                            shape_string(w));
  }
  ConvGeometry g;
  g.batch = x[0];
  g.channels = x[1];
  g.out_channels = w[0];
  g.group = a.i("group", 1);
  if (g.group < 1 || g.out_channels % g.group != 0) {
    return invalid_argument("{} output channels cannot be split into {} groups", g.out_channels, g.group);
  }
  if (g.channels % g.group != 0 || g.channels / g.group != w[1]) {
    return invalid_argument("X has {} channels and group is {}, but W {} reads {} channels a group", g.channels,
                            g.group, shape_string(w), w[1]);
  }
  ANYRT_ASSIGN(const WindowAttrs attrs, read_window_attrs(a, std::span(w).subspan(2)));
  ANYRT_ASSIGN(g.axes, make_windows(attrs, std::span(x).subspan(2)));
  g.out_dims = window_out_dims(g.axes);
  g.out_dims.insert(g.out_dims.begin(), {g.batch, g.out_channels});
  return g;
}

Status check_bias(const Tensor& bias, int64_t channels) {
  if (!bias.defined() || (bias.rank() == 1 && bias.dim(0) == channels)) return {};
  return invalid_argument("the bias must have shape [{}], found {}", channels, shape_string(bias.dims()));
}

Status infer_conv(InferContext& c, size_t x, size_t w, DType dtype) {
  c.set_output(0, dtype);
  const SymShape* xs = c.input_shape(x);
  const SymShape* ws = c.input_shape(w);
  if (xs && xs->size() < 3) return invalid_model("X has rank {}, expected 3 or more", xs->size());
  if (xs && ws && xs->size() != ws->size()) {
    return invalid_model("X has rank {}, W has rank {}: expected the same", xs->size(), ws->size());
  }
  const size_t rank = xs ? xs->size() : ws ? ws->size() : 0;
  if (rank < 3) return {};
  std::vector<int64_t> kernel;
  if (ws) {
    const std::optional<Dims> dims = to_dims(SymShape(ws->begin() + 2, ws->end()));
    if (dims) kernel = *dims;
  }
  SymShape out(rank);
  if (xs) out[0] = (*xs)[0];
  if (ws) out[1] = (*ws)[0];
  if (xs && ws) {
    const Dim &have = (*xs)[1], &want = (*ws)[1];
    if (have.is_const() && want.is_const() && have.value() != want.value() * c.i("group", 1)) {
      return invalid_model("X has {} channels, W {} with group {} reads {}", have.value(), shape_string(*ws),
                           c.i("group", 1), want.value() * c.i("group", 1));
    }
  }
  if (!kernel.empty() || !c.ints("kernel_shape").empty()) {
    ANYRT_ASSIGN(const WindowAttrs attrs, read_window_attrs(c, kernel));
    if (attrs.rank() + 2 != rank) {
      return invalid_model("X has rank {}, kernel_shape has {} entries", rank, attrs.rank());
    }
    for (size_t i = 0; i < attrs.rank(); ++i) out[i + 2] = window_output_dim(attrs, i, xs ? (*xs)[i + 2] : Dim());
  }
  c.set_output(0, dtype, std::move(out));
  return {};
}

}  // namespace anyrt
