#include "opdef/reduce.h"

#include <algorithm>

namespace anyrt {

Expected<Reduction> plan_reduction(const Dims& dims, std::span<const int64_t> axes, bool keepdims) {
  const auto rank = static_cast<int64_t>(dims.size());
  ANYRT_ASSIGN(const std::vector<int64_t> normal, normalize_axes(axes, rank));
  std::vector<bool> reduced(dims.size(), false);
  for (int64_t a : normal) reduced[static_cast<size_t>(a)] = true;
  Reduction r;
  std::vector<bool> kind;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (!reduced[i]) {
      r.output.push_back(dims[i]);
      r.outputs *= dims[i];
    } else {
      if (keepdims) r.output.push_back(1);
      r.count *= dims[i];
    }
    if (dims[i] == 1) continue;
    if (!kind.empty() && kind.back() == reduced[i]) {
      r.groups.back() *= dims[i];
    } else {
      r.groups.push_back(dims[i]);
      kind.push_back(reduced[i]);
    }
  }
  if (r.groups.empty()) {
    r.groups.push_back(1);
    kind.push_back(true);
  }
  r.step.assign(r.groups.size(), 0);
  int64_t step = 1;
  for (size_t i = r.groups.size(); i-- > 0;) {
    if (kind[i]) continue;
    r.step[i] = step;
    step *= r.groups[i];
  }
  return r;
}

Expected<Reduction> plan_reduction(const EvalContext& c) {
  const Dims& dims = c.input(0).dims();
  ANYRT_ASSIGN(std::vector<int64_t> axes, c.input_ints(1));
  if (axes.empty() && c.i("noop_with_empty_axes") == 0) {
    for (size_t i = 0; i < dims.size(); ++i) axes.push_back(static_cast<int64_t>(i));
  }
  return plan_reduction(dims, axes, c.i("keepdims") != 0);
}

Status infer_reduce(InferContext& c) {
  const SymShape* in = c.input_shape(0);
  const SymShape* axes_shape = c.input_shape(1);
  if (axes_shape && axes_shape->size() > 1) {
    return invalid_model("axes must be a vector, found shape {}", shape_string(*axes_shape));
  }
  c.set_output(0, c.input_dtype(0));
  if (!in) return {};
  const bool keepdims = c.i("keepdims") != 0;
  std::optional<std::vector<int64_t>> axes = c.input_ints(1);
  if (!c.has_input(1)) axes.emplace();
  if (!axes) {
    // Which axes is not known, but maybe how many.
    const bool some = axes_shape && axes_shape->size() == 1 && (*axes_shape)[0].is_const() && !(*axes_shape)[0].is(0);
    if (keepdims) {
      c.set_output(0, c.input_dtype(0), SymShape(in->size()));
    } else if (some && (*axes_shape)[0].value() <= static_cast<int64_t>(in->size())) {
      c.set_output(0, c.input_dtype(0), SymShape(in->size() - static_cast<size_t>((*axes_shape)[0].value())));
    }
    return {};
  }
  if (axes->empty() && c.i("noop_with_empty_axes") == 0) {
    for (size_t i = 0; i < in->size(); ++i) axes->push_back(static_cast<int64_t>(i));
  }
  ANYRT_ASSIGN(const std::vector<int64_t> normal, normalize_axes(*axes, static_cast<int64_t>(in->size())));
  SymShape out;
  for (size_t i = 0; i < in->size(); ++i) {
    if (std::find(normal.begin(), normal.end(), static_cast<int64_t>(i)) == normal.end()) {
      out.push_back((*in)[i]);
    } else if (keepdims) {
      out.push_back(1);
    }
  }
  c.set_output(0, c.input_dtype(0), std::move(out));
  return {};
}

Status downgrade_reduce_axes(RewriteContext& c) {
  const bool noop = c.i("noop_with_empty_axes") != 0;
  ANYRT_TRY(c.input_to_attr(1, "axes"));
  std::vector<int64_t> axes = c.ints("axes");
  if (axes.empty() && noop) return not_implemented("opset {} always reduces", c.version());
  c.remove_attr("noop_with_empty_axes");
  if (axes.empty()) {
    c.remove_attr("axes");
    return {};
  }
  // Negative axes came with opset 11.
  const auto rank = c.input_rank(0);
  const bool negative = std::any_of(axes.begin(), axes.end(), [](int64_t a) { return a < 0; });
  if (c.version() >= 11 || !negative) return {};
  if (!rank) return not_implemented("opset {} needs the rank for negative axes", c.version());
  for (int64_t& a : axes) a += a < 0 ? *rank : 0;
  c.set_attr("axes", std::move(axes));
  return {};
}

ValueId reduce_like(RewriteContext& c, std::string_view op, ValueId x) {
  std::vector<ValueId> inputs = {x};
  if (c.has_input(1)) inputs.push_back(c.input(1));
  return c.ops("", op, std::move(inputs),
               {{"keepdims", c.i("keepdims")}, {"noop_with_empty_axes", c.i("noop_with_empty_axes")}}, 1)[0];
}

}  // namespace anyrt
