#include "opdef/decompose_util.h"
#include "opdef/infer.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}, {"T1", kFloats}, {"T2", DType::kBool}};
constexpr Param kInputs[] = {{"data", "T"},
                             {"bias", "T"},
                             {"residual", "T", kOptionalParam},
                             {"ratio", "T1", kOptionalParam},
                             {"training_mode", "T2", kOptionalParam}};
constexpr Param kOutputs[] = {{"output", "T"}, {"mask", "T2", kOptionalParam}};
constexpr AttrDef kAttrs[] = {attr("seed", AttrKind::kInt)};

Status infer(InferContext& c) {
  c.set_output(0, c.input_type(0));
  c.set_output(1, DType::kBool, c.input_shape(0) ? std::optional<SymShape>(*c.input_shape(0)) : std::nullopt);
  return {};
}

Status decompose(RewriteContext& c) {
  std::vector<ValueId> in = {c.op("Add", {c.input(0), c.input(1)}), c.input(3), c.input(4)};
  while (in.back() == kNoValue) in.pop_back();
  const std::vector<ValueId> y = c.ops("", "Dropout", in, attrs_named(c, {"seed"}), 2);
  c.replace_output(0, c.has_input(2) ? c.op("Add", {y[0], c.input(2)}) : y[0]);
  c.replace_output(1, y[1]);
  return {};
}

}  // namespace

extern const OpDef op_microsoft_bias_dropout = {
    .name = "BiasDropout",
    .domain = "com.microsoft",
    .doc = "Dropout of data + bias, then the sum with residual.",
    .flags = kRandom,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      : f32[1,2]{1 2}, f32[2]{1 1}, f32[1,2]{10 20} -> f32[1,2]{12 23}
    )"),
};

}  // namespace anyrt
