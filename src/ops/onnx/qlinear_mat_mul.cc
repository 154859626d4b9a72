#include "opdef/cost.h"
#include "opdef/infer.h"
#include "opdef/matmul_shape.h"
#include "opdef/quantize.h"
#include "opdef/upgrade_util.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr DTypeSet kQuantized = DType::kInt8 | DType::kUInt8 | kFloat8s;
constexpr TypeRule kTypes[] = {{"TS", DType::kFloat32 | DType::kFloat16 | DType::kBFloat16},
                               {"T1", kQuantized},
                               {"T2", kQuantized},
                               {"T3", kQuantized}};
constexpr Param kInputs[] = {{"a", "T1"},
                             {"a_scale", "TS", kRequiredParam, "one element, one a row, or [..., M, 1]"},
                             {"a_zero_point", "T1", kRequiredParam, "shape of a_scale"},
                             {"b", "T2"},
                             {"b_scale", "TS", kRequiredParam, "one element, one a column, or [..., 1, N]"},
                             {"b_zero_point", "T2", kRequiredParam, "shape of b_scale"},
                             {"y_scale", "TS", kRequiredParam, "one element, one a row, or [..., M, 1]"},
                             {"y_zero_point", "T3", kRequiredParam, "shape of y_scale"}};
constexpr Param kOutputs[] = {{"y", "T3"}};

Status infer(InferContext& c) {
  ANYRT_ASSIGN(std::optional<SymShape> shape, matmul_sym_shape(c.input_shape(0), c.input_shape(3)));
  c.set_output(0, c.input_dtype(7), std::move(shape));
  return {};
}

// The parameter in input `i` as doubles of the result's shape. A list goes along `axis` of the matrices.
Expected<Tensor> spread(EvalContext& c, size_t i, int axis_from_end, const Dims& dims) {
  ANYRT_ASSIGN(Tensor p, c.input_as(i, DType::kFloat64));
  const int64_t axis = static_cast<int64_t>(dims.size()) - axis_from_end;
  if (p.size() == 1) {
    ANYRT_ASSIGN(p, p.reshaped({}));
  } else if (p.rank() == 1 && axis >= 0) {
    Dims list(dims.size(), 1);
    list[static_cast<size_t>(axis)] = p.size();
    ANYRT_ASSIGN(p, p.reshaped(std::move(list)));
  }
  Expected<Tensor> y = broadcast_to(p, dims);
  if (!y.ok()) {
    return invalid_argument("input {} of shape {} does not fit a result of shape {}", i,
                            shape_string(c.input(i).dims()), shape_string(dims));
  }
  return y;
}

// The exact sums of products, as doubles.
Expected<Tensor> multiply_integers(EvalContext& c, const MatmulShape& s) {
  ANYRT_ASSIGN(const Tensor a, subtract_zero_point(c.input(0), c.input(2), c.input(0).rank() - 2));
  ANYRT_ASSIGN(const Tensor b, subtract_zero_point(c.input(3), c.input(5), c.input(3).rank() - 1));
  ANYRT_ASSIGN(Tensor sums, Tensor::make(DType::kInt32, s.dims));
  matmul_stack(c, s, storage<uint32_t>(a), storage<uint32_t>(b), mutable_storage<uint32_t>(sums));
  return cast_tensor(sums, DType::kFloat64);
}

// Operands of which one is float8: its own zero point is zero, that of an integer partner need not be.
Expected<Tensor> multiply_floats(EvalContext& c, const MatmulShape& s) {
  const auto operand = [&](size_t i, int64_t axis) -> Expected<Tensor> {
    if (is_float(c.input(i).dtype())) return c.input_as(i, DType::kFloat64);
    ANYRT_ASSIGN(const Tensor shifted, subtract_zero_point(c.input(i), c.input(i + 2), axis));
    return cast_tensor(shifted, DType::kFloat64);
  };
  ANYRT_ASSIGN(const Tensor a, operand(0, c.input(0).rank() - 2));
  ANYRT_ASSIGN(const Tensor b, operand(3, c.input(3).rank() - 1));
  ANYRT_ASSIGN(Tensor sums, Tensor::make(DType::kFloat64, s.dims));
  matmul_stack(c, s, a.data<double>(), b.data<double>(), sums.mutable_data<double>());
  return sums;
}

Status eval(EvalContext& c) {
  ANYRT_ASSIGN(const MatmulShape s, matmul_shape(c.input(0).dims(), c.input(3).dims()));
  const bool integers = is_int(c.input(0).dtype()) && is_int(c.input(3).dtype());
  ANYRT_ASSIGN(Tensor sums, integers ? multiply_integers(c, s) : multiply_floats(c, s));
  ANYRT_ASSIGN(const Tensor a_scale, spread(c, 1, 2, s.dims));
  ANYRT_ASSIGN(const Tensor b_scale, spread(c, 4, 1, s.dims));
  ANYRT_ASSIGN(const Tensor y_scale, spread(c, 6, 2, s.dims));
  ANYRT_ASSIGN(const Tensor y_zero, spread(c, 7, 2, s.dims));
  const DType dtype = c.input(7).dtype();
  const double *sa = a_scale.data<double>(), *sb = b_scale.data<double>(), *sy = y_scale.data<double>();
  const double* zero = y_zero.data<double>();
  double* v = sums.mutable_data<double>();
  // The factor is rounded as the scales' arithmetic in float gives it.
  for (int64_t i = 0; i < sums.size(); ++i) {
    v[i] *= static_cast<float>(sa[i]) * static_cast<float>(sb[i]) / static_cast<float>(sy[i]);
  }
  if (!is_int(dtype)) {
    for (int64_t i = 0; i < sums.size(); ++i) v[i] += zero[i];
    return c.set_output_as(0, sums, dtype);
  }
  const IntRange range = int_range(dtype);
  ANYRT_ASSIGN(Tensor * y, c.output(0, dtype, s.dims));
  dispatch<int8_t, uint8_t>(dtype, [&]<class T>(TypeTag<T>) {
    T* out = y->mutable_data<T>();
    for (int64_t i = 0; i < sums.size(); ++i) {
      out[i] = static_cast<T>(requantize(v[i], static_cast<int64_t>(zero[i]), range));
    }
  });
  return {};
}

}  // namespace

extern const OpDef op_onnx_qlinear_mat_mul = {
    .name = "QLinearMatMul",
    .since = 21,
    .first = 10,
    .doc = "Matrix product of quantised tensors into a quantised tensor.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_unchanged,
    .cost = cost_matmul,
    .cases = ANYRT_CASES(R"(
      : u8[1,2]{3 5}, f32[]{0.5}, u8[]{1}, u8[2,1]{4 6}, f32[]{0.25}, u8[]{2}, f32[]{0.5}, u8[]{7} -> u8[1,1]{12}
      : i8[2,1]{1 2}, f32[2]{1 10}, i8[2]{0 0}, i8[1,2]{3 -4}, f32[2]{1 2}, i8[2]{0 0}, f32[]{1}, i8[]{0} -> i8[2,2]{3 -8 60 -128}
      : f8e4m3fn[1,2]{1 2}, f16[]{2}, f8e4m3fn[]{0}, f8e4m3fn[2,1]{1 0.5}, f16[]{1}, f8e4m3fn[]{0}, f16[]{1}, f8e4m3fn[]{0} -> f8e4m3fn[1,1]{4}
      : f8e5m2[1,2]{1 2}, f32[]{2}, f8e5m2[]{0}, u8[2,1]{130 127}, f32[]{1}, u8[]{128}, f32[]{1}, u8[]{10} -> u8[1,1]{10}
      : u8[2,3,4]{rand:1}, f32[]{0.1}, u8[]{3}, i8[4,5]{rand:2}, f32[]{0.2}, i8[]{1}, f32[]{0.3}, u8[]{128} -> ?
      : u8[1,2]{3 5}, f32[]{0.5}, u8[]{1}, u8[3,1]{4 6 7}, f32[]{0.25}, u8[]{2}, f32[]{0.5}, u8[]{7} -> !do not fit
    )"),
};

}  // namespace anyrt
