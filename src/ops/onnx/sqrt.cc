#include "opdef/elementwise.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kInputs[] = {{"X", "T"}};
constexpr Param kOutputs[] = {{"Y", "T"}};

Status eval(EvalContext& c) {
  return eval_unary_float(c, [](auto x) { return std::sqrt(x); });
}

}  // namespace

extern const OpDef op_onnx_sqrt = {
    .name = "Sqrt",
    .since = 13,
    .doc = "Square root, element by element; NaN below 0.",
    .flags = kElementwise | kInPlace0,
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer_same,
    .eval = eval,
    .upgrade = [](RewriteContext& c) { return drop_attr(c, "consumed_inputs"); },
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : f32[5]{2 9 0 -1 inf} -> f32[5]{1.414214 3 0 nan inf}
      : f64[1,1]{2} -> f64[1,1]{1.414214} ~ 1e-6 0
      : f16[0,3]{} -> f16[0,3]{}
      : bf16[]{2} -> bf16[]{1.414214} ~ 0.01 0
      : f32[3,7]{rand:5} -> ?
    )"),
};

}  // namespace anyrt
