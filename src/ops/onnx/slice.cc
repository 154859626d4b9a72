#include <algorithm>

#include "opdef/eval.h"
#include "opdef/shape_util.h"
#include "opdef/strided.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kAllDTypes}, {"Tind", kIndexTypes}};
constexpr Param kInputs[] = {
    {"data", "T"},
    {"starts", "Tind"},
    {"ends", "Tind", kRequiredParam, "exclusive; beyond the end means to the end"},
    {"axes", "Tind", kOptionalParam, "axes that starts and ends belong to; the first ones when absent"},
    {"steps", "Tind", kOptionalParam, "negative walks backwards; 1 when absent"}};
constexpr Param kOutputs[] = {{"output", "T"}};

// Axis number of each entry of starts.
Expected<std::vector<int64_t>> sliced_axes(bool given, const std::vector<int64_t>& axes, size_t count, size_t rank) {
  if (given) {
    if (axes.size() != count) return invalid_argument("{} axes, but {} starts", axes.size(), count);
    return normalize_axes(axes, static_cast<int64_t>(rank));
  }
  if (count > rank) return invalid_argument("{} starts for an input of rank {}", count, rank);
  std::vector<int64_t> first(count);
  for (size_t i = 0; i < count; ++i) first[i] = static_cast<int64_t>(i);
  return first;
}

// Where a start or end falls on an axis of `dim` elements (step > 0); unknown when its sign is not known.
Dim clamp_symbolic(const Dim& at, const Dim& dim) {
  if (at.is_const() && at.value() < 0) return at.value() == INT64_MIN ? Dim(0) : Dim::max(dim + at, 0);
  if (at.is(0)) return 0;
  if (at == dim) return dim;
  // Ends beyond any real dim mean "to the end".
  if (at.is_const() && at.value() >= INT32_MAX) return dim;
  if (!surely_nonnegative(at)) return {};
  // Of a dim and the dim plus something the dim is smaller, a case that min() need not see through.
  if (surely_nonnegative(at - dim)) return dim;
  return surely_nonnegative(dim - at) ? at : Dim::min(at, dim);
}

Dim sliced_dim(const Dim& dim, const Dim& start, const Dim& end, int64_t step) {
  if (dim.is_const() && start.is_const() && end.is_const()) {
    return clamp_range(start.value(), end.value(), step, dim.value()).count;
  }
  if (step < 0) {
    const bool whole =
        start.is_const() && (start.is(-1) || start.value() >= INT32_MAX) && end.is_const() && end.value() <= -INT32_MAX;
    return whole ? Dim::ceil_div(dim, step == INT64_MIN ? Dim(INT64_MAX) : Dim(-step)) : Dim();
  }
  const Dim from = clamp_symbolic(start, dim), to = clamp_symbolic(end, dim);
  const Dim length = to - from;
  return Dim::ceil_div(surely_nonnegative(length) ? length : Dim::max(length, 0), step);
}

Status infer(InferContext& c) {
  c.set_output(0, c.input_dtype(0));
  const SymShape* in = c.input_shape(0);
  if (!in) return {};
  SymShape out(in->size());
  const auto starts = c.input_elements(1), ends = c.input_elements(2);
  const auto axes = c.input_ints(3), steps = c.input_ints(4);
  const auto count = starts ? std::optional<size_t>(starts->size()) : known_length(c, 1);
  if (!count || (c.has_input(3) && !axes)) {
    c.set_output(0, c.input_dtype(0), std::move(out));
    return {};
  }
  ANYRT_ASSIGN(const std::vector<int64_t> norm,
               sliced_axes(c.has_input(3), axes.value_or(std::vector<int64_t>()), *count, in->size()));
  out = *in;
  const bool known =
      starts && ends && ends->size() == *count && (!c.has_input(4) || (steps && steps->size() == *count));
  for (size_t i = 0; i < *count; ++i) {
    const int64_t step = known && steps ? (*steps)[i] : 1;
    if (step == 0) return invalid_model("the step of axis {} is 0", norm[i]);
    out[norm[i]] = known ? sliced_dim((*in)[norm[i]], (*starts)[i], (*ends)[i], step) : Dim();
  }
  const auto elements = c.input_elements(0);
  if (elements && known && in->size() == 1 && *count == 1 && (*starts)[0].is_const() && (*ends)[0].is_const()) {
    const AxisRange r = clamp_range((*starts)[0].value(), (*ends)[0].value(), steps ? (*steps)[0] : 1,
                                    static_cast<int64_t>(elements->size()));
    SymShape kept;
    for (int64_t k = 0; k < r.count; ++k) kept.push_back((*elements)[r.start + k * r.step]);
    c.set_output_elements(0, std::move(kept));
  }
  c.set_output(0, c.input_dtype(0), std::move(out));
  return {};
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  ANYRT_ASSIGN(const std::vector<int64_t> starts, c.input_ints(1));
  ANYRT_ASSIGN(const std::vector<int64_t> ends, c.input_ints(2));
  ANYRT_ASSIGN(const std::vector<int64_t> given_axes, c.input_ints(3));
  ANYRT_ASSIGN(std::vector<int64_t> steps, c.input_ints(4));
  if (!c.has_input(4)) steps.assign(starts.size(), 1);
  if (ends.size() != starts.size() || steps.size() != starts.size()) {
    return invalid_argument("{} starts, {} ends and {} steps", starts.size(), ends.size(), steps.size());
  }
  ANYRT_ASSIGN(const std::vector<int64_t> axes,
               sliced_axes(c.has_input(3), given_axes, starts.size(), x.dims().size()));
  std::vector<AxisRange> ranges(x.dims().size());
  for (size_t i = 0; i < ranges.size(); ++i) ranges[i].count = x.dims()[i];
  for (size_t i = 0; i < axes.size(); ++i) {
    if (steps[i] == 0) return invalid_argument("the step of axis {} is 0", axes[i]);
    ranges[axes[i]] = clamp_range(starts[i], ends[i], steps[i], x.dims()[axes[i]]);
  }
  ANYRT_ASSIGN(Tensor y, slice(x, ranges));
  c.set_output(0, std::move(y));
  return {};
}

// Before opset 10 starts, ends and axes were attributes.
Status upgrade(RewriteContext& c) {
  if (c.version() >= 10) return {};
  c.attr_to_input("starts", 1);
  c.attr_to_input("ends", 2);
  c.attr_to_input("axes", 3);
  return {};
}

Status downgrade(RewriteContext& c) {
  if (c.version() >= 10) return {};
  if (c.has_input(4)) {
    const Tensor* steps = c.input_constant(4);
    if (!steps) return not_implemented("computed steps came with opset 10");
    ANYRT_ASSIGN(const std::vector<int64_t> values, to_int64s(*steps));
    if (std::any_of(values.begin(), values.end(), [](int64_t s) { return s != 1; })) {
      return not_implemented("steps other than 1 came with opset 10");
    }
    c.graph().truncate_inputs(c.id(), 4);
  }
  ANYRT_TRY(c.input_to_attr(3, "axes"));
  ANYRT_TRY(c.input_to_attr(2, "ends"));
  return c.input_to_attr(1, "starts");
}

}  // namespace

extern const OpDef op_onnx_slice = {
    .name = "Slice",
    .since = 13,
    .doc = "A range of elements along some axes, with a step.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade,
    .downgrade = downgrade,
    .cases = ANYRT_CASES(R"(
      : f32[2,3]{1 2 3 4 5 6}, i64[1]{1}, i64[1]{3}, i64[1]{1} -> f32[2,2]{2 3 5 6}
      : i64[5]{0 1 2 3 4}, i64[1]{-1}, i64[1]{-9223372036854775808}, i64[1]{0}, i64[1]{-2} -> i64[3]{4 2 0}
      : str[3]{"a" "b" "c"}, i32[1]{-2}, i32[1]{2147483647} -> str[2]{"b" "c"}
      : f32[2,2]{1 2 3 4}, i64[2]{0 1}, i64[2]{9 1} -> f32[2,0]{}
      : i4[4]{1 2 3 4}, i64[1]{0}, i64[1]{4}, i64[1]{-1}, i64[1]{9223372036854775807} -> i4[1]{1}
      : f32[0]{}, i64[1]{5}, i64[1]{-5}, i64[1]{0}, i64[1]{-1} -> f32[0]{}
      : f32[2]{1 2}, i64[1]{0}, i64[1]{2}, i64[1]{0}, i64[1]{0} -> !step
      : f32[2]{1 2}, i64[1]{0}, i64[1]{2}, i64[1]{1} -> !axis 1
    )"),
};

}  // namespace anyrt
