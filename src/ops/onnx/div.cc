#include "opdef/elementwise.h"
#include "opdef/integer_division.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kNumeric}};
constexpr Param kInputs[] = {{"A", "T"}, {"B", "T", kRequiredParam, "broadcasts with A"}};
constexpr Param kOutputs[] = {{"C", "T"}};

Status infer(InferContext& c) { return infer_broadcast_elements(c, Dim::trunc_div); }

Status eval(EvalContext& c) {
  ANYRT_TRY(check_divisors(c));
  return eval_binary<float, double, int64_t, uint64_t>(c, []<class T>(T a, T b) {
    if constexpr (std::is_floating_point_v<T>)
      return a / b;
    else
      return divide_truncating(a, b);
  });
}

}  // namespace

extern const OpDef op_onnx_div = {
    .name = "Div",
    .since = 14,
    .doc = "C = A / B, element by element with NumPy broadcasting; integers truncate toward zero.",
    .flags = kElementwise | kInPlace0,
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade_legacy_broadcast,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : f32[2,2]{1 2 3 4}, f32[2]{10 20} -> f32[2,2]{0.1 0.1 0.3 0.2}
      : i32[4]{7 -7 7 -7}, i32[4]{2 2 -2 -2} -> i32[4]{3 -3 -3 3}
      : i64[]{-9223372036854775808}, i64[]{-1} -> i64[]{-9223372036854775808}
      : i8[1]{-128}, i8[1]{-1} -> i8[1]{-128}
      : f64[4]{1 -1 0 inf}, f64[]{0} -> f64[4]{inf -inf nan inf}
      : u64[1]{18446744073709551615}, u64[1]{2} -> u64[1]{9223372036854775807}
      : i32[2]{1 2}, i32[2]{1 0} -> !by zero
      : f32[3]{rand:1}, f32[4,1]{rand:2} -> ?
    )"),
};

}  // namespace anyrt
