#include "opdef/elementwise.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kNumeric}, {"T1", DType::kBool}};
constexpr Param kInputs[] = {{"A", "T"}, {"B", "T", kRequiredParam, "broadcasts with A"}};
constexpr Param kOutputs[] = {{"C", "T1"}};

Status eval(EvalContext& c) {
  return eval_compare<float, double, int64_t, uint64_t>(c, [](auto a, auto b) { return a < b; });
}

}  // namespace

extern const OpDef op_onnx_less = {
    .name = "Less",
    .since = 13,
    .doc = "True where A < B, element by element with NumPy broadcasting; never where one is NaN.",
    .flags = kElementwise,
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer_broadcast_bool,
    .eval = eval,
    .upgrade = upgrade_legacy_broadcast,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : f32[4]{1 2 3 nan}, f32[4]{2 2 2 1} -> bool[4]{true false false false}
      : f16[2,1]{1 3}, f16[2]{1 2} -> bool[2,2]{false true false false}
      : u64[2]{18446744073709551615 1}, u64[1]{1} -> bool[2]{false false}
      : i64[2]{9223372036854775807 -1}, i64[]{9223372036854775806} -> bool[2]{false true}
      : bf16[0]{}, bf16[1]{1} -> bool[0]{}
      : f64[3]{rand:1}, f64[4,1]{rand:2} -> ?
      : f32[3]{1 2 3}, f32[2]{1 2} -> !do not broadcast
    )"),
};

}  // namespace anyrt
