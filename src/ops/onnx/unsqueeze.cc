#include "opdef/eval.h"
#include "opdef/shape_util.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kAllDTypes}};
constexpr Param kInputs[] = {{"data", "T"},
                             {"axes", "int64", kRequiredParam, "where the output has the new axes of one element"}};
constexpr Param kOutputs[] = {{"expanded", "T"}};

// Puts ones into `dims` so that they stand at `axes` of the result.
template <class Shape>
Expected<Shape> unsqueezed(const Shape& dims, const std::vector<int64_t>& axes) {
  const size_t rank = dims.size() + axes.size();
  ANYRT_ASSIGN(const std::vector<int64_t> norm, normalize_axes(axes, static_cast<int64_t>(rank)));
  std::vector<bool> added(rank, false);
  for (int64_t a : norm) added[a] = true;
  Shape out;
  auto next = dims.begin();
  for (size_t i = 0; i < rank; ++i) out.push_back(added[i] ? typename Shape::value_type(1) : *next++);
  return out;
}

Status infer(InferContext& c) {
  c.set_output(0, c.input_dtype(0));
  forward_elements(c);
  const SymShape* s = c.input_shape(0);
  if (!s) return {};
  if (const auto axes = c.input_ints(1)) {
    ANYRT_ASSIGN(SymShape out, unsqueezed(*s, *axes));
    c.set_output(0, c.input_dtype(0), std::move(out));
  } else if (const auto added = known_length(c, 1)) {
    c.set_output(0, c.input_dtype(0), SymShape(s->size() + *added));
  }
  return {};
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  ANYRT_ASSIGN(const std::vector<int64_t> axes, c.input_ints(1));
  ANYRT_ASSIGN(Dims dims, unsqueezed(x.dims(), axes));
  ANYRT_ASSIGN(Tensor y, x.reshaped(std::move(dims)));
  c.set_output(0, std::move(y));
  return {};
}

// Before opset 13 axes was an attribute.
Status upgrade(RewriteContext& c) {
  if (c.version() >= 13) return {};
  if (!c.has_input(1) && !c.has_attr("axes")) return invalid_model("attribute axes is missing");
  c.attr_to_input("axes", 1);
  return {};
}

Status downgrade(RewriteContext& c) { return c.version() < 13 ? c.input_to_attr(1, "axes") : Status(); }

}  // namespace

extern const OpDef op_onnx_unsqueeze = {
    .name = "Unsqueeze",
    .since = 25,
    .doc = "Adds axes of one element.",
    .flags = kView,
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade,
    .downgrade = downgrade,
    .cases = ANYRT_CASES(R"(
      : f32[2]{1 2}, i64[1]{0} -> f32[1,2]{1 2}
      : f32[2]{1 2}, i64[2]{2 -3} -> f32[1,2,1]{1 2}
      : str[]{"a"}, i64[]{0} -> str[1]{"a"}
      : i2[2,0]{}, i64[1]{-1} -> i2[2,0,1]{}
      : f32[2]{1 2}, i64[2]{0 0} -> !twice
      : f32[2]{1 2}, i64[1]{2} -> !axis 2
    )"),
};

}  // namespace anyrt
