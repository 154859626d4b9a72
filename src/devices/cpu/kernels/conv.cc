#include "opdef/conv.h"

#include <algorithm>
#include <vector>

#include "devices/cpu/kernel.h"
#include "devices/cpu/kernels/gemm_common.h"

namespace anyrt::cpu {
namespace {

// Windows of one plane written as columns [taps, windows]: row t holds what tap t of the kernel sees in each window.
void unfold(const WindowAxes& axes, const float* plane, float* columns) {
  const size_t rank = axes.size(), last = rank - 1;
  const Dims out_dims = window_out_dims(axes), strides = row_major_strides(window_in_dims(axes));
  const WindowAxis& w = axes[last];
  const Dims outer(out_dims.begin(), out_dims.end() - 1);
  const int64_t taps = kernel_size(axes);
  std::vector<int64_t> k(rank, 0), pos(last, 0);
  for (int64_t tap = 0; tap < taps; ++tap) {
    int64_t rest = tap;
    for (size_t a = rank; a-- > 0; rest /= axes[a].kernel) k[a] = rest % axes[a].kernel;
    std::fill(pos.begin(), pos.end(), 0);
    do {
      int64_t offset = 0;
      bool inside = true;
      for (size_t a = 0; a < last; ++a) {
        const int64_t i = axes[a].start(pos[a]) + k[a] * axes[a].dilation;
        inside = inside && i >= 0 && i < axes[a].in;
        offset += i * strides[a];
      }
      int64_t i = k[last] * w.dilation - w.pad_begin;
      if (!inside) {
        std::fill_n(columns, w.out, 0.0f);
      } else if (w.stride == 1) {
        const int64_t begin = std::clamp<int64_t>(-i, 0, w.out), end = std::clamp<int64_t>(w.in - i, begin, w.out);
        std::fill_n(columns, begin, 0.0f);
        std::copy_n(plane + offset + i + begin, end - begin, columns + begin);
        std::fill_n(columns + end, w.out - end, 0.0f);
      } else {
        for (int64_t o = 0; o < w.out; ++o, i += w.stride) columns[o] = i >= 0 && i < w.in ? plane[offset + i] : 0.0f;
      }
      columns += w.out;
    } while (next_index(pos, outer));
  }
}

// One input channel to one output channel in two dimensions: taps are added row by row.
void depthwise_plane(const WindowAxes& axes, const float* plane, const float* kernel, float bias, float* y) {
  const WindowAxis &h = axes[0], &w = axes[1];
  std::fill_n(y, h.out * w.out, bias);
  for (int64_t oy = 0; oy < h.out; ++oy) {
    float* row = y + oy * w.out;
    for (int64_t ky = 0; ky < h.kernel; ++ky) {
      const int64_t iy = h.start(oy) + ky * h.dilation;
      if (iy < 0 || iy >= h.in) continue;
      const float* in = plane + iy * w.in;
      for (int64_t kx = 0; kx < w.kernel; ++kx) {
        const float tap = kernel[ky * w.kernel + kx];
        const int64_t shift = kx * w.dilation - w.pad_begin;
        // Windows whose tap lies inside: 0 <= o * stride + shift < in.
        const int64_t begin = shift >= 0 ? 0 : std::min(w.out, (-shift + w.stride - 1) / w.stride);
        const int64_t end = shift >= w.in ? begin : std::max(begin, std::min(w.out, (w.in - 1 - shift) / w.stride + 1));
        if (w.stride == 1) {
          for (int64_t o = begin; o < end; ++o) row[o] += tap * in[o + shift];
        } else {
          for (int64_t o = begin; o < end; ++o) row[o] += tap * in[o * w.stride + shift];
        }
      }
    }
  }
}

bool is_pointwise(const WindowAxes& axes) {
  return std::all_of(axes.begin(), axes.end(), [](const WindowAxis& w) {
    return w.kernel == 1 && w.stride == 1 && w.pad_begin == 0 && w.pad_end == 0;
  });
}

Status run_conv(EvalContext& c, const void*) {
  const Tensor &x = c.input(0), &w = c.input(1);
  ANYRT_ASSIGN(const ConvGeometry g, conv_geometry(c, x.dims(), w.dims()));
  ANYRT_TRY(check_bias(c.input(2), g.out_channels));
  const float* bias = c.has_input(2) ? c.input(2).data<float>() : nullptr;
  ANYRT_ASSIGN(Tensor * y, c.output(0, DType::kFloat32, g.out_dims));
  const int64_t in_size = g.in_size(), out_size = g.out_size(), taps = kernel_size(g.axes);
  if (y->size() == 0) return {};
  const int64_t in_group = g.channels / g.group, out_group = g.out_channels / g.group;
  if (in_group == 1 && out_group == 1 && g.axes.size() == 2) {
    c.parallel_for(g.batch * g.channels, 1 + 16384 / std::max<int64_t>(1, out_size * taps),
                   [&](int64_t begin, int64_t end) {
                     for (int64_t i = begin; i < end; ++i) {
                       const int64_t channel = i % g.channels;
                       depthwise_plane(g.axes, x.data<float>() + i * in_size, w.data<float>() + channel * taps,
                                       bias ? bias[channel] : 0.0f, y->mutable_data<float>() + i * out_size);
                     }
                   });
    return {};
  }
  const bool pointwise = is_pointwise(g.axes);
  ANYRT_ASSIGN(Tensor columns, Tensor::make(DType::kFloat32, {pointwise ? 0 : in_group * taps * out_size}));
  for (int64_t i = 0; i < g.batch * g.group; ++i) {
    const int64_t group = i % g.group;
    const float* image = x.data<float>() + i * in_group * in_size;
    if (!pointwise) {
      c.parallel_for(in_group, 1 + 16384 / std::max<int64_t>(1, taps * out_size), [&](int64_t begin, int64_t end) {
        for (int64_t k = begin; k < end; ++k)
          unfold(g.axes, image + k * in_size, columns.mutable_data<float>() + k * taps * out_size);
      });
    }
    GemmArgs m;
    m.m = out_group;
    m.n = out_size;
    m.k = in_group * taps;
    m.a = w.data<float>() + group * out_group * m.k;
    m.a_row = m.k;
    m.b = pointwise ? image : columns.data<float>();
    m.b_row = out_size;
    m.y = y->mutable_data<float>() + i * out_group * out_size;
    m.y_row = out_size;
    m.row_bias = bias ? bias + group * out_group : nullptr;
    f32_gemm(c, m);
  }
  return {};
}

constexpr KernelRow kRows[] = {
    {.kernel = "f32_conv_im2col", .op = "Conv", .dtypes = DType::kFloat32, .run = run_conv},
};

}  // namespace

extern const KernelTable kernels_conv = {kRows};

}  // namespace anyrt::cpu
