#include "opdef/sequence_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"S", sequences(kAllDTypes)}, {"T", kAllDTypes}, {"I", kIndexTypes}};
constexpr Param kInputs[] = {{"input_sequence", "S"},
                             {"tensor", "T"},
                             {"position", "I", kOptionalParam, "where it stands afterwards; at the end when absent"}};
constexpr Param kOutputs[] = {{"output_sequence", "S"}};

Status infer(InferContext& c) {
  const Type element = sequence_element(c, 0);
  const DType dtype = c.input_dtype(1);
  if (element.is_tensor() && element.dtype != DType::kUndefined && dtype != DType::kUndefined &&
      element.dtype != dtype) {
    return invalid_model("a tensor of {} cannot join a sequence of {}", dtype_name(dtype), dtype_name(element.dtype));
  }
  const Type joined = joined_element(element, c.input_type(1));
  if (joined.defined()) c.set_output(0, Type::sequence(joined));
  return {};
}

Status eval(EvalContext& c) {
  Sequence out = c.value(0).sequence();
  const Tensor& x = c.input(1);
  if (out.values.empty() && !out.elem_type.defined()) out.elem_type = Type::tensor(x.dtype());
  if (out.elem_type.dtype != x.dtype()) {
    return invalid_argument("a tensor of {} cannot join a sequence of {}", dtype_name(x.dtype()),
                            dtype_name(out.elem_type.dtype));
  }
  ANYRT_ASSIGN(const size_t at, sequence_position(c, 2, out.values.size(), 1, out.values.size()));
  out.values.insert(out.values.begin() + static_cast<std::ptrdiff_t>(at), c.value(1));
  c.set_output(0, std::move(out));
  return {};
}

}  // namespace

extern const OpDef op_onnx_sequence_insert = {
    .name = "SequenceInsert",
    .since = 11,
    .first = 11,
    .doc = "A sequence with one more element.",
    .flags = kHostOnly,
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      : seq(f32[1]{1}), f32[2]{2 3} -> seq(f32[1]{1}, f32[2]{2 3})
      : seq(f32[1]{1}), f32[2]{2 3}, i64[]{-1} -> seq(f32[2]{2 3}, f32[1]{1})
      : seq(str[]{"a"}), str[]{"b"}, i32[]{1} -> seq(str[]{"a"}, str[]{"b"})
      : seq(f32[1]{1}), f32[]{2}, i64[]{2} -> !position 2
      : seq(f32[1]{1}), f64[]{2} -> !cannot join
    )"),
};

}  // namespace anyrt
