#pragma once

#include <cstdint>

#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/window.h"

// Convolution by unfolding windows into columns and multiplying matrices; any number of spatial axes and groups.

namespace anyrt {

struct ConvGeometry {
  int64_t batch = 0, channels = 0, out_channels = 0, group = 1;
  WindowAxes axes;
  Dims out_dims;                                                       // [N, M, spatial…]
  int64_t in_size() const { return product(window_in_dims(axes)); }    // of one plane
  int64_t out_size() const { return product(window_out_dims(axes)); }  // of one plane
};

// From X [N, C, spatial…] and W [M, C / group, kernel…].
Expected<ConvGeometry> conv_geometry(const AttrReader& a, const Dims& x, const Dims& w);

// y = x (*) w without bias. T is float, double or uint32_t (whose sums wrap, as those of int32 do).
template <class T>
void convolve(EvalContext& c, const ConvGeometry& g, const T* x, const T* w, T* y);

// Adds bias[m] to every element of output plane m.
template <class T>
void add_channel_bias(const T* bias, int64_t batch, int64_t channels, int64_t plane, T* y) {
  for (int64_t i = 0; i < batch * channels; ++i) {
    const T b = bias[i % channels];
    for (int64_t k = 0; k < plane; ++k) y[i * plane + k] += b;
  }
}

// B must be [channels]; an undefined tensor is fine.
Status check_bias(const Tensor& bias, int64_t channels);

// Adds columns [taps first … first + count, windows] back into an image plane; the reverse of unfolding. `axes.in` is
// the image, taps count through the kernel in row-major order.
template <class T>
void fold_columns(const WindowAxes& axes, int64_t first, int64_t count, const T* columns, T* image) {
  const size_t rank = axes.size(), last = rank - 1;
  const Dims out_dims = window_out_dims(axes), strides = row_major_strides(window_in_dims(axes));
  const WindowAxis& w = axes[last];
  const int64_t windows = product(out_dims), row = w.out;
  if (windows == 0) return;
  const Dims outer(out_dims.begin(), out_dims.end() - 1);
  std::vector<int64_t> k(rank, 0);
  for (int64_t tap = first; tap < first + count; ++tap) {
    int64_t rest = tap;
    for (size_t a = rank; a-- > 0; rest /= axes[a].kernel) k[a] = rest % axes[a].kernel;
    std::vector<int64_t> pos(last, 0);
    const T* in = columns;
    do {
      int64_t offset = 0;
      bool inside = true;
      for (size_t a = 0; a < last; ++a) {
        const int64_t i = axes[a].start(pos[a]) + k[a] * axes[a].dilation;
        inside = inside && i >= 0 && i < axes[a].in;
        offset += i * strides[a];
      }
      if (inside) {
        int64_t i = k[last] * w.dilation - w.pad_begin;
        for (int64_t o = 0; o < row; ++o, i += w.stride) {
          if (i >= 0 && i < w.in) image[offset + i] += in[o];
        }
      }
      in += row;
    } while (next_index(pos, outer));
    columns += windows;
  }
}

// Output 0 of `dtype` from inputs `x` and `w`.
Status infer_conv(InferContext& c, size_t x, size_t w, DType dtype);

}  // namespace anyrt
