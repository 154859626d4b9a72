#include "opdef/elementwise.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kNumeric}};
constexpr Param kInputs[] = {{"X", "T"}};
constexpr Param kOutputs[] = {{"Y", "T"}};

Status eval(EvalContext& c) {
  return eval_unary<float, double, int64_t, uint64_t>(c, []<class T>(T x) {
    if constexpr (std::is_floating_point_v<T>)
      return std::abs(x);
    else if constexpr (std::is_signed_v<T>)
      return x < 0 ? static_cast<T>(uint64_t{0} - static_cast<uint64_t>(x)) : x;
    else
      return x;
  });
}

}  // namespace

extern const OpDef op_onnx_abs = {
    .name = "Abs",
    .since = 13,
    .doc = "Absolute value, element by element; the smallest integer stays as it is.",
    .flags = kElementwise | kInPlace0,
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer_same,
    .eval = eval,
    .upgrade = [](RewriteContext& c) { return drop_attr(c, "consumed_inputs"); },
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : f32[5]{1.5 -1.5 0 -inf nan} -> f32[5]{1.5 1.5 0 inf nan}
      : f64[1,1]{1.5} -> f64[1,1]{1.5} ~ 1e-6 0
      : f16[0,3]{} -> f16[0,3]{}
      : bf16[]{1.5} -> bf16[]{1.5} ~ 0.01 0
      : f32[3,7]{rand:5} -> ?
      : i8[3]{-128 -5 5} -> i8[3]{-128 5 5}
      : i64[2]{-9223372036854775808 -1} -> i64[2]{-9223372036854775808 1}
      : u64[1]{18446744073709551615} -> u64[1]{18446744073709551615}
    )"),
};

}  // namespace anyrt
