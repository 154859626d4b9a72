#include "opdef/decompose_util.h"
#include "opdef/infer.h"
#include "opdef/shape_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kInputs[] = {{"A", "T"}, {"B", "T"}};
constexpr Param kOutputs[] = {{"C", "T"}};

Status decompose(RewriteContext& c) {
  c.replace_output(0, c.op("Gelu", {c.op("Add", {c.input(0), c.input(1)})}));
  return {};
}

}  // namespace

extern const OpDef op_microsoft_bias_gelu = {
    .name = "BiasGelu",
    .domain = "com.microsoft",
    .doc = "Gelu of the sum of A and the bias B.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer_broadcast,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      : f32[1,2]{0 2}, f32[2]{1 -1} -> f32[1,2]{0.84134474 0.84134474}
    )"),
};

}  // namespace anyrt
