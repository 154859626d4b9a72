#include "opdef/sequence_util.h"
#include "opdef/shape_util.h"
#include "opdef/strided.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"S", sequences(kAllDTypes)}, {"T", kAllDTypes}};
constexpr Param kInputs[] = {{"input_sequence", "S"}};
constexpr Param kOutputs[] = {{"concat_result", "T"}};
constexpr AttrDef kAttrs[] = {required_attr("axis", AttrKind::kInt),
                              int_attr("new_axis", 0).with_doc("1: the tensors are stacked along a new axis")};

Status infer(InferContext& c) {
  const Type element = sequence_element(c, 0);
  if (!element.is_tensor()) return {};
  std::optional<SymShape> out = element.shape;
  if (out) {
    const bool stacked = c.i("new_axis") != 0;
    ANYRT_ASSIGN(const int64_t axis, normalize_axis(c.i("axis"), static_cast<int64_t>(out->size()) + stacked));
    if (stacked) out->insert(out->begin() + axis, Dim());
    (*out)[axis] = Dim();
  }
  c.set_output(0, element.dtype, std::move(out));
  return {};
}

Status eval(EvalContext& c) {
  std::vector<Tensor> parts;
  for (const Value& v : c.value(0).sequence().values) {
    if (!v.is_tensor()) return invalid_argument("the sequence holds a {}", v.type_string());
    parts.push_back(v.tensor());
  }
  if (parts.empty()) return invalid_argument("the sequence is empty");
  const bool stacked = c.i("new_axis") != 0;
  if (parts[0].rank() == 0 && !stacked) return invalid_argument("scalars cannot be joined without a new axis");
  ANYRT_ASSIGN(const int64_t axis, normalize_axis(c.i("axis"), parts[0].rank() + stacked));
  ANYRT_ASSIGN(Tensor y, stacked ? stack(parts, axis) : concat(parts, axis));
  c.set_output(0, std::move(y));
  return {};
}

}  // namespace

extern const OpDef op_onnx_concat_from_sequence = {
    .name = "ConcatFromSequence",
    .since = 11,
    .first = 11,
    .doc = "Joins the tensors of a sequence along an axis, or stacks them along a new one.",
    .flags = kHostOnly,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      axis=0 : seq(f32[1]{1}, f32[2]{2 3}) -> f32[3]{1 2 3}
      axis=-1 new_axis=1 : seq(i8[2]{1 2}, i8[2]{3 4}) -> i8[2,2]{1 3 2 4}
      axis=0 new_axis=1 : seq(str[]{"a"}, str[]{"b"}) -> str[2]{"a" "b"}
      axis=1 : seq(f32[2,1]{1 2}, f32[2,0]{}) -> f32[2,1]{1 2}
      axis=0 : seq(f32[1,2]{1 2}, f32[1,1]{3}) -> !does not fit
      axis=0 new_axis=1 : seq(f32[1]{1}, f32[2]{2 3}) -> !cannot be stacked
    )"),
};

}  // namespace anyrt
