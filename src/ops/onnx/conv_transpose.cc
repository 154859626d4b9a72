#include <algorithm>

#include "opdef/conv.h"
#include "opdef/cost.h"
#include "opdef/matmul.h"
#include "opdef/upgrade_util.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kInputs[] = {{"X", "T", kRequiredParam, "[N, C, spatial…]"},
                             {"W", "T", kRequiredParam, "[C, M / group, kernel…]"},
                             {"B", "T", kOptionalParam, "[M]"}};
constexpr Param kOutputs[] = {{"Y", "T", kRequiredParam, "[N, M, spatial…]"}};
constexpr AttrDef kAttrs[] = {
    string_attr("auto_pad", "NOTSET"),
    attr("dilations", AttrKind::kInts),
    int_attr("group", 1),
    attr("kernel_shape", AttrKind::kInts),
    attr("output_padding", AttrKind::kInts).with_doc("extra size at the end of each axis"),
    attr("output_shape", AttrKind::kInts).with_doc("spatial sizes of Y; the padding follows from them"),
    attr("pads", AttrKind::kInts),
    attr("strides", AttrKind::kInts),
};

struct Extra {
  std::vector<int64_t> output_padding, output_shape;  // output_shape may be empty
};

Expected<Extra> read_extra(const AttrReader& a, size_t rank) {
  Extra e{a.ints("output_padding"), a.ints("output_shape")};
  if (e.output_padding.empty()) e.output_padding.assign(rank, 0);
  if (e.output_padding.size() != rank) {
    return invalid_model("output_padding has {} entries, expected {}", e.output_padding.size(), rank);
  }
  if (e.output_shape.size() == rank + 2) e.output_shape.erase(e.output_shape.begin(), e.output_shape.begin() + 2);
  if (!e.output_shape.empty() && e.output_shape.size() != rank) {
    return invalid_model("output_shape has {} entries, expected {}", e.output_shape.size(), rank);
  }
  for (const std::vector<int64_t>* list : {&e.output_padding, &e.output_shape}) {
    for (int64_t v : *list) {
      if (v < 0 || v >= int64_t{1} << 45) return invalid_model("an output size or padding of {} is not possible", v);
    }
  }
  return e;
}

// The output size where no padding is cut off.
Dim full_size(const WindowAttrs& w, const Extra& e, size_t i, const Dim& in) {
  return (in - Dim(1)) * Dim(w.strides[i]) + Dim(e.output_padding[i]) + Dim(w.extent(i));
}

bool is_same(AutoPad p) { return p == AutoPad::kSameUpper || p == AutoPad::kSameLower; }

Dim output_size(const WindowAttrs& w, const Extra& e, size_t i, const Dim& in) {
  if (!e.output_shape.empty()) return Dim(e.output_shape[i]);
  if (is_same(w.auto_pad)) return in * Dim(w.strides[i]);
  return full_size(w, e, i, in) - Dim(w.pad_begin[i]) - Dim(w.pad_end[i]);
}

// The windows of the convolution that this operator reverses: `in` is the output here.
Expected<WindowAxes> reversed_windows(const WindowAttrs& w, const Extra& e, std::span<const int64_t> spatial) {
  if (spatial.size() != w.rank()) return invalid_argument("X has {} spatial axes, W has {}", spatial.size(), w.rank());
  WindowAxes axes(w.rank());
  for (size_t i = 0; i < axes.size(); ++i) {
    WindowAxis& a = axes[i];
    const Dim in(spatial[i]), out = output_size(w, e, i, in), full = full_size(w, e, i, in);
    if (!out.is_const() || !full.is_const() || (spatial[i] > 0 && out.value() < 0)) {
      return invalid_argument("spatial axis {} of size {} has no valid output size", i, spatial[i]);
    }
    a = {.in = std::max<int64_t>(out.value(), 0),
         .out = spatial[i],
         .kernel = w.kernel[i],
         .stride = w.strides[i],
         .dilation = w.dilations[i],
         .pad_begin = w.pad_begin[i],
         .pad_end = w.pad_end[i]};
    if (!e.output_shape.empty() || is_same(w.auto_pad)) {
      const int64_t total = std::max<int64_t>(0, full.value() - a.in);
      const int64_t less = total / 2, more = total - less;
      a.pad_begin = w.auto_pad == AutoPad::kSameUpper ? less : more;
      a.pad_end = total - a.pad_begin;
    }
  }
  return axes;
}

Status infer(InferContext& c) {
  c.set_output(0, c.input_dtype(0));
  const SymShape* x = c.input_shape(0);
  const SymShape* w = c.input_shape(1);
  if (!x || !w) return {};
  if (x->size() < 3 || x->size() != w->size()) {
    return invalid_model("X and W must have the same rank of 3 or more, found {} and {}", x->size(), w->size());
  }
  SymShape out(x->size());
  out[0] = (*x)[0];
  out[1] = (*w)[1] * Dim(c.i("group", 1));
  std::vector<int64_t> kernel;
  if (const auto dims = to_dims(SymShape(w->begin() + 2, w->end()))) kernel = *dims;
  if (!kernel.empty() || !c.ints("kernel_shape").empty()) {
    ANYRT_ASSIGN(const WindowAttrs attrs, read_window_attrs(c, kernel));
    if (attrs.rank() + 2 != x->size()) return invalid_model("kernel_shape has {} entries", attrs.rank());
    ANYRT_ASSIGN(const Extra extra, read_extra(c, attrs.rank()));
    for (size_t i = 0; i < attrs.rank(); ++i) out[i + 2] = output_size(attrs, extra, i, (*x)[i + 2]);
  }
  c.set_output(0, c.input_dtype(0), std::move(out));
  return {};
}

template <class T>
void convolve_transposed(EvalContext& c, const WindowAxes& axes, const Dims& x_dims, const Dims& w_dims, int64_t group,
                         const T* x, const T* w, T* y) {
  const int64_t in_size = product(window_out_dims(axes)), out_size = product(window_in_dims(axes));
  const int64_t channels = x_dims[1] / group, out_channels = w_dims[1], taps = kernel_size(axes);
  if (in_size == 0) return;
  // Taps go in blocks whose columns stay within some megabytes.
  const int64_t block_taps = std::clamp<int64_t>((int64_t{1} << 20) / in_size, 1, taps);
  c.parallel_for(x_dims[0] * group * out_channels, 1, [&](int64_t begin, int64_t end) {
    std::vector<T> columns(static_cast<size_t>(block_taps * in_size));
    for (int64_t i = begin; i < end; ++i) {
      const int64_t block = i / out_channels, m = i % out_channels, g = block % group;
      const MatrixRef<T> b{x + block * channels * in_size, in_size, 1};  // [channels, positions]
      for (int64_t tap = 0; tap < taps; tap += block_taps) {
        const int64_t count = std::min(block_taps, taps - tap);
        const MatrixRef<T> a{w + (g * channels * out_channels + m) * taps + tap, 1, out_channels * taps};
        matmul(nullptr, count, in_size, channels, a, b, columns.data(), in_size);
        fold_columns(axes, tap, count, columns.data(), y + i * out_size);
      }
    }
  });
}

Status eval(EvalContext& c) {
  const DType dtype = c.input(0).dtype(), compute = compute_dtype(dtype);
  ANYRT_ASSIGN(const Tensor x, c.input_as(0, compute));
  ANYRT_ASSIGN(const Tensor w, c.input_as(1, compute));
  if (x.rank() < 3 || x.rank() != w.rank()) {
    return invalid_argument("X and W must have the same rank of 3 or more, found {} and {}", shape_string(x.dims()),
                            shape_string(w.dims()));
  }
  const int64_t group = c.i("group", 1);
  if (group < 1 || x.dim(1) % group != 0 || x.dim(1) != w.dim(0)) {
    return invalid_argument("X {} and W {} do not fit with group {}", shape_string(x.dims()), shape_string(w.dims()),
                            group);
  }
  ANYRT_ASSIGN(const WindowAttrs attrs, read_window_attrs(c, std::span(w.dims()).subspan(2)));
  ANYRT_ASSIGN(const Extra extra, read_extra(c, attrs.rank()));
  ANYRT_ASSIGN(const WindowAxes axes, reversed_windows(attrs, extra, std::span(x.dims()).subspan(2)));
  Dims dims = window_in_dims(axes);
  int64_t out_channels = 0;
  if (__builtin_mul_overflow(w.dim(1), group, &out_channels)) return invalid_argument("too many output channels");
  dims.insert(dims.begin(), {x.dim(0), out_channels});
  ANYRT_TRY(check_bias(c.input(2), out_channels));
  ANYRT_ASSIGN(Tensor y, Tensor::zeros(compute, dims));
  Tensor bias;
  if (c.has_input(2)) {
    ANYRT_ASSIGN(bias, c.input_as(2, compute));
  }
  dispatch<float, double>(compute, [&]<class T>(TypeTag<T>) {
    T* out = y.mutable_data<T>();
    convolve_transposed(c, axes, x.dims(), w.dims(), group, x.data<T>(), w.data<T>(), out);
    if (bias.defined()) add_channel_bias(bias.data<T>(), dims[0], out_channels, product(window_in_dims(axes)), out);
  });
  return c.set_output_as(0, y, dtype);
}

}  // namespace

extern const OpDef op_onnx_conv_transpose = {
    .name = "ConvTranspose",
    .since = 22,
    .doc = "The gradient of a convolution with respect to its input, used to enlarge images.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_unchanged,
    .cost = cost_conv_transpose,
    .cases = ANYRT_CASES(R"(
      : f32[1,1,2]{1 2}, f32[1,1,2]{1 10} -> f32[1,1,3]{1 12 20}
      strides=[2] output_padding=[1] : f32[1,1,2]{1 2}, f32[1,1,2]{1 10}, f32[1]{0.5} -> f32[1,1,5]{1.5 10.5 2.5 20.5 0.5}
      strides=[3] output_shape=[7] : f32[1,1,3]{1 2 3}, f32[1,1,2]{1 1} -> f32[1,1,7]{1 0 2 2 0 3 3}
      pads=[1,0] : f64[1,2,2]{1 2 3 4}, f64[2,1,2]{1 1 2 2} -> f64[1,1,2]{17 10}
      group=2 strides=[2,1] dilations=[1,2] : f16[2,4,3,4]{rand:1}, f16[4,3,2,2]{rand:2} -> ?
      auto_pad="SAME_UPPER" strides=[2,2] : f32[1,1,3,3]{rand:1}, f32[1,2,3,3]{rand:2} -> ?
      : f32[1,2,2]{1 2 3 4}, f32[1,1,2]{1 10} -> !do not fit
    )"),
};

}  // namespace anyrt
