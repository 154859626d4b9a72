#include "opdef/eval.h"
#include "opdef/shape_util.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kAllDTypes}};
constexpr Param kInputs[] = {{"input", "T"}};
constexpr Param kOutputs[] = {{"output", "T", kRequiredParam, "a matrix of the same elements"}};
constexpr AttrDef kAttrs[] = {int_attr("axis", 1).with_doc("axes before it make the rows, the others the columns")};

Status infer(InferContext& c) {
  forward_elements(c);
  const SymShape* s = c.input_shape(0);
  if (!s) {
    c.set_output(0, c.input_dtype(0), SymShape(2));
    return {};
  }
  ANYRT_ASSIGN(const int64_t axis, normalize_axis(c.i("axis"), static_cast<int64_t>(s->size()), 1));
  const size_t split = static_cast<size_t>(axis);
  c.set_output(0, c.input_dtype(0), SymShape{shape_product(*s, 0, split), shape_product(*s, split, s->size())});
  return {};
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  ANYRT_ASSIGN(const int64_t axis, normalize_axis(c.i("axis"), x.rank(), 1));
  const std::span<const int64_t> dims(x.dims());
  ANYRT_ASSIGN(const int64_t rows, checked_element_count(dims.first(static_cast<size_t>(axis))));
  ANYRT_ASSIGN(const int64_t columns, checked_element_count(dims.subspan(static_cast<size_t>(axis))));
  ANYRT_ASSIGN(Tensor y, x.reshaped({rows, columns}));
  c.set_output(0, std::move(y));
  return {};
}

Status downgrade(RewriteContext& c) {
  if (c.version() >= 11 || c.i("axis") >= 0) return {};
  const auto rank = c.input_rank(0);
  if (!rank) return not_implemented("a negative axis came with opset 11; the input's rank is not known");
  c.set_attr("axis", c.i("axis") + *rank);
  return {};
}

}  // namespace

extern const OpDef op_onnx_flatten = {
    .name = "Flatten",
    .since = 25,
    .doc = "Folds a tensor into a matrix.",
    .flags = kView,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade,
    .cases = ANYRT_CASES(R"(
      : f32[2,3,1]{1 2 3 4 5 6} -> f32[2,3]{1 2 3 4 5 6}
      axis=0 : i8[2,2]{1 2 3 4} -> i8[1,4]{1 2 3 4}
      axis=-1 : f32[2,3,0]{} -> f32[6,0]{}
      axis=2 : bool[1,2]{true false} -> bool[2,1]{true false}
      axis=0 : str[]{"a"} -> str[1,1]{"a"}
      axis=4 : f32[2,3,1]{rand:1} -> !axis 4
    )"),
};

}  // namespace anyrt
