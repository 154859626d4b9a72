#include "opdef/infer.h"
#include "opdef/quantize.h"
#include "opdef/upgrade_util.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr DTypeSet kHalves = DType::kFloat32 | DType::kFloat16 | DType::kBFloat16;
constexpr DTypeSet kQuantized =
    DType::kInt8 | DType::kUInt8 | DType::kInt16 | DType::kUInt16 | DType::kInt32 | kFloat8s | kSubByte;
constexpr TypeRule kTypes[] = {{"T1", kQuantized}, {"T2", kHalves | DType::kFloat8E8M0}, {"T3", kHalves}};
constexpr Param kInputs[] = {{"x", "T1"},
                             {"x_scale", "T2", kRequiredParam, "one element, one an index of axis, or one a block"},
                             {"x_zero_point", "T1", kOptionalParam, "shape of x_scale"}};
constexpr Param kOutputs[] = {{"y", "T3"}};
constexpr AttrDef kAttrs[] = {
    int_attr("axis", 1).with_doc("for scales by axis or block"),
    int_attr("block_size", 0).with_doc("indices of axis that share a scale; 0: not in blocks"),
    int_attr("output_dtype", 0).with_doc("0: that of x_scale"),
};

Expected<DType> output_dtype(const AttrReader& a, DType scale) {
  const DType dtype = a.i("output_dtype") == 0 ? scale : a.dtype("output_dtype");
  if (kHalves.has(dtype)) return dtype;
  if (a.i("output_dtype") == 0) return invalid_model("x_scale is {}: output_dtype must be given", dtype_name(scale));
  return invalid_model("output_dtype is {}, expected float32, float16 or bfloat16", a.i("output_dtype"));
}

Status infer(InferContext& c) {
  std::optional<SymShape> shape;
  if (const SymShape* x = c.input_shape(0)) shape = *x;
  DType dtype = DType::kUndefined;
  if (c.i("output_dtype") != 0 || c.input_dtype(1) != DType::kUndefined) {
    ANYRT_ASSIGN(dtype, output_dtype(c, c.input_dtype(1)));
  }
  c.set_output(0, dtype, std::move(shape));
  return {};
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  const Tensor& scale = c.input(1);
  const Tensor& zero = c.input(2);
  ANYRT_ASSIGN(const DType dtype, output_dtype(c, scale.dtype()));
  ANYRT_ASSIGN(const QuantGrid g, quant_grid(x.dims(), scale.dims(), c.i("axis"), c.i("block_size")));
  if (zero.defined() && zero.dims() != scale.dims() && zero.size() * scale.size() != 1) {
    return invalid_argument("x_zero_point has shape {}, x_scale {}: expected the same", shape_string(zero.dims()),
                            shape_string(scale.dims()));
  }
  ANYRT_ASSIGN(const Tensor wide_scale, cast_tensor(scale, DType::kFloat32));
  ANYRT_ASSIGN(Tensor y, Tensor::make(DType::kFloat32, x.dims()));
  const auto run = [&]<class T>(TypeTag<T>, DType wide) -> Status {
    ANYRT_ASSIGN(const Tensor wide_x, cast_tensor(x, wide));
    Tensor zeros;
    if (zero.defined()) {
      ANYRT_ASSIGN(zeros, cast_tensor(zero, wide));
    }
    const T* in = wide_x.data<T>();
    const T* z = zero.defined() ? zeros.data<T>() : nullptr;
    const float* s = wide_scale.data<float>();
    float* out = y.mutable_data<float>();
    for (int64_t o = 0; o < g.outer; ++o) {
      for (int64_t a = 0; a < g.axis; ++a, in += g.inner, out += g.inner) {
        const int64_t p = g.param(o, a);
        for (int64_t i = 0; i < g.inner; ++i) {
          const int64_t at = p + i * g.inner_step;
          out[i] = static_cast<float>(z ? in[i] - z[at] : in[i]) * s[at];
        }
      }
    }
    return {};
  };
  ANYRT_TRY(is_float(x.dtype()) ? run(TypeTag<float>{}, DType::kFloat32) : run(TypeTag<int64_t>{}, DType::kInt64));
  return c.set_output_as(0, y, dtype);
}

Status decompose(RewriteContext& c) {
  const DType scale_dtype = c.input_type(1).dtype;
  if (c.i("block_size") != 0 || scale_dtype == DType::kUndefined) return not_implemented("blocks");
  ANYRT_ASSIGN(const DType dtype, output_dtype(c, scale_dtype));
  const auto rank = c.input_rank(0), parts = c.input_rank(1);
  if (!rank || !parts) return not_implemented("the ranks are not known");
  const Attr to_float{"to", static_cast<int64_t>(DType::kFloat32)};
  // A list of parameters lies along its axis.
  std::vector<int64_t> axes;
  if (*parts == 1 && *rank > 0) {
    const SymShape& shape = *c.input_type(1).shape;
    if (!shape[0].is_const()) return not_implemented("the number of scales is not known");
    int64_t axis = *rank - 1;
    if (!shape[0].is(1)) {
      ANYRT_ASSIGN(axis, normalize_axis(c.i("axis"), *rank));
    }
    for (int64_t a = 1; a < *rank - axis; ++a) axes.push_back(a);
  } else if (*parts != 0) {
    return not_implemented("a scale of rank {}", *parts);
  }
  const auto spread = [&](size_t i) {
    const ValueId wide = c.op("Cast", {c.input(i)}, {to_float});
    return axes.empty() ? wide : c.op("Unsqueeze", {wide, c.constant_ints(axes)});
  };
  ValueId y = c.op("Cast", {c.input(0)}, {to_float});
  if (c.has_input(2)) y = c.op("Sub", {y, spread(2)});
  y = c.op("Mul", {y, spread(1)});
  if (dtype != DType::kFloat32) y = c.op("Cast", {y}, {{"to", static_cast<int64_t>(dtype)}});
  c.replace_output(0, y);
  return {};
}

Status downgrade(RewriteContext& c) {
  if (c.version() < 23 && c.i("output_dtype") != 0) {
    if (c.dtype("output_dtype") != c.input_type(1).dtype) return not_implemented("output_dtype needs opset 23");
  }
  if (c.version() < 21 && c.i("block_size") != 0) return not_implemented("block_size needs opset 21");
  if (c.version() < 23) c.remove_attr("output_dtype");
  if (c.version() < 21) c.remove_attr("block_size");
  if (c.version() < 13) {
    const SymShape* scale = c.input_type(1).shape ? &*c.input_type(1).shape : nullptr;
    if (!scale || (!scale->empty() && !(scale->size() == 1 && (*scale)[0].is(1))))
      return not_implemented("a scale with more than one element needs opset 13");
    c.remove_attr("axis");
  }
  return {};
}

}  // namespace

extern const OpDef op_onnx_dequantize_linear = {
    .name = "DequantizeLinear",
    .since = 25,
    .first = 10,
    .doc = "y = (x - x_zero_point) * x_scale, with one scale for the tensor, an axis index or a block.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .decompose = decompose,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade,
    .cases = ANYRT_CASES(R"(
      : u8[4]{0 3 128 255}, f32[]{2}, u8[]{128} -> f32[4]{-256 -250 0 254}
      axis=0 : i8[2,2]{1 2 3 4}, f16[2]{1 0.5}, i8[2]{0 1} -> f16[2,2]{1 2 1 1.5}
      axis=-1 block_size=2 : i4[1,3]{1 -8 7}, f32[1,2]{1 10}, i4[1,2]{0 1} -> f32[1,3]{1 -8 60}
      output_dtype=16 : u2[3]{0 1 3}, f32[]{0.5} -> bf16[3]{0 0.5 1.5}
      : f8e4m3fn[3]{-1 nan 448}, f32[]{2} -> f32[3]{-2 nan 896}
      output_dtype=1 : f4e2m1[2]{6 -0.5}, f8e8m0[]{4} -> f32[2]{24 -2}
      : i32[2]{-2147483648 7}, f32[]{1} -> f32[2]{-2147483648 7}
      axis=1 : u8[2,3]{1 2 3 4 5 6}, f32[2]{1 2} -> !the scale has shape
    )"),
};

}  // namespace anyrt
