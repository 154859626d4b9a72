#include "opdef/decompose_util.h"
#include "opdef/infer.h"
#include "opdef/shape_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kInputs[] = {{"X", "T"}, {"bias", "T", kOptionalParam}};
constexpr Param kOutputs[] = {{"Y", "T"}};

Status decompose(RewriteContext& c) {
  ValueId x = c.input(0);
  if (c.has_input(1)) x = c.op("Add", {x, c.input(1)});
  c.replace_output(0, c.op("Gelu", {x}, {{"approximate", std::string("tanh")}}));
  return {};
}

}  // namespace

extern const OpDef op_microsoft_fast_gelu = {
    .name = "FastGelu",
    .domain = "com.microsoft",
    .doc = "Gelu by tanh, of the sum of x and the bias.",
    .flags = kElementwise,
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer_same,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      : f32[2]{0 1}, f32[2]{1 0} -> f32[2]{0.841192 0.841192} ~ 1e-4 1e-5
    )"),
};

}  // namespace anyrt
