#include "opdef/upgrade_util.h"

namespace anyrt {

Status downgrade_unchanged(RewriteContext& c) {
  if (c.version() >= 13) return {};
  for (size_t i = 0; i < c.num_inputs(); ++i) {
    if (c.input_type(i).dtype == DType::kBFloat16) return not_implemented("bfloat16 needs opset 13");
  }
  return {};
}

Status downgrade_any_value(RewriteContext& c, int sequences) {
  const auto check = [&](const Type& t) {
    if (t.is_optional() && c.version() < 16) return not_implemented("an optional value needs opset 16");
    if (t.is_sequence() && c.version() < sequences) return not_implemented("a sequence needs opset {}", sequences);
    return Status();
  };
  for (size_t i = 0; i < c.num_inputs(); ++i) ANYRT_TRY(check(c.input_type(i)));
  for (size_t i = 0; i < c.num_outputs(); ++i) ANYRT_TRY(check(c.output_type(i)));
  return downgrade_unchanged(c);
}

Status upgrade_legacy_broadcast(RewriteContext& c) {
  if (c.version() >= 7) return {};
  const bool broadcast = c.i("broadcast", 0) != 0;
  const bool has_axis = c.has_attr("axis");
  const int64_t axis = c.i("axis", 0);
  c.remove_attr("consumed_inputs");
  c.remove_attr("broadcast");
  c.remove_attr("axis");
  if (!broadcast || !has_axis) return {};
  const auto rank_a = c.input_rank(0), rank_b = c.input_rank(1);
  if (!rank_a || !rank_b) return not_implemented("attribute axis of opset {} needs inputs of known rank", c.version());
  const int64_t start = axis < 0 ? axis + *rank_a : axis;
  const int64_t trailing = *rank_a - start - *rank_b;
  if (start < 0 || trailing < 0) {
    return invalid_model("axis {} does not align rank {} with rank {}", axis, *rank_b, *rank_a);
  }
  if (trailing == 0) return {};
  std::vector<int64_t> axes;
  for (int64_t k = 0; k < trailing; ++k) axes.push_back(*rank_b + k);
  c.set_input(1, c.op("Unsqueeze", {c.input(1), c.constant_ints(axes)}));
  return {};
}

ValueId constant_like(RewriteContext& c, double value, size_t i) {
  const DType dtype = c.input_type(i).dtype;
  if (dtype != DType::kUndefined) return c.constant_scalar(value, dtype);
  return c.op("CastLike", {c.constant_scalar(value, DType::kFloat32), c.input(i)});
}

Status upgrade_matrix_softmax(RewriteContext& c) {
  if (c.version() >= 13) return {};
  const int64_t axis = c.i("axis", 1);
  const auto rank = c.input_rank(0);
  if (axis == -1 || (rank && axis == *rank - 1)) {
    c.set_attr("axis", int64_t{-1});
    return {};
  }
  const ValueId matrix = c.op("Flatten", {c.input(0)}, {{"axis", axis}});
  const ValueId rows = c.op(c.node().op, {matrix}, {{"axis", int64_t{-1}}});
  c.replace_output(0, c.op("Reshape", {rows, c.op("Shape", {c.input(0)})}));
  return {};
}

Status downgrade_matrix_softmax(RewriteContext& c) {
  if (c.version() >= 13) return {};
  const auto rank = c.input_rank(0);
  const int64_t axis = c.i("axis");
  if (!rank) return not_implemented("opset {} needs an input of known rank", c.version());
  if (axis == -1 || axis == *rank - 1) {
    c.set_attr("axis", *rank - 1);
    return {};
  }
  std::vector<int64_t> perm(static_cast<size_t>(*rank));
  for (size_t i = 0; i < perm.size(); ++i) perm[i] = static_cast<int64_t>(i);
  std::swap(perm[static_cast<size_t>(axis < 0 ? axis + *rank : axis)], perm.back());
  const ValueId swapped = c.op("Transpose", {c.input(0)}, {{"perm", perm}});
  const ValueId rows = c.op(c.node().op, {swapped}, {{"axis", *rank - 1}});
  c.replace_output(0, c.op("Transpose", {rows}, {{"perm", perm}}));
  return {};
}

}  // namespace anyrt
