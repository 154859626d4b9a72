#include "opdef/sequence_util.h"
#include "opdef/shape_util.h"
#include "opdef/strided.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kAllDTypes}, {"S", sequences(kAllDTypes)}, {"I", kIndexTypes}};
constexpr Param kInputs[] = {{"input", "T"},
                             {"split", "I", kOptionalParam, "a scalar: length of all parts; 1-D: length of each"}};
constexpr Param kOutputs[] = {{"output_sequence", "S"}};
constexpr AttrDef kAttrs[] = {int_attr("axis", 0),
                              int_attr("keepdims", 1).with_doc("0, without split: parts lose the axis")};

Status infer(InferContext& c) {
  Type element = c.input_type(0);
  if (!element.is_tensor()) return {};
  if (element.shape) {
    SymShape& s = *element.shape;
    ANYRT_ASSIGN(const int64_t axis, normalize_axis(c.i("axis"), static_cast<int64_t>(s.size())));
    if (c.has_input(1)) {
      const auto lengths = c.input_ints(1);
      const bool equal = lengths && !lengths->empty() &&
                         std::all_of(lengths->begin(), lengths->end(), [&](int64_t n) { return n == (*lengths)[0]; });
      const bool exact = equal && (c.input_rank(1) == 1 ||
                                   (s[axis].is_const() && (*lengths)[0] > 0 && s[axis].value() % (*lengths)[0] == 0));
      s[axis] = exact ? Dim((*lengths)[0]) : Dim();
    } else if (c.i("keepdims") != 0) {
      s[axis] = 1;
    } else {
      s.erase(s.begin() + axis);
    }
  }
  c.set_output(0, Type::sequence(std::move(element)));
  return {};
}

// Lengths of the parts of `total` elements.
Expected<std::vector<int64_t>> part_lengths(const EvalContext& c, int64_t total) {
  if (!c.has_input(1)) return std::vector<int64_t>(static_cast<size_t>(total), 1);
  ANYRT_ASSIGN(std::vector<int64_t> lengths, c.input_ints(1));
  if (c.input(1).rank() > 1) return invalid_argument("split must have rank 0 or 1, found {}", c.input(1).type_string());
  if (c.input(1).rank() == 0) {
    const int64_t each = lengths[0];
    if (each <= 0) return invalid_argument("split is {}, expected a length above 0", each);
    lengths.assign(static_cast<size_t>(total == 0 ? 0 : (total - 1) / each + 1), each);
    if (total % each != 0) lengths.back() = total % each;
    return lengths;
  }
  int64_t left = total;
  for (int64_t n : lengths) {
    if (n < 0 || n > left) left = -1;
    if (left < 0) break;
    left -= n;
  }
  if (left != 0) return invalid_argument("split {} does not add up to {} elements", shape_string(lengths), total);
  return lengths;
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  ANYRT_ASSIGN(const int64_t axis, normalize_axis(c.i("axis"), x.rank()));
  const int64_t total = x.dims()[axis];
  if (x.size() == 0 && total > (1 << 24)) return invalid_argument("{} empty parts are too many", total);
  ANYRT_ASSIGN(const std::vector<int64_t> lengths, part_lengths(c, total));
  Sequence out;
  out.elem_type = Type::tensor(x.dtype());
  int64_t at = 0;
  for (int64_t n : lengths) {
    ANYRT_ASSIGN(Tensor part, slice_axis(x, axis, at, n));
    if (!c.has_input(1) && c.i("keepdims") == 0) {
      Dims dims = part.dims();
      dims.erase(dims.begin() + axis);
      ANYRT_ASSIGN(part, part.reshaped(std::move(dims)));
    }
    out.values.emplace_back(std::move(part));
    at += n;
  }
  c.set_output(0, std::move(out));
  return {};
}

}  // namespace

extern const OpDef op_onnx_split_to_sequence = {
    .name = "SplitToSequence",
    .since = 24,
    .first = 11,
    .doc = "Cuts a tensor along an axis into a sequence of parts.",
    .flags = kHostOnly,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : f32[2,2]{1 2 3 4} -> seq(f32[1,2]{1 2}, f32[1,2]{3 4})
      keepdims=0 axis=-1 : f32[2,2]{1 2 3 4} -> seq(f32[2]{1 3}, f32[2]{2 4})
      : i8[5]{1 2 3 4 5}, i64[]{2} -> seq(i8[2]{1 2}, i8[2]{3 4}, i8[1]{5})
      keepdims=0 : str[3]{"a" "b" "c"}, i32[2]{1 2} -> seq(str[1]{"a"}, str[2]{"b" "c"})
      : f32[3]{1 2 3}, i64[2]{1 1} -> !add up
      : f32[3]{1 2 3}, i64[]{0} -> !above 0
    )"),
};

}  // namespace anyrt
