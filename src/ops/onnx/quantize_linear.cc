#include "opdef/infer.h"
#include "opdef/quantize.h"
#include "opdef/upgrade_util.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr DTypeSet kHalves = DType::kFloat32 | DType::kFloat16 | DType::kBFloat16;
constexpr DTypeSet kQuantized = DType::kInt8 | DType::kUInt8 | DType::kInt16 | DType::kUInt16 | kFloat8s | kSubByte;
constexpr TypeRule kTypes[] = {
    {"T1", kHalves | DType::kInt32}, {"T2", kHalves | DType::kInt32 | DType::kFloat8E8M0}, {"T3", kQuantized}};
constexpr Param kInputs[] = {{"x", "T1"},
                             {"y_scale", "T2", kRequiredParam, "one element, one an index of axis, or one a block"},
                             {"y_zero_point", "T3", kOptionalParam, "shape of y_scale"}};
constexpr Param kOutputs[] = {{"y", "T3"}};
constexpr AttrDef kAttrs[] = {
    int_attr("axis", 1).with_doc("for scales by axis or block"),
    int_attr("block_size", 0).with_doc("indices of axis that share a scale; 0: not in blocks"),
    int_attr("output_dtype", 0).with_doc("used without y_zero_point; 0: uint8"),
    int_attr("precision", 0).with_doc("element type of the division; 0: that of y_scale"),
    int_attr("saturate", 1).with_doc("float8 only: clamp instead of overflowing"),
};

Expected<DType> output_dtype(const AttrReader& a, DType zero_point) {
  const int64_t number = a.i("output_dtype");
  const DType wanted = number == 0 ? DType::kUndefined : a.dtype("output_dtype");
  if (number != 0 && !kQuantized.has(wanted)) return invalid_model("output_dtype {} is not a quantised type", number);
  if (zero_point == DType::kUndefined) return wanted == DType::kUndefined ? DType::kUInt8 : wanted;
  if (wanted != DType::kUndefined && wanted != zero_point) {
    return invalid_model("output_dtype is {}, y_zero_point is {}", dtype_name(wanted), dtype_name(zero_point));
  }
  return zero_point;
}

Status infer(InferContext& c) {
  std::optional<SymShape> shape;
  if (const SymShape* x = c.input_shape(0)) shape = *x;
  DType dtype = DType::kUndefined;
  if (!c.has_input(2) || c.input_dtype(2) != DType::kUndefined) {
    ANYRT_ASSIGN(dtype, output_dtype(c, c.input_dtype(2)));
  }
  c.set_output(0, dtype, std::move(shape));
  return {};
}

// x / scale for every element, rounded to `precision` when that is a narrow float.
Status divide(const Tensor& x, const Tensor& scale, const QuantGrid& g, Tensor& quotient) {
  const float *in = x.data<float>(), *s = scale.data<float>();
  float* out = quotient.mutable_data<float>();
  for (int64_t o = 0; o < g.outer; ++o) {
    for (int64_t a = 0; a < g.axis; ++a, in += g.inner, out += g.inner) {
      const float* p = s + g.param(o, a);
      for (int64_t i = 0; i < g.inner; ++i) out[i] = in[i] / p[i * g.inner_step];
    }
  }
  return {};
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  const Tensor& scale = c.input(1);
  const Tensor& zero = c.input(2);
  ANYRT_ASSIGN(const DType dtype, output_dtype(c, zero.dtype()));
  ANYRT_ASSIGN(const QuantGrid g, quant_grid(x.dims(), scale.dims(), c.i("axis"), c.i("block_size")));
  if (zero.defined() && zero.dims() != scale.dims() && zero.size() * scale.size() != 1) {
    return invalid_argument("y_zero_point has shape {}, y_scale {}: expected the same", shape_string(zero.dims()),
                            shape_string(scale.dims()));
  }
  DType precision = c.i("precision") == 0 ? scale.dtype() : c.dtype("precision");
  if (!is_float(precision) && !is_int(precision)) return invalid_argument("precision must be a floating type");
  ANYRT_ASSIGN(Tensor wide, cast_tensor(x, DType::kFloat32));
  ANYRT_ASSIGN(Tensor divisor, cast_tensor(scale, DType::kFloat32));
  const bool narrow = precision == DType::kFloat16 || precision == DType::kBFloat16;
  if (narrow && c.i("precision") != 0) {
    ANYRT_ASSIGN(wide, cast_tensor(x, precision));
    ANYRT_ASSIGN(wide, cast_tensor(wide, DType::kFloat32));
    ANYRT_ASSIGN(divisor, cast_tensor(scale, precision));
    ANYRT_ASSIGN(divisor, cast_tensor(divisor, DType::kFloat32));
  }
  ANYRT_ASSIGN(Tensor quotient, Tensor::make(DType::kFloat32, x.dims()));
  ANYRT_TRY(divide(wide, divisor, g, quotient));
  if (narrow) {
    ANYRT_ASSIGN(quotient, cast_tensor(quotient, precision));
    ANYRT_ASSIGN(quotient, cast_tensor(quotient, DType::kFloat32));
  }
  if (is_float(dtype)) {  // zero points of floating types are zero
    ANYRT_ASSIGN(Tensor y, cast_tensor(quotient, dtype, c.i("saturate") != 0));
    c.set_output(0, std::move(y));
    return {};
  }
  Tensor zeros;
  if (zero.defined()) {
    ANYRT_ASSIGN(zeros, cast_tensor(zero, DType::kInt32));
  }
  const int32_t* z = zero.defined() ? zeros.data<int32_t>() : nullptr;
  const IntRange range = int_range(dtype);
  ANYRT_ASSIGN(Tensor wide_y, Tensor::make(DType::kInt32, x.dims()));
  const float* q = quotient.data<float>();
  int32_t* out = wide_y.mutable_data<int32_t>();
  for (int64_t o = 0; o < g.outer; ++o) {
    for (int64_t a = 0; a < g.axis; ++a, q += g.inner, out += g.inner) {
      const int64_t p = g.param(o, a);
      for (int64_t i = 0; i < g.inner; ++i) {
        out[i] = static_cast<int32_t>(requantize(q[i], z ? z[p + i * g.inner_step] : 0, range));
      }
    }
  }
  return c.set_output_as(0, wide_y, dtype);
}

// Opset 10 knows whole-tensor scales only, and each step brought attributes.
Status downgrade(RewriteContext& c) {
  if (c.version() < 23 && c.i("precision") != 0) return not_implemented("precision needs opset 23");
  if (c.version() < 21 && c.i("block_size") != 0) return not_implemented("block_size needs opset 21");
  if (c.version() < 21 && c.i("output_dtype") != 0 && !c.has_input(2)) {
    if (c.dtype("output_dtype") != DType::kUInt8) return not_implemented("output_dtype needs opset 21");
  }
  if (c.version() < 23) c.remove_attr("precision");
  if (c.version() < 21) {
    c.remove_attr("block_size");
    c.remove_attr("output_dtype");
  }
  if (c.version() < 19) c.remove_attr("saturate");
  if (c.version() < 13) {
    const SymShape* scale = c.input_type(1).shape ? &*c.input_type(1).shape : nullptr;
    if (!scale || (!scale->empty() && !(scale->size() == 1 && (*scale)[0].is(1))))
      return not_implemented("a scale with more than one element needs opset 13");
    c.remove_attr("axis");
  }
  return {};
}

}  // namespace

extern const OpDef op_onnx_quantize_linear = {
    .name = "QuantizeLinear",
    .since = 25,
    .first = 10,
    .doc = "y = saturate(round(x / y_scale) + y_zero_point), with one scale for the tensor, an axis index or a block.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade,
    .cases = ANYRT_CASES(R"(
      : f32[6]{0 2 3 1000 -254 -1000}, f32[]{2}, u8[]{128} -> u8[6]{128 129 130 255 1 0}
      : f32[4]{0.5 1.5 2.5 -0.5}, f32[]{1} -> u8[4]{0 2 2 0}
      axis=0 : f32[2,2]{1 2 3 4}, f32[2]{1 2}, i8[2]{0 -1} -> i8[2,2]{1 2 1 1}
      axis=1 block_size=2 output_dtype=22 : f32[1,4]{1 2 30 -40}, f32[1,2]{1 10} -> i4[1,4]{1 2 3 -4}
      output_dtype=17 saturate=0 : f32[2]{1000 1}, f32[]{1} -> f8e4m3fn[2]{nan 1}
      output_dtype=23 : f32[3]{0.4 5.1 -100}, f32[]{1} -> f4e2m1[3]{0.5 6 -6}
      output_dtype=26 : f32[3]{-3 0.6 9}, f32[]{1} -> i2[3]{-2 1 1}
      : f16[3]{nan inf -inf}, f16[]{1}, i16[]{5} -> i16[3]{-32768 32767 -32768}
      : i32[2]{100 -7}, f32[]{10}, i8[]{1} -> i8[2]{11 0}
      : f32[2,3]{rand:1}, f32[2]{1 2}, u8[2]{0 0} -> !the scale has shape
    )"),
};

}  // namespace anyrt
