#include <algorithm>
#include <cmath>

#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/rewrite.h"
#include "opdef/shape_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", DType::kFloat32 | DType::kFloat16 | DType::kBFloat16}};
constexpr Param kInputs[] = {{"input", "T", kRequiredParam, "[N, C, L]"},
                             {"weight", "T", kRequiredParam, "[C, 1, k]"},
                             {"bias", "T", kOptionalParam, "[C]"},
                             {"past_state", "T", kOptionalParam, "[N, C, k - 1]: what came before; default 0"}};
constexpr Param kOutputs[] = {{"output", "T", kRequiredParam, "[N, C, L]"},
                              {"present_state", "T", kRequiredParam, "[N, C, k - 1]: the last inputs"}};
constexpr AttrDef kAttrs[] = {string_attr("activation", "none").with_doc("none, silu or swish")};

Status check(const AttrReader& a) {
  const std::string& s = a.s("activation");
  if (s == "none" || s == "silu" || s == "swish") return {};
  return invalid_model("activation is '{}', expected none, silu or swish", s);
}

Status infer(InferContext& c) {
  ANYRT_TRY(check(c));
  const SymShape* x = c.input_shape(0);
  const SymShape* w = c.input_shape(1);
  if (x && x->size() != 3) return invalid_model("input has rank {}, expected 3", x->size());
  if (w && w->size() != 3) return invalid_model("weight has rank {}, expected 3", w->size());
  c.set_output(0, c.input_type(0));
  SymShape state(3);
  if (x) state = {(*x)[0], (*x)[1], Dim()};
  if (w) state[2] = (*w)[2] - Dim(1);
  c.set_output(1, c.input_dtype(0), std::move(state));
  return {};
}

Status check_shape(const Tensor& t, const char* name, const Dims& expected) {
  if (!t.defined() || t.dims() == expected) return {};
  return invalid_argument("{} has shape {}, expected {}", name, shape_string(t.dims()), shape_string(expected));
}

Status eval(EvalContext& c) {
  ANYRT_TRY(check(c));
  const DType dtype = c.input(0).dtype();
  ANYRT_ASSIGN(const Tensor x, c.input_as(0, DType::kFloat32));
  ANYRT_ASSIGN(const Tensor w, c.input_as(1, DType::kFloat32));
  if (x.rank() != 3 || w.rank() != 3 || w.dim(0) != x.dim(1) || w.dim(1) != 1 || w.dim(2) < 1) {
    return invalid_argument("input and weight have shapes {} and {}, expected [N,C,L] and [C,1,k]",
                            shape_string(x.dims()), shape_string(w.dims()));
  }
  const int64_t batch = x.dim(0), channels = x.dim(1), length = x.dim(2), taps = w.dim(2), carried = taps - 1;
  ANYRT_TRY(check_shape(c.input(2), "bias", {channels}));
  ANYRT_TRY(check_shape(c.input(3), "past_state", {batch, channels, carried}));
  Tensor bias, past;
  if (c.has_input(2)) {
    ANYRT_ASSIGN(bias, c.input_as(2, DType::kFloat32));
  }
  if (c.has_input(3)) {
    ANYRT_ASSIGN(past, c.input_as(3, DType::kFloat32));
  }
  ANYRT_ASSIGN(Tensor y, Tensor::make(DType::kFloat32, x.dims()));
  ANYRT_ASSIGN(Tensor present, Tensor::make(DType::kFloat32, {batch, channels, carried}));
  ANYRT_ASSIGN(Tensor scratch, Tensor::make(DType::kFloat32, {carried + length}));
  float* joined = scratch.mutable_data<float>();
  for (int64_t i = 0; i < batch * channels; ++i) {
    if (past.defined()) {
      std::copy_n(past.data<float>() + i * carried, carried, joined);
    } else {
      std::fill_n(joined, carried, 0.0f);
    }
    std::copy_n(x.data<float>() + i * length, length, joined + carried);
    const float* weights = w.data<float>() + i % channels * taps;
    float* out = y.mutable_data<float>() + i * length;
    std::fill_n(out, length, bias.defined() ? bias.data<float>()[i % channels] : 0.0f);
    for (int64_t k = 0; k < taps; ++k) {
      for (int64_t t = 0; t < length; ++t) out[t] += weights[k] * joined[t + k];
    }
    std::copy_n(joined + length, carried, present.mutable_data<float>() + i * carried);
  }
  if (c.s("activation") != "none") {
    // The sum is a value of the element type before the activation sees it.
    ANYRT_ASSIGN(const Tensor rounded, cast_tensor(y, dtype));
    ANYRT_ASSIGN(y, cast_tensor(rounded, DType::kFloat32));
    if (!y.unique()) {
      ANYRT_ASSIGN(y, y.clone());
    }
    float* out = y.mutable_data<float>();
    for (int64_t i = 0; i < y.size(); ++i) out[i] = out[i] / (1 + std::exp(-out[i]));
  }
  ANYRT_TRY(c.set_output_as(0, y, dtype));
  return c.set_output_as(1, present, dtype);
}

Status decompose(RewriteContext& c) {
  const DType dtype = c.input_type(0).dtype;
  const std::optional<SymShape>& shape = c.input_type(1).shape;
  const auto dims = shape ? to_dims(*shape) : std::nullopt;
  if (!dims || dims->size() != 3) return not_implemented("the shape of weight is not known");
  const int64_t channels = (*dims)[0], taps = (*dims)[2];
  ValueId joined = kNoValue;
  if (c.has_input(3)) {
    joined = c.op("Concat", {c.input(3), c.input(0)}, {{"axis", int64_t{2}}});
  } else {
    joined = c.op("Pad", {c.input(0), c.constant_ints({0, 0, taps - 1, 0, 0, 0})});
  }
  ValueId y = c.op("Conv", {joined, c.input(1), c.input(2)}, {{"group", channels}});
  if (c.s("activation") != "none") {
    const bool narrow = dtype != DType::kFloat32;
    const ValueId wide = narrow ? c.op("Cast", {y}, {{"to", int64_t{1}}}) : y;
    const ValueId silu = c.op("Mul", {wide, c.op("Sigmoid", {wide})});
    y = narrow ? c.op("Cast", {silu}, {{"to", static_cast<int64_t>(dtype)}}) : silu;
  }
  c.replace_output(0, y);
  if (c.has_output(1)) {
    // The last taps - 1 entries; start counts from the end, and an end beyond the axis is cut.
    const ValueId start = c.constant_ints({taps > 1 ? -(taps - 1) : INT64_MAX});
    c.replace_output(1, c.op("Slice", {joined, start, c.constant_ints({INT64_MAX}), c.constant_ints({2})}));
  }
  return {};
}

}  // namespace

extern const OpDef op_onnx_causal_conv_with_state = {
    .name = "CausalConvWithState",
    .since = 27,
    .first = 27,
    .doc = "Depthwise convolution over time that sees the present and the past only, and carries the past along.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      : f32[1,1,3]{1 2 3}, f32[1,1,2]{10 1} -> f32[1,1,3]{1 12 23}, f32[1,1,1]{3}
      : f32[1,2,1]{1 2}, f32[2,1,3]{1 1 1 1 1 1}, f32[2]{0.5 0}, f32[1,2,2]{5 6 7 8} -> f32[1,2,1]{12.5 17}, f32[1,2,2]{6 1 8 2}
      activation="silu" : f16[1,1,2]{0 1}, f16[1,1,1]{1} -> f16[1,1,2]{0 0.7311}, f16[1,1,0]{} ~ 1e-3 0
      : bf16[2,3,4]{rand:1}, bf16[3,1,3]{rand:2} -> ?
      activation="relu" : f32[1,1,1]{1}, f32[1,1,1]{1} -> !expected none
    )"),
};

}  // namespace anyrt
