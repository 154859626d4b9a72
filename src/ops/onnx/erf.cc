#include "opdef/elementwise.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kNumeric}};
constexpr Param kInputs[] = {{"input", "T"}};
constexpr Param kOutputs[] = {{"output", "T"}};

Status eval(EvalContext& c) {
  return eval_unary<float, double, int64_t, uint64_t>(c, []<class T>(T x) { return static_cast<T>(std::erf(x)); });
}

}  // namespace

extern const OpDef op_onnx_erf = {
    .name = "Erf",
    .since = 13,
    .first = 9,
    .doc = "Gauss error function, element by element.",
    .flags = kElementwise | kInPlace0,
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer_same,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : f32[5]{0.5 -2 0 -inf inf} -> f32[5]{0.5204999 -0.9953223 0 -1 1}
      : f64[1,1]{0.5} -> f64[1,1]{0.5204999} ~ 1e-6 0
      : f16[0,3]{} -> f16[0,3]{}
      : bf16[]{0.5} -> bf16[]{0.5204999} ~ 0.01 0
      : f32[3,7]{rand:5} -> ?
      : i32[3]{-3 0 30} -> i32[3]{0 0 1}
    )"),
};

}  // namespace anyrt
