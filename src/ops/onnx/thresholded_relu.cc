#include "opdef/elementwise.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kInputs[] = {{"X", "T"}};
constexpr Param kOutputs[] = {{"Y", "T"}};
constexpr AttrDef kAttrs[] = {float_attr("alpha", 1.0f).with_doc("threshold")};

Status eval(EvalContext& c) {
  const float alpha = c.f("alpha");
  return eval_unary_float(c, [=]<class T>(T x) { return x > static_cast<T>(alpha) ? x : T(0); });
}

Status decompose(RewriteContext& c) {
  const ValueId above = c.op("Greater", {c.input(0), constant_like(c, c.f("alpha"))});
  c.replace_output(0, c.op("Where", {above, c.input(0), constant_like(c, 0)}));
  return {};
}

}  // namespace

extern const OpDef op_onnx_thresholded_relu = {
    .name = "ThresholdedRelu",
    .since = 22,
    .doc = "x where x > alpha, 0 elsewhere.",
    .flags = kElementwise | kInPlace0,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer_same,
    .eval = eval,
    .decompose = decompose,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : f32[5]{1.5 -1.5 1 0.5 inf} -> f32[5]{1.5 0 0 0 inf}
      : f64[1,1]{1.5} -> f64[1,1]{1.5} ~ 1e-6 0
      : f16[0,3]{} -> f16[0,3]{}
      : bf16[]{1.5} -> bf16[]{1.5} ~ 0.01 0
      : f32[3,7]{rand:5} -> ?
      alpha=2 : f32[2]{1.5 2.5} -> f32[2]{0 2.5}
    )"),
};

}  // namespace anyrt
