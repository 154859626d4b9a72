#include "opdef/elementwise.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kNumeric}};
constexpr Param kInputs[] = {{"input", "T"}};
constexpr Param kOutputs[] = {{"output", "T"}};

Status eval(EvalContext& c) {
  return eval_unary<float, double, int64_t, uint64_t>(c, []<class T>(T x) {
    if constexpr (std::is_unsigned_v<T>)
      return static_cast<T>(x != 0);
    else
      return x > 0 ? T(1) : x < 0 ? T(-1) : T(x);
  });
}

}  // namespace

extern const OpDef op_onnx_sign = {
    .name = "Sign",
    .since = 13,
    .first = 9,
    .doc = "-1, 0 or 1 after the sign of x, element by element.",
    .flags = kElementwise | kInPlace0,
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer_same,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : f32[5]{1.5 -1.5 0 -inf nan} -> f32[5]{1 -1 0 -1 nan}
      : f64[1,1]{1.5} -> f64[1,1]{1} ~ 1e-6 0
      : f16[0,3]{} -> f16[0,3]{}
      : bf16[]{1.5} -> bf16[]{1} ~ 0.01 0
      : f32[3,7]{rand:5} -> ?
      : i8[3]{-128 0 5} -> i8[3]{-1 0 1}
      : u64[2]{18446744073709551615 0} -> u64[2]{1 0}
    )"),
};

}  // namespace anyrt
