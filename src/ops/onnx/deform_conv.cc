#include <cmath>

#include "opdef/conv.h"
#include "opdef/matmul.h"
#include "opdef/upgrade_util.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kInputs[] = {
    {"X", "T", kRequiredParam, "[N, C, spatial…]"},
    {"W", "T", kRequiredParam, "[M, C / group, kernel…]"},
    {"offset", "T", kRequiredParam, "[N, offset_group * taps * spatial rank, windows…]: added to each tap's position"},
    {"B", "T", kOptionalParam, "[M]"},
    {"mask", "T", kOptionalParam, "[N, offset_group * taps, windows…]: factor of each tap; default 1"}};
constexpr Param kOutputs[] = {{"Y", "T", kRequiredParam, "[N, M, windows…]"}};
constexpr AttrDef kAttrs[] = {
    attr("dilations", AttrKind::kInts),
    int_attr("group", 1),
    attr("kernel_shape", AttrKind::kInts),
    int_attr("offset_group", 1).with_doc("groups of channels with offsets of their own"),
    attr("pads", AttrKind::kInts),
    attr("strides", AttrKind::kInts),
};

Status infer(InferContext& c) { return infer_conv(c, 0, 1, c.input_dtype(0)); }

// Linear interpolation of a plane at `at`; elements outside count as zero. `corner` is scratch of the spatial rank.
template <class T>
T sample(const T* plane, const Dims& dims, const Dims& strides, const T* at, std::vector<int64_t>& corner) {
  const size_t rank = dims.size();
  for (size_t a = 0; a < rank; ++a) {
    if (!(at[a] > -1 && at[a] < static_cast<T>(dims[a]))) return 0;
    corner[a] = static_cast<int64_t>(std::floor(at[a]));
  }
  T sum = 0;
  for (size_t bits = 0; bits < size_t{1} << rank; ++bits) {
    T weight = 1;
    int64_t offset = 0;
    for (size_t a = 0; a < rank; ++a) {
      const int64_t high = static_cast<int64_t>(bits >> a & 1), i = corner[a] + high;
      const T part = at[a] - static_cast<T>(corner[a]);
      weight = i < 0 || i >= dims[a] ? 0 : weight * (high ? part : 1 - part);
      offset += i * strides[a];
    }
    if (weight != 0) sum += weight * plane[offset];
  }
  return sum;
}

struct Inputs {
  Tensor x, w, offset, mask;
};

// Samples [first, last) of the channels of one image into columns [(channel, tap), window].
template <class T>
void unfold_deformed(const ConvGeometry& g, const Inputs& in, int64_t n, int64_t first, int64_t last, int64_t groups,
                     T* columns) {
  const size_t rank = g.axes.size();
  const Dims in_dims = window_in_dims(g.axes), out_dims = window_out_dims(g.axes), strides = row_major_strides(in_dims);
  const int64_t plane = product(in_dims), windows = product(out_dims), taps = kernel_size(g.axes);
  const int64_t spatial = static_cast<int64_t>(rank);
  std::vector<T> at(rank);
  std::vector<int64_t> corner(rank), k(rank);
  for (int64_t ch = first; ch < last; ++ch) {
    const T* x = in.x.data<T>() + (n * g.channels + ch) * plane;
    const int64_t og = ch / (g.channels / groups);
    for (int64_t tap = 0; tap < taps; ++tap) {
      int64_t rest = tap;
      for (size_t a = rank; a-- > 0; rest /= g.axes[a].kernel) k[a] = rest % g.axes[a].kernel;
      const int64_t row = (n * groups + og) * taps + tap;
      const T* shift = in.offset.data<T>() + row * spatial * windows;
      const T* factor = in.mask.defined() ? in.mask.data<T>() + row * windows : nullptr;
      std::vector<int64_t> pos(rank, 0);
      for (int64_t o = 0; o < windows; ++o, next_index(pos, out_dims)) {
        for (size_t a = 0; a < rank; ++a) {
          at[a] = static_cast<T>(g.axes[a].start(pos[a]) + k[a] * g.axes[a].dilation) +
                  shift[static_cast<int64_t>(a) * windows + o];
        }
        const T v = sample(x, in_dims, strides, at.data(), corner);
        *columns++ = factor ? v * factor[o] : v;
      }
    }
  }
}

Status check_shape(const Tensor& t, const char* name, const Dims& expected) {
  if (t.dims() == expected) return {};
  return invalid_argument("{} has shape {}, expected {}", name, shape_string(t.dims()), shape_string(expected));
}

Status eval(EvalContext& c) {
  const DType dtype = c.input(0).dtype(), compute = compute_dtype(dtype);
  ANYRT_ASSIGN(const ConvGeometry g, conv_geometry(c, c.input(0).dims(), c.input(1).dims()));
  ANYRT_TRY(check_bias(c.input(3), g.out_channels));
  const int64_t groups = c.i("offset_group"), taps = kernel_size(g.axes), spatial = static_cast<int64_t>(g.axes.size());
  if (groups < 1 || g.channels % groups != 0)
    return invalid_argument("offset_group {} does not divide {} channels", groups, g.channels);
  if (spatial > 8) return not_implemented("{} spatial axes", spatial);
  Dims per_tap = g.out_dims;
  per_tap[1] = groups * taps;
  if (c.has_input(4)) ANYRT_TRY(check_shape(c.input(4), "mask", per_tap));
  per_tap[1] *= spatial;
  ANYRT_TRY(check_shape(c.input(2), "offset", per_tap));
  Inputs in;
  ANYRT_ASSIGN(in.x, c.input_as(0, compute));
  ANYRT_ASSIGN(in.w, c.input_as(1, compute));
  ANYRT_ASSIGN(in.offset, c.input_as(2, compute));
  if (c.has_input(4)) {
    ANYRT_ASSIGN(in.mask, c.input_as(4, compute));
  }
  const int64_t windows = g.out_size(), in_channels = g.channels / g.group, out_channels = g.out_channels / g.group;
  ANYRT_ASSIGN(Tensor columns, Tensor::make(compute, {in_channels, taps, windows}));
  ANYRT_ASSIGN(Tensor y, Tensor::make(compute, g.out_dims));
  Tensor bias;
  if (c.has_input(3)) {
    ANYRT_ASSIGN(bias, c.input_as(3, compute));
  }
  dispatch<float, double>(compute, [&]<class T>(TypeTag<T>) {
    T* out = y.mutable_data<T>();
    const int64_t depth = in_channels * taps;
    for (int64_t i = 0; i < g.batch * g.group; ++i) {
      const int64_t n = i / g.group, group = i % g.group;
      c.parallel_for(in_channels, 1, [&](int64_t begin, int64_t end) {
        unfold_deformed(g, in, n, group * in_channels + begin, group * in_channels + end, groups,
                        columns.mutable_data<T>() + begin * taps * windows);
      });
      const MatrixRef<T> a{in.w.data<T>() + group * out_channels * depth, depth, 1};
      matmul(&c, out_channels, windows, depth, a, MatrixRef<T>{columns.data<T>(), windows, 1},
             out + i * out_channels * windows, windows);
    }
    if (bias.defined()) add_channel_bias(bias.data<T>(), g.batch, g.out_channels, windows, out);
  });
  return c.set_output_as(0, y, dtype);
}

}  // namespace

extern const OpDef op_onnx_deform_conv = {
    .name = "DeformConv",
    .since = 22,
    .first = 19,
    .doc = "Convolution whose taps are moved by offsets, and weighted by a mask, that the model computes.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : f32[1,1,1,3]{1 2 4}, f32[1,1,1,1]{10}, f32[1,2,1,3]{0 0 0 0.5 0.5 0.5} -> f32[1,1,1,3]{15 30 20}
      : f32[1,1,1,2]{1 2}, f32[1,1,1,1]{1}, f32[1,2,1,2]{0 0 -1 -1}, f32[1]{0.5}, f32[1,1,1,2]{1 3} -> f32[1,1,1,2]{0.5 3.5}
      group=2 offset_group=2 pads=[1,1,1,1] : f32[1,4,3,3]{rand:1}, f32[2,2,3,3]{rand:2}, f32[1,36,3,3]{rand:3} -> ?
      : f16[1,1,4]{rand:1}, f16[1,1,2]{rand:2}, f16[1,2,3]{rand:3} -> ?
      : f32[1,1,1,3]{1 2 4}, f32[1,1,1,1]{10}, f32[1,1,1,3]{0 0 0} -> !offset has shape
    )"),
};

}  // namespace anyrt
