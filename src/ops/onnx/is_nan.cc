#include "opdef/elementwise.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T1", kFloats | kFloat8s}, {"T2", DType::kBool}};
constexpr Param kInputs[] = {{"X", "T1"}};
constexpr Param kOutputs[] = {{"Y", "T2"}};

Status eval(EvalContext& c) {
  return eval_unary_predicate<float, double>(c, [](auto x) { return std::isnan(x); });
}

}  // namespace

extern const OpDef op_onnx_is_nan = {
    .name = "IsNaN",
    .since = 20,
    .first = 9,
    .doc = "True where x is not a number.",
    .flags = kElementwise,
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer_same_bool,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : f32[4]{1 nan inf -inf} -> bool[4]{false true false false}
      : f16[2]{nan 0} -> bool[2]{true false}
      : f64[]{nan} -> bool[]{true}
      : f8e4m3fn[2]{nan 1} -> bool[2]{true false}
      : bf16[0,2]{} -> bool[0,2]{}
    )"),
};

}  // namespace anyrt
