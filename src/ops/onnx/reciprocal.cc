#include "opdef/elementwise.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kInputs[] = {{"X", "T"}};
constexpr Param kOutputs[] = {{"Y", "T"}};

Status eval(EvalContext& c) {
  return eval_unary_float(c, [](auto x) { return 1 / x; });
}

}  // namespace

extern const OpDef op_onnx_reciprocal = {
    .name = "Reciprocal",
    .since = 13,
    .doc = "1 / x, element by element.",
    .flags = kElementwise | kInPlace0,
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer_same,
    .eval = eval,
    .upgrade = [](RewriteContext& c) { return drop_attr(c, "consumed_inputs"); },
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : f32[4]{4 -0.5 0 inf} -> f32[4]{0.25 -2 inf 0}
      : f64[1,1]{4} -> f64[1,1]{0.25} ~ 1e-6 0
      : f16[0,3]{} -> f16[0,3]{}
      : bf16[]{4} -> bf16[]{0.25} ~ 0.01 0
      : f32[3,7]{rand:5} -> ?
    )"),
};

}  // namespace anyrt
