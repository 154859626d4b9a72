#include "opdef/blocked.h"
#include "opdef/conv.h"
#include "opdef/cost.h"
#include "opdef/decompose_util.h"
#include "opdef/fused_activation.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kInputs[] = {
    {"X", "T", kRequiredParam, "[N, C, spatial…], or blocked: [N, ceil(C / block), spatial…, block]"},
    {"W", "T", kRequiredParam, "[M, C / group, kernel…], never blocked"},
    {"B", "T", kOptionalParam, "[M]"},
    {"Z", "T", kOptionalParam, "added; of the form and shape of Y"}};
constexpr Param kOutputs[] = {{"Y", "T", kRequiredParam, "[N, M, windows…], or blocked"}};
constexpr AttrDef kAttrs[] = {
    attr("dilations", AttrKind::kInts),
    int_attr("group", 1),
    attr("kernel_shape", AttrKind::kInts),
    attr("pads", AttrKind::kInts),
    attr("strides", AttrKind::kInts),
    int_attr("block", 0).with_doc("channels a block of blocked values; 0: all values are plain"),
    int_attr("x_plain", 0).with_doc("1: X is plain although Y is blocked"),
    int_attr("in_channels", 0).with_doc("C, where X is blocked"),
    int_attr("out_channels", 0).with_doc("M, where Y is blocked"),
    string_attr("activation", ""),
    attr("activation_params", AttrKind::kFloats),
    int_attr("add_after", 0).with_doc("0: activation(conv + Z), 1: activation(conv) + Z"),
    attr("rescale", AttrKind::kFloats)
        .with_doc("scale, shift, low, high: y * scale + shift in the end, between limits"),
};

struct Form {
  int64_t block = 0;  // of Y
  bool x_blocked = false;
  int64_t in_channels = 0, out_channels = 0;  // where blocked
};

Expected<Form> read_form(const AttrReader& c) {
  Form f;
  f.block = c.i("block");
  if (f.block < 0 || f.block > 1024) return invalid_model("block must be in 0..1024, found {}", f.block);
  f.x_blocked = f.block > 0 && c.i("x_plain") == 0;
  f.in_channels = c.i("in_channels");
  f.out_channels = c.i("out_channels");
  if (f.block > 0 && f.out_channels < 1) return invalid_model("out_channels must be given where Y is blocked");
  if (f.x_blocked && f.in_channels < 1) return invalid_model("in_channels must be given where X is blocked");
  return f;
}

// The plain shape of X; nullopt where its rank is not known.
Expected<std::optional<SymShape>> plain_x(const InferContext& c, const Form& f) {
  const SymShape* x = c.input_shape(0);
  if (!x) return std::optional<SymShape>();
  if (x->size() < (f.x_blocked ? 4u : 3u)) return invalid_model("X has rank {}", x->size());
  if (!f.x_blocked) return std::optional<SymShape>(*x);
  const Dim &blocks = (*x)[1], &lanes = x->back();
  if ((lanes.is_const() && lanes.value() != f.block) ||
      (blocks.is_const() && blocks.value() != block_count(f.in_channels, f.block))) {
    return invalid_model("X {} does not hold {} channels in blocks of {}", shape_string(*x), f.in_channels, f.block);
  }
  return std::optional<SymShape>(plain_shape(*x, f.in_channels));
}

Status infer(InferContext& c) {
  c.set_output(0, c.input_dtype(0));
  ANYRT_ASSIGN(const FusedActivation activation, read_activation(c));
  (void)activation;
  ANYRT_TRY(read_rescale(c).status());
  ANYRT_ASSIGN(const Form f, read_form(c));
  ANYRT_ASSIGN(const std::optional<SymShape> x, plain_x(c, f));
  const SymShape* w = c.input_shape(1);
  if (!x || !w) return {};
  if (x->size() != w->size()) {
    return invalid_model("X has {} spatial axes, W has {}", x->size() - 2, w->size() - 2);
  }
  const Dim &channels = (*x)[1], &reads = (*w)[1];
  if (channels.is_const() && reads.is_const() && channels.value() != reads.value() * c.i("group", 1)) {
    return invalid_model("X has {} channels, W {} with group {} reads {}", channels.value(), shape_string(*w),
                         c.i("group", 1), reads.value() * c.i("group", 1));
  }
  if (f.block > 0 && (*w)[0].is_const() && (*w)[0].value() != f.out_channels) {
    return invalid_model("out_channels is {}, W {}", f.out_channels, shape_string(*w));
  }
  SymShape y(x->size());
  y[0] = (*x)[0];
  y[1] = f.block > 0 ? Dim(f.out_channels) : (*w)[0];
  std::vector<int64_t> kernel;
  if (const auto dims = to_dims(SymShape(w->begin() + 2, w->end()))) kernel = *dims;
  if (!kernel.empty() || !c.ints("kernel_shape").empty()) {
    ANYRT_ASSIGN(const WindowAttrs windows, read_window_attrs(c, kernel));
    if (windows.rank() + 2 != y.size()) return invalid_model("kernel_shape has {} entries", windows.rank());
    for (size_t i = 0; i < windows.rank(); ++i) y[i + 2] = window_output_dim(windows, i, (*x)[i + 2]);
  }
  c.set_output(0, c.input_dtype(0), f.block > 0 ? blocked_shape(y, f.block) : y);
  return {};
}

Status eval(EvalContext& c) {
  const DType dtype = c.input(0).dtype(), compute = compute_dtype(dtype);
  ANYRT_ASSIGN(const FusedActivation activation, read_activation(c));
  ANYRT_ASSIGN(const FusedRescale rescale, read_rescale(c));
  ANYRT_ASSIGN(const Form f, read_form(c));
  ANYRT_ASSIGN(Tensor x, c.input_as(0, compute));
  if (f.x_blocked) {
    ANYRT_ASSIGN(x, unblock_channels(x, f.in_channels));
  }
  ANYRT_ASSIGN(const Tensor w, c.input_as(1, compute));
  ANYRT_ASSIGN(const ConvGeometry g, conv_geometry(c, x.dims(), w.dims()));
  if (f.block > 0 && g.out_channels != f.out_channels) {
    return invalid_argument("out_channels is {}, W {}", f.out_channels, shape_string(w.dims()));
  }
  ANYRT_TRY(check_bias(c.input(2), g.out_channels));
  Tensor bias, z;
  if (c.has_input(2)) {
    ANYRT_ASSIGN(bias, c.input_as(2, compute));
  }
  if (c.has_input(3)) {
    ANYRT_ASSIGN(z, c.input_as(3, compute));
    if (f.block > 0) {
      ANYRT_ASSIGN(z, unblock_channels(z, f.out_channels));
    }
    if (z.dims() != g.out_dims) {
      return invalid_argument("Z is {}, the convolution gives {}", shape_string(z.dims()), shape_string(g.out_dims));
    }
  }
  ANYRT_ASSIGN(Tensor y, Tensor::make(compute, g.out_dims));
  const bool add_after = c.i("add_after") != 0;
  dispatch<float, double>(compute, [&]<class T>(TypeTag<T>) {
    T* out = y.mutable_data<T>();
    convolve(c, g, x.data<T>(), w.data<T>(), out);
    if (bias.defined()) add_channel_bias(bias.data<T>(), g.batch, g.out_channels, g.out_size(), out);
    for (int64_t i = 0; i < y.size(); ++i) {
      const T add = z.defined() ? z.data<T>()[i] : T(0);
      if (!z.defined()) {
        out[i] = activate(activation, out[i]);
      } else {
        out[i] = add_after ? activate(activation, out[i]) + add : activate(activation, out[i] + add);
      }
      if (!rescale.idle()) out[i] = rescale(out[i]);
    }
  });
  if (f.block > 0) {
    ANYRT_ASSIGN(y, block_channels(y, f.block));
  }
  return c.set_output_as(0, y, dtype);
}

Status decompose(RewriteContext& c) {
  ANYRT_ASSIGN(const FusedActivation activation, read_activation(c));
  ANYRT_ASSIGN(const FusedRescale rescale, read_rescale(c));
  ANYRT_ASSIGN(const Form f, read_form(c));
  const auto rank = c.input_rank(1);
  if (!rank) return not_implemented("W of unknown rank");
  const DType dtype = known_dtype(c, 0);
  std::vector<ValueId> in = {c.input(0), c.input(1)};
  if (f.x_blocked) in[0] = emit_unblock(c, in[0], *rank, f.in_channels, f.block);
  if (c.has_input(2)) in.push_back(c.input(2));
  ValueId y = c.ops("", "Conv", in, attrs_named(c, {"dilations", "group", "kernel_shape", "pads", "strides"}), 1)[0];
  ValueId z = kNoValue;
  if (c.has_input(3)) z = f.block > 0 ? emit_unblock(c, c.input(3), *rank, f.out_channels, f.block) : c.input(3);
  const bool add_after = c.i("add_after") != 0;
  if (z != kNoValue && !add_after) y = c.op("Add", {y, z});
  y = emit_activation(c, y, activation, dtype);
  if (z != kNoValue && add_after) y = c.op("Add", {y, z});
  y = emit_rescale(c, y, rescale, dtype);
  if (f.block > 0) y = emit_block(c, y, *rank, f.out_channels, f.block, dtype);
  c.replace_output(0, y);
  return {};
}

Cost cost(const CostContext& c) {
  const auto y = c.output_dims(0), w = c.input_dims(1);
  if (!y || !w || w->empty() || (*w)[0] == 0) return {};
  const auto count = [](const Dims& d) {
    double n = 1;
    for (const int64_t v : d) n *= static_cast<double>(v);
    return n;
  };
  const double lanes = c.i("block") > 0 ? static_cast<double>((*y)[1] * y->back()) / static_cast<double>((*w)[0]) : 1;
  return {2 * count(*y) / lanes * count(*w) / static_cast<double>((*w)[0])};
}

}  // namespace

extern const OpDef op_anyrt_fused_conv = {
    .name = "FusedConv",
    .domain = "anyrt",
    .doc = "Convolution with bias, residual and activation in one step, on plain values or on channels in blocks.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .decompose = decompose,
    .cost = cost,
    .cases = ANYRT_CASES(R"(
      activation="Relu" : f32[1,1,4]{1 -2 3 4}, f32[1,1,2]{1 10} -> f32[1,1,3]{0 28 43}
      : f32[1,1,2]{1 -3}, f32[1,1,1]{2}, f32[1]{1}, f32[1,1,2]{10 20} -> f32[1,1,2]{13 15}
      activation="LeakyRelu" activation_params=[0.5] : f32[1,1,2]{1 -3}, f32[1,1,1]{2}, _, f32[1,1,2]{-4 20} -> f32[1,1,2]{-1 14}
      activation="LeakyRelu" activation_params=[0.5] add_after=1 : f32[1,1,2]{1 -3}, f32[1,1,1]{2}, _, f32[1,1,2]{-4 20} -> f32[1,1,2]{-2 17}
      block=2 in_channels=3 out_channels=1 : f32[1,2,2,2]{1 2 3 4 5 0 6 0}, f32[1,3,1]{1 10 100} -> f32[1,1,2,2]{521 0 643 0}
      block=2 in_channels=3 out_channels=1 activation="Sigmoid" : f32[1,2,1,2]{1 2 5 9}, f32[1,3,1]{0 0 0} -> f32[1,1,1,2]{0.5 0}
      block=2 x_plain=1 out_channels=3 : f32[1,1,2]{1 2}, f32[3,1,1]{1 2 3}, f32[3]{0 0 1} -> f32[1,2,2,2]{1 2 2 4 4 0 7 0}
      block=4 in_channels=6 out_channels=5 pads=[1,1,1,1] activation="Swish" : f64[2,2,5,6,4]{rand:1}, f64[5,6,3,3]{rand:2}, f64[5]{rand:3}, f64[2,2,5,6,4]{rand:4} -> ?
      block=4 in_channels=6 out_channels=4 group=2 strides=[2,1] dilations=[1,2] activation="Clip" activation_params=[-0.5,0.5] : f32[1,2,7,6,4]{rand:1}, f32[4,3,3,2]{rand:2} -> ?
      block=8 x_plain=1 out_channels=9 strides=[2,2] pads=[1,1,1,1] activation="HardSwish" : f16[1,3,9,9]{rand:1}, f16[9,3,3,3]{rand:2} -> ?
      activation="GeluTanh" : f32[1,2,3,4,5]{rand:1}, f32[3,2,2,2,2]{rand:2} -> ?
      block=4 in_channels=1 out_channels=1 : f32[0,1,4,4]{}, f32[1,1,2]{1 10} -> f32[0,1,3,4]{}
      block=4 in_channels=6 out_channels=4 : f32[1,1,3,4]{rand:1}, f32[4,6,1]{rand:2} -> !does not hold
      block=4 out_channels=4 : f32[1,1,3,4]{rand:1}, f32[4,4,1]{rand:2} -> !in_channels
      activation="Relu" rescale=[2,1,-4,5] : f32[1,1,4]{1 -2 3 0.5}, f32[1,1,1]{1} -> f32[1,1,4]{3 1 5 2}
      block=2 in_channels=1 out_channels=1 activation="Relu" rescale=[2,1,-4,5] : f32[1,1,3,2]{1 0 -2 0 3 0}, f32[1,1,1]{1} -> f32[1,1,3,2]{3 0 1 0 5 0}
      rescale=[2,1] : f32[1,1,2]{1 -3}, f32[1,1,1]{2} -> !rescale
      activation="Nothing" : f32[1,1,2]{1 -3}, f32[1,1,1]{2} -> !Nothing
      activation="Relu" activation_params=[1] : f32[1,1,2]{1 -3}, f32[1,1,1]{2} -> !parameters
    )"),
};

}  // namespace anyrt
