#include "opdef/sequence_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"S", sequences(kAllDTypes)}, {"I", DType::kInt64}};
constexpr Param kInputs[] = {{"input_sequence", "S"}};
constexpr Param kOutputs[] = {{"length", "I", kRequiredParam, "a scalar"}};

Status infer(InferContext& c) {
  c.set_output(0, DType::kInt64, SymShape{});
  return {};
}

Status eval(EvalContext& c) {
  c.set_output(0, Tensor::scalar(static_cast<int64_t>(c.value(0).sequence().values.size())));
  return {};
}

}  // namespace

extern const OpDef op_onnx_sequence_length = {
    .name = "SequenceLength",
    .since = 11,
    .first = 11,
    .doc = "The number of elements of a sequence.",
    .flags = kHostOnly,
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      : seq(f32[1]{1}, f32[2]{2 3}) -> i64[]{2}
      : seq(str[0]{}) -> i64[]{1}
      : seq(f8e5m2[1]{1}, f8e5m2[1]{1}, f8e5m2[1]{1}) -> i64[]{3}
    )"),
};

}  // namespace anyrt
