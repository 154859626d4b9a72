#include "opdef/sequence_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"S", sequences(kAllDTypes)}, {"I", kIndexTypes}};
constexpr Param kInputs[] = {{"input_sequence", "S"},
                             {"position", "I", kOptionalParam, "one integer; the last element when absent"}};
constexpr Param kOutputs[] = {{"output_sequence", "S"}};

Status infer(InferContext& c) {
  c.set_output(0, c.input_type(0));
  return {};
}

Status eval(EvalContext& c) {
  Sequence out = c.value(0).sequence();
  if (out.values.empty()) return invalid_argument("the sequence is empty");
  ANYRT_ASSIGN(const size_t at, sequence_position(c, 1, out.values.size(), 0, out.values.size() - 1));
  out.values.erase(out.values.begin() + static_cast<std::ptrdiff_t>(at));
  c.set_output(0, std::move(out));
  return {};
}

}  // namespace

extern const OpDef op_onnx_sequence_erase = {
    .name = "SequenceErase",
    .since = 11,
    .first = 11,
    .doc = "A sequence without one of its elements.",
    .flags = kHostOnly,
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      : seq(f32[1]{1}, f32[2]{2 3}), i64[]{0} -> seq(f32[2]{2 3})
      : seq(f32[1]{1}, f32[2]{2 3}) -> seq(f32[1]{1})
      : seq(str[]{"a"}, str[]{"b"}), i32[]{-2} -> seq(str[]{"b"})
      : seq(i64[1]{5}), i64[]{3} -> !position 3
    )"),
};

}  // namespace anyrt
