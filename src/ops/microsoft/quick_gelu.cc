#include "opdef/decompose_util.h"
#include "opdef/infer.h"
#include "opdef/shape_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kInputs[] = {{"X", "T"}};
constexpr Param kOutputs[] = {{"Y", "T"}};
constexpr AttrDef kAttrs[] = {float_attr("alpha", 1.702f)};

Status decompose(RewriteContext& c) {
  const ValueId scaled =
      c.op("Mul", {c.input(0), c.constant_scalar(static_cast<double>(c.f("alpha")), known_dtype(c, 0))});
  c.replace_output(0, c.op("Mul", {c.input(0), c.op("Sigmoid", {scaled})}));
  return {};
}

}  // namespace

extern const OpDef op_microsoft_quick_gelu = {
    .name = "QuickGelu",
    .domain = "com.microsoft",
    .doc = "x * sigmoid(alpha * x).",
    .flags = kElementwise,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer_same,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      alpha=1.0 : f32[2]{0 1} -> f32[2]{0 0.7310586}
    )"),
};

}  // namespace anyrt
