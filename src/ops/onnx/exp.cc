#include "opdef/elementwise.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kInputs[] = {{"input", "T"}};
constexpr Param kOutputs[] = {{"output", "T"}};

Status eval(EvalContext& c) {
  return eval_unary_float(c, [](auto x) { return std::exp(x); });
}

}  // namespace

extern const OpDef op_onnx_exp = {
    .name = "Exp",
    .since = 13,
    .doc = "e to the power of x, element by element.",
    .flags = kElementwise | kInPlace0,
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer_same,
    .eval = eval,
    .upgrade = [](RewriteContext& c) { return drop_attr(c, "consumed_inputs"); },
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : f32[5]{1.5 -2 0 -inf inf} -> f32[5]{4.481689 0.1353353 1 0 inf}
      : f64[1,1]{1.5} -> f64[1,1]{4.481689} ~ 1e-6 0
      : f16[0,3]{} -> f16[0,3]{}
      : bf16[]{1.5} -> bf16[]{4.481689} ~ 0.01 0
      : f32[3,7]{rand:5} -> ?
    )"),
};

}  // namespace anyrt
