#include <algorithm>
#include <cmath>

#include "opdef/infer.h"
#include "opdef/quantize.h"
#include "opdef/rewrite.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T1", DType::kFloat32}, {"T2", DType::kUInt8}};
constexpr Param kInputs[] = {{"x", "T1"}};
constexpr Param kOutputs[] = {{"y", "T2"}, {"y_scale", "float32"}, {"y_zero_point", "T2"}};

Status infer(InferContext& c) {
  std::optional<SymShape> shape;
  if (const SymShape* x = c.input_shape(0)) shape = *x;
  c.set_output(0, DType::kUInt8, std::move(shape));
  c.set_output(1, DType::kFloat32, SymShape{});
  c.set_output(2, DType::kUInt8, SymShape{});
  return {};
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  const float* in = x.data<float>();
  float low = 0, high = 0;  // the range always holds zero
  for (int64_t i = 0; i < x.size(); ++i) {
    low = std::min(low, in[i]);
    high = std::max(high, in[i]);
  }
  const float scale = high == low ? 1.0f : (high - low) / 255.0f;
  const float zero = std::nearbyint(std::clamp(-low / scale, 0.0f, 255.0f));
  ANYRT_ASSIGN(Tensor * y, c.output(0, DType::kUInt8, x.dims()));
  uint8_t* out = y->mutable_data<uint8_t>();
  for (int64_t i = 0; i < x.size(); ++i) {
    out[i] = static_cast<uint8_t>(requantize(in[i] / scale, static_cast<int64_t>(zero), {0, 255}));
  }
  c.set_output(1, Tensor::scalar(scale));
  c.set_output(2, Tensor::scalar(static_cast<uint8_t>(zero)));
  return {};
}

Status decompose(RewriteContext& c) {
  const ValueId x = c.input(0), zero = c.constant_scalar(0, DType::kFloat32),
                top = c.constant_scalar(255, DType::kFloat32);
  const Attr flat{"keepdims", int64_t{0}};
  const ValueId low = c.op("Min", {c.op("ReduceMin", {x}, {flat}), zero});
  const ValueId high = c.op("Max", {c.op("ReduceMax", {x}, {flat}), zero});
  const ValueId span = c.op("Div", {c.op("Sub", {high, low}), top});
  const ValueId scale = c.op("Where", {c.op("Equal", {high, low}), c.constant_scalar(1, DType::kFloat32), span});
  const ValueId level = c.op("Round", {c.op("Clip", {c.op("Div", {c.op("Neg", {low}), scale}), zero, top})});
  const ValueId zero_point = c.op("Cast", {level}, {{"to", static_cast<int64_t>(DType::kUInt8)}});
  c.replace_output(0, c.op("QuantizeLinear", {x, scale, zero_point}));
  c.replace_output(1, scale);
  c.replace_output(2, zero_point);
  return {};
}

}  // namespace

extern const OpDef op_onnx_dynamic_quantize_linear = {
    .name = "DynamicQuantizeLinear",
    .since = 11,
    .first = 11,
    .doc = "Quantises to uint8 with a scale and zero point taken from the data.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      : f32[6]{0 2 -3 -2.5 1.34 0.5} -> u8[6]{153 255 0 26 221 179}, f32[]{0.0196078438}, u8[]{153}
      : f32[2]{-1 -2.1} -> u8[2]{134 0}, f32[]{0.00823529344}, u8[]{255}
      : f32[2]{0 0} -> u8[2]{0 0}, f32[]{1}, u8[]{0}
      : f32[3,4]{rand:5} -> ?
    )"),
};

}  // namespace anyrt
