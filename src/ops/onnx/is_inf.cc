#include "opdef/elementwise.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T1", kFloats | kFloat8s}, {"T2", DType::kBool}};
constexpr Param kInputs[] = {{"X", "T1"}};
constexpr Param kOutputs[] = {{"Y", "T2"}};
constexpr AttrDef kAttrs[] = {int_attr("detect_negative", 1).with_doc("0: -inf gives false"),
                              int_attr("detect_positive", 1).with_doc("0: +inf gives false")};

Status eval(EvalContext& c) {
  const bool negative = c.i("detect_negative") != 0, positive = c.i("detect_positive") != 0;
  return eval_unary_predicate<float, double>(c, [=](auto x) { return std::isinf(x) && (x < 0 ? negative : positive); });
}

}  // namespace

extern const OpDef op_onnx_is_inf = {
    .name = "IsInf",
    .since = 20,
    .first = 10,
    .doc = "True where x is infinite.",
    .flags = kElementwise,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer_same_bool,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : f32[4]{1 nan inf -inf} -> bool[4]{false false true true}
      detect_negative=0 : f16[2]{inf -inf} -> bool[2]{true false}
      detect_positive=0 : f64[2]{inf -inf} -> bool[2]{false true}
      detect_positive=0 detect_negative=0 : f32[2]{inf -inf} -> bool[2]{false false}
      : f8e5m2[3]{inf 1 -inf} -> bool[3]{true false true}
      : bf16[]{inf} -> bool[]{true}
    )"),
};

}  // namespace anyrt
