#include "opdef/decompose_util.h"
#include "opdef/infer.h"
#include "opdef/shape_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kInputs[] = {{"X", "T"}};
constexpr Param kOutputs[] = {{"Y", "T"}};

Status decompose(RewriteContext& c) {
  c.replace_output(0, c.op("Gelu", {c.input(0)}));
  return {};
}

}  // namespace

extern const OpDef op_microsoft_gelu = {
    .name = "Gelu",
    .domain = "com.microsoft",
    .doc = "Gaussian error linear unit, exact.",
    .flags = kElementwise,
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer_same,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      : f32[3]{0 1 -1} -> f32[3]{0 0.84134474 -0.15865526}
    )"),
};

}  // namespace anyrt
