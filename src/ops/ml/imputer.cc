#include "opdef/ml_util.h"
#include "opdef/shape_util.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kMlNumbers}};
constexpr Param kInputs[] = {{"X", "T", kRequiredParam, "[C] or [N,C]"}};
constexpr Param kOutputs[] = {{"Y", "T"}};
constexpr AttrDef kAttrs[] = {
    attr("imputed_value_floats", AttrKind::kFloats).with_doc("new value of each column, or one for all"),
    attr("imputed_value_int64s", AttrKind::kInts),
    float_attr("replaced_value_float", 0).with_doc("the value that stands for missing; may be NaN"),
    int_attr("replaced_value_int64", 0),
};

template <class T, class V>
Status impute(const Tensor& x, Tensor& y, const std::vector<V>& values, V replaced, int64_t width) {
  if (values.empty()) return invalid_argument("there is no imputed value for elements of {}", dtype_name(x.dtype()));
  const bool by_column = static_cast<int64_t>(values.size()) == width;
  const T* in = x.data<T>();
  T* out = y.mutable_data<T>();
  for (int64_t i = 0; i < x.size(); ++i) {
    const bool missing = in[i] == static_cast<T>(replaced) || (in[i] != in[i] && replaced != replaced);
    out[i] = missing ? static_cast<T>(values[by_column ? i % width : 0]) : in[i];
  }
  return {};
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  if (x.rank() < 1) return invalid_argument("X must have rank 1 or more");
  const int64_t width = x.rank() == 1 ? x.dim(0) : x.dim(1);
  const std::vector<float>& floats = c.floats("imputed_value_floats");
  const std::vector<int64_t>& ints = c.ints("imputed_value_int64s");
  const float float_gap = c.f("replaced_value_float");
  const int64_t int_gap = c.i("replaced_value_int64");
  ANYRT_ASSIGN(Tensor * y, c.output(0, x.dtype(), x.dims()));
  switch (x.dtype()) {
    case DType::kFloat32: return impute<float>(x, *y, floats, float_gap, width);
    case DType::kFloat64: return impute<double>(x, *y, floats, float_gap, width);
    case DType::kInt32: return impute<int32_t>(x, *y, ints, int_gap, width);
    default: return impute<int64_t>(x, *y, ints, int_gap, width);
  }
}

}  // namespace

extern const OpDef op_ml_imputer = {
    .name = "Imputer",
    .domain = kMlDomain,
    .doc = "Replaces a value that stands for missing by one for each column.",
    .flags = kInPlace0,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer_same,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      imputed_value_floats=[7.0,8.0] replaced_value_float=nan : f32[2,2]{1 nan nan 2} -> f32[2,2]{1 8 7 2}
      imputed_value_floats=[7.0] replaced_value_float=nan : f64[3]{1 nan nan} -> f64[3]{1 7 7}
      imputed_value_int64s=[7,8] : i64[2,2]{1 0 0 2} -> i64[2,2]{1 8 7 2}
      imputed_value_int64s=[7] replaced_value_int64=-1 : i32[0,3]{} -> i32[0,3]{}
      imputed_value_int64s=[7] : f32[1]{0} -> !no imputed value
    )"),
};

}  // namespace anyrt
