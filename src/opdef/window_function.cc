#include "opdef/window_function.h"

#include <cmath>

namespace anyrt {
namespace {

constexpr double kTau = 6.283185307179586;

Expected<DType> output_dtype(const AttrReader& c) {
  const DType dtype = c.dtype("output_datatype");
  if (kNumeric.has(dtype)) return dtype;
  return invalid_model("output_datatype must be a numeric type, found {}", c.i("output_datatype"));
}

}  // namespace

Status infer_cosine_window(InferContext& c) {
  ANYRT_ASSIGN(const DType dtype, output_dtype(c));
  SymShape shape(1);
  if (const auto size = c.input_elements(0)) {
    if (size->size() != 1) return invalid_model("size must hold one integer, found {}", size->size());
    if ((*size)[0].is_const() && (*size)[0].value() < 0)
      return invalid_model("size must not be negative, found {}", (*size)[0].value());
    shape[0] = (*size)[0];
  }
  c.set_output(0, dtype, std::move(shape));
  return {};
}

Status eval_cosine_window(EvalContext& c, double a0, double a1, double a2) {
  ANYRT_ASSIGN(const DType dtype, output_dtype(c));
  ANYRT_ASSIGN(const int64_t size, c.input_int(0));
  if (size < 0) return invalid_argument("size must not be negative, found {}", size);
  ANYRT_ASSIGN(Tensor y, Tensor::make(DType::kFloat64, {size}));
  const double period = static_cast<double>(c.i("periodic") != 0 ? size : size - 1);
  for (int64_t n = 0; n < size; ++n) {
    const double angle = kTau * static_cast<double>(n) / period;
    y.mutable_data<double>()[n] = a0 - a1 * std::cos(angle) + a2 * std::cos(2 * angle);
  }
  return c.set_output_as(0, y, dtype);
}

Status decompose_cosine_window(RewriteContext& c, double a0, double a1, double a2) {
  const auto number = [&](double v) { return c.constant_scalar(v, DType::kFloat64); };
  const auto cast = [&](ValueId v, DType to) { return c.op("Cast", {v}, {{"to", static_cast<int64_t>(to)}}); };
  const ValueId size = cast(c.op("Reshape", {c.input(0), c.constant_ints({})}), DType::kFloat64);
  const ValueId period = c.i("periodic") != 0 ? size : c.op("Sub", {size, number(1)});
  const ValueId steps = c.op("Range", {number(0), size, number(1)});
  const ValueId angle = c.op("Div", {c.op("Mul", {steps, number(kTau)}), period});
  const ValueId first = c.op("Mul", {c.op("Cos", {angle}), number(-a1)});
  const ValueId second = c.op("Mul", {c.op("Cos", {c.op("Mul", {angle, number(2)})}), number(a2)});
  const ValueId sum = c.op("Add", {c.op("Add", {first, second}), number(a0)});
  c.replace_output(0, cast(sum, c.dtype("output_datatype")));
  return {};
}

}  // namespace anyrt
