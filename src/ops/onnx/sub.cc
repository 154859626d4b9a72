#include "opdef/elementwise.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kNumeric}};
constexpr Param kInputs[] = {{"A", "T"}, {"B", "T", kRequiredParam, "broadcasts with A"}};
constexpr Param kOutputs[] = {{"C", "T"}};

Status infer(InferContext& c) {
  return infer_broadcast_elements(c, [](const Dim& a, const Dim& b) { return a - b; });
}

Status eval(EvalContext& c) {
  return eval_binary<float, double, int64_t, uint64_t>(c, []<class T>(T a, T b) {
    if constexpr (std::is_same_v<T, int64_t>)
      return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
    else
      return a - b;
  });
}

}  // namespace

extern const OpDef op_onnx_sub = {
    .name = "Sub",
    .since = 14,
    .doc = "C = A - B, element by element with NumPy broadcasting; integers wrap.",
    .flags = kElementwise | kInPlace0,
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade_legacy_broadcast,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : f32[2,2]{1 2 3 4}, f32[2]{10 20} -> f32[2,2]{-9 -18 -7 -16}
      : u8[2]{1 250}, u8[]{10} -> u8[2]{247 240}
      : i64[2]{-9223372036854775808 1}, i64[1]{1} -> i64[2]{9223372036854775807 0}
      : f16[3]{inf nan 1}, f16[]{inf} -> f16[3]{nan nan -inf}
      : f32[3]{rand:1}, f32[4,1]{rand:2} -> ?
      : f32[3]{1 2 3}, f32[2]{1 2} -> !do not broadcast
    )"),
};

}  // namespace anyrt
