#include <algorithm>

#include "opdef/eval.h"
#include "opdef/shape_util.h"
#include "opdef/strided.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kAllDTypes}};
constexpr Param kInputs[] = {{"input", "T"}, {"split", "int64", kOptionalParam, "lengths of the parts"}};
constexpr Param kOutputs[] = {{"outputs", "T", kVariadicParam}};
constexpr AttrDef kAttrs[] = {
    int_attr("axis", 0),
    attr("num_outputs", AttrKind::kInt).with_doc("without split: number of equal parts, the last one may be shorter")};

// Length of part i of `parts` equal ones.
Dim part_length(const Dim& total, size_t i, size_t parts) {
  const Dim each = Dim::ceil_div(total, static_cast<int64_t>(parts));
  if (total.is_const()) {
    const int64_t before = std::min(total.value(), each.value() * static_cast<int64_t>(i));
    return std::min(each.value(), total.value() - before);
  }
  if (i == 0 || (total - each * Dim(static_cast<int64_t>(parts))).is(0)) return each;
  const Dim left = total - each * Dim(static_cast<int64_t>(i));
  return parts == 2 ? left : Dim::min(each, Dim::max(left, 0));
}

Status check_count(const AttrReader& c, size_t outputs) {
  if (c.has_attr("num_outputs") && c.i("num_outputs") != static_cast<int64_t>(outputs)) {
    return invalid_model("num_outputs is {}, but the node has {} outputs", c.i("num_outputs"), outputs);
  }
  return {};
}

Status infer(InferContext& c) {
  if (!c.has_input(1)) ANYRT_TRY(check_count(c, c.num_outputs()));
  const SymShape* in = c.input_shape(0);
  const auto lengths = c.input_elements(1);
  if (lengths && lengths->size() != c.num_outputs()) {
    return invalid_model("split has {} entries, but the node has {} outputs", lengths->size(), c.num_outputs());
  }
  std::optional<SymShape> elements;
  if (in && in->size() == 1) elements = c.input_elements(0);
  int64_t axis = 0, at = 0;
  if (in) {
    ANYRT_ASSIGN(axis, normalize_axis(c.i("axis"), static_cast<int64_t>(in->size())));
  }
  for (size_t i = 0; i < c.num_outputs(); ++i) {
    std::optional<SymShape> out;
    if (in) {
      out = *in;
      Dim& d = (*out)[axis];
      d = lengths ? (*lengths)[i] : c.has_input(1) ? Dim() : part_length(d, i, c.num_outputs());
      if (d.is_const() && d.value() < 0) return invalid_model("part {} has a negative length", i);
    }
    if (elements && (*out)[0].is_const()) {
      const int64_t n = (*out)[0].value(), size = static_cast<int64_t>(elements->size());
      if (n <= size - at) {
        c.set_output_elements(i, SymShape(elements->begin() + at, elements->begin() + at + n));
        at += n;
      } else {
        elements.reset();
      }
    } else {
      elements.reset();
    }
    c.set_output(i, c.input_dtype(0), std::move(out));
  }
  return {};
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  const size_t parts = c.num_outputs();
  ANYRT_ASSIGN(const int64_t axis, normalize_axis(c.i("axis"), x.rank()));
  const int64_t total = x.dims()[axis];
  ANYRT_ASSIGN(std::vector<int64_t> lengths, c.input_ints(1));
  if (!c.has_input(1)) {
    ANYRT_TRY(check_count(c, parts));
    for (size_t i = 0; i < parts; ++i) lengths.push_back(part_length(total, i, parts).value());
  }
  if (lengths.size() != parts) {
    return invalid_argument("split has {} entries, but the node has {} outputs", lengths.size(), parts);
  }
  int64_t at = 0;
  for (size_t i = 0; i < parts; ++i) {
    if (lengths[i] < 0 || lengths[i] > total - at) {
      return invalid_argument("split {} does not add up to the {} elements of axis {}", shape_string(lengths), total,
                              axis);
    }
    if (c.wants_output(i)) {
      ANYRT_ASSIGN(Tensor y, slice_axis(x, axis, at, lengths[i]));
      c.set_output(i, std::move(y));
    }
    at += lengths[i];
  }
  if (at != total) {
    return invalid_argument("split {} does not add up to the {} elements of axis {}", shape_string(lengths), total,
                            axis);
  }
  return {};
}

// Before opset 13 split was an attribute (in opset 1 also an input, of the input's type); before 18 the number of equal
// parts was that of the outputs.
Status upgrade(RewriteContext& c) {
  if (c.version() == 1 && c.has_input(1) && !c.has_attr("split")) {
    c.set_input(1, c.op("Cast", {c.input(1)}, {{"to", static_cast<int64_t>(DType::kInt64)}}));
  }
  if (c.version() < 13) c.attr_to_input("split", 1);
  if (!c.has_input(1) && !c.has_attr("num_outputs")) {
    c.set_attr("num_outputs", static_cast<int64_t>(c.num_outputs()));
  }
  return {};
}

// The lengths of `parts` parts of an axis whose length only running tells.
ValueId computed_lengths(RewriteContext& c, int64_t axis, int64_t parts) {
  const ValueId shape = c.op("Shape", {c.input(0)});
  const ValueId total = c.op("Gather", {shape, c.constant_ints({axis})});
  const ValueId each = c.op("Div", {c.op("Add", {total, c.constant_ints({parts - 1})}), c.constant_ints({parts})});
  // What each part would begin with and end with, cut at the total.
  std::vector<int64_t> numbers;
  for (int64_t i = 0; i <= parts; ++i) numbers.push_back(i);
  const ValueId cuts = c.op("Min", {c.op("Mul", {each, c.constant_ints(numbers)}), total});
  const ValueId begins = c.op("Slice", {cuts, c.constant_ints({0}), c.constant_ints({parts})});
  const ValueId ends = c.op("Slice", {cuts, c.constant_ints({1}), c.constant_ints({parts + 1})});
  return c.op("Sub", {ends, begins});
}

Status downgrade(RewriteContext& c) {
  if (c.version() >= 18) return {};
  c.remove_attr("num_outputs");
  if (!c.has_input(1)) {
    const Type& in = c.input_type(0);
    if (!in.is_tensor() || !in.shape) return not_implemented("equal parts of an input of unknown shape");
    ANYRT_ASSIGN(const int64_t axis, normalize_axis(c.i("axis"), static_cast<int64_t>(in.shape->size())));
    const Dim total = (*in.shape)[axis];
    const size_t parts = c.num_outputs();
    const Dim count(static_cast<int64_t>(parts));
    if ((Dim::ceil_div(total, count) * count - total).is(0)) return {};  // equal in older opsets too
    if (total.is_const()) {
      std::vector<int64_t> lengths;
      for (size_t i = 0; i < parts; ++i) lengths.push_back(part_length(total, i, parts).value());
      c.set_input(1, c.constant_ints(lengths));
    } else if (c.version() >= 13) {
      c.set_input(1, computed_lengths(c, axis, count.value()));
    } else {
      return not_implemented("parts of a dynamic axis, of which the last may be shorter");
    }
  }
  return c.version() < 13 ? c.input_to_attr(1, "split") : Status();
}

}  // namespace

extern const OpDef op_onnx_split = {
    .name = "Split",
    .since = 18,
    .doc = "Cuts a tensor into parts along an axis.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade,
    .downgrade = downgrade,
    .cases = ANYRT_CASES(R"(
      num_outputs=2 : f32[3]{1 2 3} -> f32[2]{1 2}, f32[1]{3}
      axis=-1 : f32[2,3]{1 2 3 4 5 6}, i64[2]{1 2} -> f32[2,1]{1 4}, f32[2,2]{2 3 5 6}
      : str[2]{"a" "b"}, i64[3]{0 2 0} -> str[0]{}, str[2]{"a" "b"}, str[0]{}
      num_outputs=3 axis=1 : bf16[1,7]{1 2 3 4 5 6 7} -> bf16[1,3]{1 2 3}, bf16[1,3]{4 5 6}, bf16[1,1]{7}
      num_outputs=2 : i64[0]{} -> i64[0]{}, i64[0]{}
    )"),
};

}  // namespace anyrt
