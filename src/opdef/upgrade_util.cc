#include "opdef/upgrade_util.h"

namespace anyrt {

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

}  // namespace anyrt
