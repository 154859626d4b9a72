#include "opdef/elementwise.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kNumeric | DType::kBool | DType::kString}, {"T1", DType::kBool}};
constexpr Param kInputs[] = {{"A", "T"}, {"B", "T", kRequiredParam, "broadcasts with A"}};
constexpr Param kOutputs[] = {{"C", "T1"}};

Status eval(EvalContext& c) {
  return eval_compare<float, double, int64_t, uint64_t, std::string>(
      c, [](const auto& a, const auto& b) { return a == b; });
}

}  // namespace

extern const OpDef op_onnx_equal = {
    .name = "Equal",
    .since = 19,
    .doc = "True where A equals B, element by element with NumPy broadcasting; strings compare byte by byte.",
    .flags = kElementwise,
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer_broadcast_bool,
    .eval = eval,
    .upgrade = upgrade_legacy_broadcast,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : f32[4]{1 2 inf nan}, f32[4]{2 2 inf nan} -> bool[4]{false true true false}
      : str[2]{"a" "b"}, str[]{"b"} -> bool[2]{false true}
      : bool[2]{true false}, bool[2,1]{true false} -> bool[2,2]{true false false true}
      : i64[1]{9007199254740993}, i64[1]{9007199254740992} -> bool[1]{false}
      : f16[]{0}, f16[1,2]{-0 1} -> bool[1,2]{true false}
      : f32[3]{rand:1}, f32[4,1]{rand:2} -> ?
      : f32[3]{1 2 3}, f32[2]{1 2} -> !do not broadcast
    )"),
};

}  // namespace anyrt
