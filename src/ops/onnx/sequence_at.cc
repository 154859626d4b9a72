#include "opdef/sequence_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"S", sequences(kAllDTypes)}, {"T", kAllDTypes}, {"I", kIndexTypes}};
constexpr Param kInputs[] = {{"input_sequence", "S"},
                             {"position", "I", kRequiredParam, "one integer; negative counts from the end"}};
constexpr Param kOutputs[] = {{"tensor", "T"}};

Status infer(InferContext& c) {
  c.set_output(0, sequence_element(c, 0));
  return {};
}

Status eval(EvalContext& c) {
  const std::vector<Value>& values = c.value(0).sequence().values;
  ANYRT_ASSIGN(const size_t at, sequence_position(c, 1, values.size(), 0, 0));
  c.set_output(0, values[at]);
  return {};
}

}  // namespace

extern const OpDef op_onnx_sequence_at = {
    .name = "SequenceAt",
    .since = 11,
    .first = 11,
    .doc = "One element of a sequence.",
    .flags = kHostOnly,
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      : seq(f32[1]{1}, f32[2]{2 3}), i64[]{1} -> f32[2]{2 3}
      : seq(str[1]{"a"}, str[]{"b"}), i32[]{-1} -> str[]{"b"}
      : seq(i64[1]{5}), i64[1]{0} -> i64[1]{5}
      : seq(i64[1]{5}), i64[]{1} -> !position 1
      : seq(i64[1]{5}), i64[]{-2} -> !position -2
    )"),
};

}  // namespace anyrt
