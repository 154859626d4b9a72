#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"
#include "opdef/attrs.h"
#include "opdef/rewrite.h"
#include "opdef/shape_util.h"
#include "tensor/dim.h"

// Sliding windows over the spatial axes: what convolutions, pools and their reverses share.

namespace anyrt {

enum class AutoPad : uint8_t { kNotSet, kValid, kSameUpper, kSameLower };

// Attributes kernel_shape, strides, dilations, pads, auto_pad and ceil_mode: checked, defaults filled in, one entry an
// axis.
struct WindowAttrs {
  std::vector<int64_t> kernel, strides, dilations, pad_begin, pad_end;
  AutoPad auto_pad = AutoPad::kNotSet;
  bool ceil_mode = false;
  // Pools centre windows that are smaller than their stride, convolutions start them at the first element.
  bool centre = false;
  size_t rank() const { return kernel.size(); }
  int64_t extent(size_t axis) const { return (kernel[axis] - 1) * dilations[axis] + 1; }  // from first to last tap
};

// `kernel` comes from the weights; when it is empty, attribute kernel_shape must be there. Where both are, they agree.
Expected<WindowAttrs> read_window_attrs(const AttrReader& a, std::span<const int64_t> kernel = {});

// One spatial axis with everything resolved: output `o` reads inputs o * stride - pad_begin + k * dilation.
struct WindowAxis {
  int64_t in = 1, out = 1, kernel = 1, stride = 1, dilation = 1, pad_begin = 0, pad_end = 0;
  int64_t start(int64_t o) const { return o * stride - pad_begin; }
};
using WindowAxes = std::vector<WindowAxis>;

// Paddings and output sizes for an input of these spatial sizes.
Expected<WindowAxes> make_windows(const WindowAttrs& attrs, std::span<const int64_t> spatial);
// The output size of one axis; unknown where it cannot be told.
Dim window_output_dim(const WindowAttrs& attrs, size_t axis, const Dim& in);

Dims window_in_dims(const WindowAxes& axes);
Dims window_out_dims(const WindowAxes& axes);
int64_t kernel_size(const WindowAxes& axes);

// Kernel taps [begin, end) of output `o` whose inputs lie in [0, limit).
struct TapRange {
  int64_t begin, end;
};
inline TapRange taps_inside(const WindowAxis& w, int64_t o, int64_t limit) {
  const int64_t start = w.start(o), d = w.dilation;
  const int64_t begin = start >= 0 ? 0 : (-start + d - 1) / d;
  const int64_t end = limit <= start ? 0 : std::min(w.kernel, (limit - start + d - 1) / d);
  return {std::min(begin, w.kernel), std::max(std::min(begin, w.kernel), end)};
}

// Walks the windows of one plane in row-major order: begin(); tap(input offset) for every tap inside the input;
// end(output offset, output position).
template <class Begin, class Tap, class End>
void for_each_window(const WindowAxes& axes, const Begin& begin, const Tap& tap, const End& end) {
  const size_t rank = axes.size(), last = rank - 1;
  const Dims out_dims = window_out_dims(axes), in_strides = row_major_strides(window_in_dims(axes));
  if (product(out_dims) == 0) return;
  std::vector<int64_t> pos(rank, 0), k(rank, 0);
  std::vector<TapRange> range(rank);
  int64_t out = 0;
  do {
    begin();
    bool empty = false;
    for (size_t a = 0; a < rank; ++a) {
      range[a] = taps_inside(axes[a], pos[a], axes[a].in);
      k[a] = range[a].begin;
      empty = empty || range[a].begin >= range[a].end;
    }
    const WindowAxis& w = axes[last];
    while (!empty) {
      int64_t offset = w.start(pos[last]);
      for (size_t a = 0; a < last; ++a) {
        offset += (axes[a].start(pos[a]) + k[a] * axes[a].dilation) * in_strides[a];
      }
      for (int64_t t = range[last].begin; t < range[last].end; ++t) tap(offset + t * w.dilation);
      size_t a = last;
      while (a-- > 0) {
        if (++k[a] < range[a].end) break;
        k[a] = range[a].begin;
      }
      empty = a == static_cast<size_t>(-1);
    }
    end(out++, pos);
  } while (next_index(pos, out_dims));
}

// Shape inference of the pools: [N, C, windows…] in output 0 (and 1, as int64, where the node has it).
Status infer_pool(InferContext& c);
// Shape inference of the global pools: [N, C, 1…].
Status infer_global_pool(InferContext& c);
// Checks a pool's input and resolves its windows.
Expected<WindowAxes> pool_windows(const AttrReader& a, const Dims& x);
// Opset 1 of the Lp pools held attribute p as a float.
Status upgrade_lp_norm(RewriteContext& c);
// Older pools know fewer attributes (opset by opset: ceil_mode, dilations, storage_order, count_include_pad): those
// that hold their default are dropped, others make the older form impossible.
Status downgrade_pool(RewriteContext& c);

}  // namespace anyrt
