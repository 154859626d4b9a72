#include <cmath>

#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/upgrade_util.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats | DType::kInt16 | DType::kInt32 | DType::kInt64}};
constexpr Param kInputs[] = {{"start", "T"}, {"limit", "T", kRequiredParam, "not reached"}, {"delta", "T"}};
constexpr Param kOutputs[] = {{"output", "T"}};
constexpr AttrDef kAttrs[] = {int_attr("stash_type", 1).with_doc("element type in which narrow floats are computed")};

Status infer(InferContext& c) {
  for (size_t i = 0; i < 3; ++i) {
    if (const auto rank = c.input_rank(i); rank && *rank > 1)
      return invalid_model("input {} has rank {}, expected 0", i, *rank);
  }
  const DType dtype = c.input_dtype(0);
  const auto start = c.input_elements(0), limit = c.input_elements(1), delta = c.input_elements(2);
  const bool known = start && limit && delta && start->size() == 1 && limit->size() == 1 && delta->size() == 1;
  Dim count;
  if (known && (*delta)[0].is_const()) {
    if ((*delta)[0].is(0)) return invalid_model("delta is 0");
    count = Dim::max(Dim(0), Dim::ceil_div((*limit)[0] - (*start)[0], (*delta)[0]));
  } else if (c.input_constant(0) && c.input_constant(1) && c.input_constant(2)) {
    const auto a = to_doubles(*c.input_constant(0)), b = to_doubles(*c.input_constant(1)),
               d = to_doubles(*c.input_constant(2));
    if (a.ok() && b.ok() && d.ok() && a->size() == 1 && b->size() == 1 && d->size() == 1 && dtype == DType::kFloat64) {
      const double n = std::ceil(((*b)[0] - (*a)[0]) / (*d)[0]);
      if (n < 1e15) count = Dim(n > 0 ? static_cast<int64_t>(n) : 0);
    }
  }
  c.set_output(0, dtype, SymShape{count.is_unknown() ? c.fresh_dim("range") : count});
  if (known && count.is_const() && count.value() <= 1024) {
    SymShape elements;
    for (int64_t i = 0; i < count.value(); ++i) elements.push_back((*start)[0] + Dim(i) * (*delta)[0]);
    c.set_output_elements(0, std::move(elements));
  }
  return {};
}

Status eval_integers(EvalContext& c) {
  ANYRT_ASSIGN(const int64_t start, c.input_int(0));
  ANYRT_ASSIGN(const int64_t limit, c.input_int(1));
  ANYRT_ASSIGN(const int64_t delta, c.input_int(2));
  if (delta == 0) return invalid_argument("delta is 0");
  const __int128 span = static_cast<__int128>(limit) - start;
  const __int128 count = (span > 0) == (delta > 0) ? (span + delta - (delta > 0 ? 1 : -1)) / delta : 0;
  if (count > INT64_MAX) return invalid_argument("the range has too many elements");
  ANYRT_ASSIGN(Tensor y, Tensor::make(DType::kInt64, {static_cast<int64_t>(count)}));
  for (int64_t i = 0; i < y.size(); ++i) {
    y.mutable_data<int64_t>()[i] =
        static_cast<int64_t>(static_cast<uint64_t>(start) + static_cast<uint64_t>(i) * static_cast<uint64_t>(delta));
  }
  return c.set_output_as(0, y, c.input(0).dtype());
}

// Every operation is rounded to T, or to `narrow` where that is a 16-bit type.
template <class T>
Status eval_floats(EvalContext& c, DType narrow) {
  ANYRT_ASSIGN(const double a, c.input_double(0));
  ANYRT_ASSIGN(const double b, c.input_double(1));
  ANYRT_ASSIGN(const double d, c.input_double(2));
  const T start = static_cast<T>(a), limit = static_cast<T>(b), delta = static_cast<T>(d);
  if (delta == 0) return invalid_argument("delta is 0");
  const double steps = std::ceil(static_cast<double>(limit - start) / static_cast<double>(delta));
  if (std::isnan(steps) || steps > 1e15) return invalid_argument("a range from {} to {} by {} has no end", a, b, d);
  ANYRT_ASSIGN(Tensor y, Tensor::make(dtype_of<T>, {steps > 0 ? static_cast<int64_t>(steps) : 0}));
  T* out = y.mutable_data<T>();
  for (int64_t i = 0; i < y.size(); ++i) out[i] = static_cast<T>(i) * delta;
  if (narrow != DType::kUndefined) {
    ANYRT_ASSIGN(const Tensor rounded, cast_tensor(y, narrow));
    ANYRT_ASSIGN(y, cast_tensor(rounded, dtype_of<T>));
    out = y.mutable_data<T>();
  }
  for (int64_t i = 0; i < y.size(); ++i) out[i] += start;
  return c.set_output_as(0, y, c.input(0).dtype());
}

Status eval(EvalContext& c) {
  const DType dtype = c.input(0).dtype();
  if (is_int(dtype)) return eval_integers(c);
  const DType stash = c.dtype("stash_type");
  if (dtype == DType::kFloat64 || stash == DType::kFloat64) return eval_floats<double>(c, DType::kUndefined);
  const bool narrow = stash == DType::kFloat16 || stash == DType::kBFloat16;
  return eval_floats<float>(c, narrow && dtype != DType::kFloat32 ? stash : DType::kUndefined);
}

Status downgrade(RewriteContext& c) { return drop_attr(c, "stash_type"); }

}  // namespace

extern const OpDef op_onnx_range = {
    .name = "Range",
    .since = 27,
    .first = 11,
    .doc = "The numbers start, start + delta, … as far as limit, which is left out.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade,
    .cases = ANYRT_CASES(R"(
      : i64[]{3}, i64[]{9}, i64[]{3} -> i64[2]{3 6}
      : i32[]{10}, i32[]{4}, i32[]{-2} -> i32[3]{10 8 6}
      : f32[]{1}, f32[]{2}, f32[]{0.3} -> f32[4]{1 1.3 1.6 1.9}
      : i16[]{5}, i16[]{1}, i16[]{1} -> i16[0]{}
      : f16[]{2046}, f16[]{2052}, f16[]{2} -> f16[3]{2046 2048 2050}
      : i64[]{-9223372036854775808}, i64[]{9223372036854775807}, i64[]{9223372036854775807} -> i64[3]{-9223372036854775808 -1 9223372036854775806}
      : i64[]{0}, i64[]{1}, i64[]{0} -> !delta is 0
      : f64[]{0}, f64[]{inf}, f64[]{1} -> !no end
    )"),
};

}  // namespace anyrt
