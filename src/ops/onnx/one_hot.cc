#include <algorithm>
#include <cmath>

#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/shape_util.h"
#include "opdef/upgrade_util.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T1", kNumeric}, {"T2", kNumeric}, {"T3", kPlainDTypes}};
constexpr Param kInputs[] = {{"indices", "T1", kRequiredParam, "negative ones count from the end"},
                             {"depth", "T2", kRequiredParam, "one number: size of the new axis"},
                             {"values", "T3", kRequiredParam, "[off, on]"}};
constexpr Param kOutputs[] = {{"output", "T3"}};
constexpr AttrDef kAttrs[] = {int_attr("axis", -1).with_doc("where the new axis goes")};

Status infer(InferContext& c) {
  c.set_output(0, c.input_dtype(2));
  if (const SymShape* v = c.input_shape(2); v && (v->size() != 1 || ((*v)[0].is_const() && !(*v)[0].is(2)))) {
    return invalid_model("values has shape {}, expected [2]", shape_string(*v));
  }
  const SymShape* x = c.input_shape(0);
  if (!x) return {};
  ANYRT_ASSIGN(const int64_t axis, normalize_axis(c.i("axis"), static_cast<int64_t>(x->size()) + 1));
  Dim depth;
  if (const auto elements = c.input_elements(1); elements && elements->size() == 1) {
    depth = (*elements)[0];
  } else if (const Tensor* t = c.input_constant(1); t && t->size() == 1) {
    if (const auto v = to_doubles(*t); v.ok() && (*v)[0] >= 0 && (*v)[0] < 1e15)
      depth = Dim(static_cast<int64_t>((*v)[0]));
  }
  SymShape out = *x;
  out.insert(out.begin() + axis, depth);
  c.set_output(0, c.input_dtype(2), std::move(out));
  return {};
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  const Tensor& values = c.input(2);
  if (values.rank() != 1 || values.dim(0) != 2)
    return invalid_argument("values has shape {}, expected [2]", shape_string(values.dims()));
  ANYRT_ASSIGN(const double number, c.input_double(1));
  if (!(number >= 0 && number < 1e15)) return invalid_argument("depth is {}, expected 0 or more", number);
  const int64_t depth = static_cast<int64_t>(number);
  ANYRT_ASSIGN(const int64_t axis, normalize_axis(c.i("axis"), x.rank() + 1));
  ANYRT_ASSIGN(const Tensor indices, c.input_as(0, DType::kInt64));
  Dims dims = x.dims();
  dims.insert(dims.begin() + axis, depth);
  ANYRT_ASSIGN(Tensor * y, c.output(0, values.dtype(), dims));
  const int64_t inner = product(x.dims(), axis, x.rank());
  dispatch_storage(values.dtype(), [&]<class T>(TypeTag<T>) {
    const T off = storage<T>(values)[0], on = storage<T>(values)[1];
    T* out = mutable_storage<T>(*y);
    std::fill_n(out, y->size(), off);
    for (int64_t i = 0; i < indices.size(); ++i) {
      int64_t k = indices.data<int64_t>()[i];
      if (k < -depth || k >= depth) continue;
      if (k < 0) k += depth;
      out[(i / inner * depth + k) * inner + i % inner] = on;
    }
  });
  return {};
}

}  // namespace

extern const OpDef op_onnx_one_hot = {
    .name = "OneHot",
    .since = 11,
    .first = 9,
    .doc = "A new axis that is `on` at each index and `off` elsewhere; indices outside of it give `off` throughout.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : i64[3]{1 -1 5}, i64[]{3}, f32[2]{0 1} -> f32[3,3]{0 1 0 0 0 1 0 0 0}
      axis=0 : i32[2]{0 1}, f32[1]{2}, i8[2]{5 7} -> i8[2,2]{7 5 5 7}
      axis=1 : f32[1,2]{1 0}, i64[1]{2}, str[2]{"-" "+"} -> str[1,2,2]{"-" "+" "+" "-"}
      : u8[]{1}, i64[]{2}, bool[2]{false true} -> bool[2]{false true}
      : i64[0]{}, i64[]{2}, f16[2]{0 1} -> f16[0,2]{}
      : i64[1]{0}, i64[]{-2}, f32[2]{0 1} -> !depth is -2
    )"),
};

}  // namespace anyrt
