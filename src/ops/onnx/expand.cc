#include "opdef/eval.h"
#include "opdef/shape_util.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kAllDTypes}};
constexpr Param kInputs[] = {{"input", "T"}, {"shape", "int64", kRequiredParam, "broadcasts with the input's shape"}};
constexpr Param kOutputs[] = {{"output", "T"}};

Status infer(InferContext& c) {
  c.set_output(0, c.input_dtype(0));
  const SymShape* in = c.input_shape(0);
  auto wanted = c.input_elements(1);
  if (!wanted) {
    if (const auto rank = known_length(c, 1); rank && in) wanted.emplace(*rank);
  }
  if (!in || !wanted) return {};
  for (const Dim& d : *wanted) {
    if (d.is_const() && d.value() < 0) return invalid_model("the shape {} has a negative dim", shape_string(*wanted));
  }
  ANYRT_ASSIGN(SymShape out, broadcast_shapes(*in, *wanted));
  const auto elements = c.input_elements(0);
  if (elements && elements->size() == 1) {
    const Dim count = shape_product(out, 0, out.size());
    if (count.is_const() && count.value() <= 1024) {
      c.set_output_elements(0, SymShape(static_cast<size_t>(count.value()), (*elements)[0]));
    }
  }
  c.set_output(0, c.input_dtype(0), std::move(out));
  return {};
}

Status eval(EvalContext& c) {
  ANYRT_ASSIGN(const Dims wanted, c.input_ints(1));
  ANYRT_TRY(checked_element_count(wanted).status());
  ANYRT_ASSIGN(const Dims dims, broadcast_dims(c.input(0).dims(), wanted));
  ANYRT_ASSIGN(Tensor y, broadcast_to(c.input(0), dims));
  c.set_output(0, std::move(y));
  return {};
}

}  // namespace

extern const OpDef op_onnx_expand = {
    .name = "Expand",
    .since = 13,
    .first = 8,
    .doc = "Repeats a tensor along axes of one element until it has the given shape.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : f32[2,1]{1 2}, i64[2]{1 3} -> f32[2,3]{1 1 1 2 2 2}
      : str[1]{"a"}, i64[2]{2 1} -> str[2,1]{"a" "a"}
      : f32[]{4}, i64[0]{} -> f32[]{4}
      : i8[1,2]{1 2}, i64[1]{1} -> i8[1,2]{1 2}
      : f32[2,1]{1 2}, i64[1]{0} -> f32[2,0]{}
      : f32[2]{1 2}, i64[1]{3} -> !do not broadcast
    )"),
};

}  // namespace anyrt
