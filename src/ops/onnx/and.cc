#include "opdef/elementwise.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", DType::kBool}, {"T1", DType::kBool}};
constexpr Param kInputs[] = {{"A", "T"}, {"B", "T", kRequiredParam, "broadcasts with A"}};
constexpr Param kOutputs[] = {{"C", "T1"}};

Status eval(EvalContext& c) {
  return eval_binary<uint64_t>(c, [](uint64_t a, uint64_t b) { return a & b; });
}

}  // namespace

extern const OpDef op_onnx_and = {
    .name = "And",
    .since = 7,
    .doc = "Logical and, element by element with NumPy broadcasting.",
    .flags = kElementwise | kInPlace0,
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer_broadcast_bool,
    .eval = eval,
    .upgrade = upgrade_legacy_broadcast,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : bool[4]{true true false false}, bool[4]{true false true false} -> bool[4]{true false false false}
      : bool[2]{true false}, bool[2,1]{true false} -> bool[2,2]{true false false false}
      : bool[]{true}, bool[]{false} -> bool[]{false}
      : bool[0]{}, bool[1]{true} -> bool[0]{}
      : bool[3]{rand:1}, bool[4,1]{rand:2} -> ?
      : bool[3]{true true true}, bool[2]{true true} -> !do not broadcast
    )"),
};

}  // namespace anyrt
