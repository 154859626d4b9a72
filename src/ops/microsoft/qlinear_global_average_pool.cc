#include "opdef/decompose_util.h"
#include "opdef/infer.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", DTypeSet(DType::kUInt8) | DType::kInt8}};
constexpr Param kInputs[] = {
    {"X", "T"}, {"x_scale", "float32"}, {"x_zero_point", "T"}, {"y_scale", "float32"}, {"y_zero_point", "T"}};
constexpr Param kOutputs[] = {{"Y", "T"}};
constexpr AttrDef kAttrs[] = {int_attr("channels_last", 0)};

Status infer(InferContext& c) {
  c.set_output(0, c.input_dtype(0));
  return {};
}

Status decompose(RewriteContext& c) {
  const bool last = c.i("channels_last") != 0;
  const auto rank = c.input_rank(0);
  ValueId x = dequantized(c, 0, 1, 2);
  if (last && !rank) return not_implemented("channels_last input of unknown rank");
  if (last) {
    ANYRT_ASSIGN(x, channels_first(c, x, *rank));
  }
  x = c.op("GlobalAveragePool", {x});
  if (last) {
    ANYRT_ASSIGN(x, channels_last(c, x, *rank));
  }
  c.replace_output(0, quantized(c, x, 3, 4, known_dtype(c, 0)));
  return {};
}

}  // namespace

extern const OpDef op_microsoft_qlinear_global_average_pool = {
    .name = "QLinearGlobalAveragePool",
    .domain = "com.microsoft",
    .doc = "Quantised global average pooling.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      : u8[1,1,2]{2 4}, f32[]{1}, u8[]{0}, f32[]{1}, u8[]{0} -> u8[1,1,1]{3}
    )"),
};

}  // namespace anyrt
