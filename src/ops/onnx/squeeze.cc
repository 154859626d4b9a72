#include "opdef/eval.h"
#include "opdef/shape_util.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kAllDTypes}};
constexpr Param kInputs[] = {{"data", "T"},
                             {"axes", "int64", kOptionalParam, "axes of one element to drop; all of them when absent"}};
constexpr Param kOutputs[] = {{"squeezed", "T"}};

Status infer(InferContext& c) {
  c.set_output(0, c.input_dtype(0));
  forward_elements(c);
  const SymShape* s = c.input_shape(0);
  if (!s) return {};
  const size_t rank = s->size();
  std::vector<bool> drop(rank, false);
  if (!c.has_input(1)) {
    for (size_t i = 0; i < rank; ++i) {
      if (!(*s)[i].is_const()) return {};  // it may be 1
      drop[i] = (*s)[i].is(1);
    }
  } else {
    const auto axes = c.input_ints(1);
    if (!axes) {
      const auto dropped = known_length(c, 1);
      if (dropped && *dropped <= rank) c.set_output(0, c.input_dtype(0), SymShape(rank - *dropped));
      return {};
    }
    ANYRT_ASSIGN(const std::vector<int64_t> norm, normalize_axes(*axes, static_cast<int64_t>(rank)));
    for (int64_t a : norm) {
      if ((*s)[a].is_const() && !(*s)[a].is(1)) {
        return invalid_model("axis {} of {} has {} elements, expected 1", a, shape_string(*s), (*s)[a].value());
      }
      drop[a] = true;
    }
  }
  SymShape out;
  for (size_t i = 0; i < rank; ++i) {
    if (!drop[i]) out.push_back((*s)[i]);
  }
  c.set_output(0, c.input_dtype(0), std::move(out));
  return {};
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  ANYRT_ASSIGN(std::vector<int64_t> axes, c.input_ints(1));
  ANYRT_ASSIGN(axes, normalize_axes(axes, x.rank()));
  std::vector<bool> drop(x.dims().size(), false);
  for (int64_t a : axes) {
    if (x.dims()[a] != 1) {
      return invalid_argument("axis {} of {} has {} elements, expected 1", a, x.type_string(), x.dims()[a]);
    }
    drop[a] = true;
  }
  Dims dims;
  for (size_t i = 0; i < drop.size(); ++i) {
    if (c.has_input(1) ? !drop[i] : x.dims()[i] != 1) dims.push_back(x.dims()[i]);
  }
  ANYRT_ASSIGN(Tensor y, x.reshaped(std::move(dims)));
  c.set_output(0, std::move(y));
  return {};
}

// Before opset 13 axes was an attribute; an empty list stood for none.
Status upgrade(RewriteContext& c) {
  if (c.version() >= 13) return {};
  if (c.ints("axes").empty()) return drop_attr(c, "axes");
  c.attr_to_input("axes", 1);
  return {};
}

Status downgrade(RewriteContext& c) {
  if (c.version() >= 13) return {};
  const SymShape* axes = c.has_input(1) && c.input_type(1).shape ? &*c.input_type(1).shape : nullptr;
  if (axes && axes->size() == 1 && (*axes)[0].is(0)) return not_implemented("an empty list of axes needs opset 13");
  return c.input_to_attr(1, "axes");
}

}  // namespace

extern const OpDef op_onnx_squeeze = {
    .name = "Squeeze",
    .since = 25,
    .doc = "Drops axes of one element.",
    .flags = kView,
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade,
    .downgrade = downgrade,
    .cases = ANYRT_CASES(R"(
      : f32[1,2,1]{1 2}, i64[1]{0} -> f32[2,1]{1 2}
      : f32[1,2,1]{1 2}, i64[2]{-1 0} -> f32[2]{1 2}
      : str[1,1]{"a"} -> str[]{"a"}
      : i64[1,0,1]{} -> i64[0]{}
      : u8[1,1]{7}, i64[0]{} -> u8[1,1]{7}
      : f32[1,2]{1 2}, i64[1]{1} -> !expected 1
    )"),
};

}  // namespace anyrt
