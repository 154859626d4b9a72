#include "opdef/elementwise.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kInputs[] = {{"X", "T"}};
constexpr Param kOutputs[] = {{"Y", "T"}};

Status eval(EvalContext& c) {
  return eval_unary_float(
      c, [](auto x) { return x * std::tanh(std::max<decltype(x)>(x, 0) + std::log1p(std::exp(-std::abs(x)))); });
}

Status decompose(RewriteContext& c) {
  c.replace_output(0, c.op("Mul", {c.input(0), c.op("Tanh", {c.op("Softplus", {c.input(0)})})}));
  return {};
}

}  // namespace

extern const OpDef op_onnx_mish = {
    .name = "Mish",
    .since = 22,
    .first = 18,
    .doc = "x * tanh(softplus(x)), element by element.",
    .flags = kElementwise | kInPlace0,
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer_same,
    .eval = eval,
    .decompose = decompose,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : f32[6]{1.5 -1.5 0 3 -3 100} -> f32[6]{1.403378 -0.2980997 0 2.986535 -0.1456475 100}
      : f64[1,1]{1.5} -> f64[1,1]{1.403378} ~ 1e-6 0
      : f16[0,3]{} -> f16[0,3]{}
      : bf16[]{1.5} -> bf16[]{1.403378} ~ 0.01 0
      : f32[3,7]{rand:5} -> ?
    )"),
};

}  // namespace anyrt
