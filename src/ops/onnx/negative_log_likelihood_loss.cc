#include "opdef/nll_loss.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}, {"Tind", kIndexTypes}};
constexpr Param kInputs[] = {{"input", "T", kRequiredParam, "log-probabilities, [N, C] or [N, C, D1, …]"},
                             {"target", "Tind", kRequiredParam, "classes, [N] or [N, D1, …]"},
                             {"weight", "T", kOptionalParam, "[C], 1 when omitted"}};
constexpr Param kOutputs[] = {{"loss", "T"}};
constexpr AttrDef kAttrs[] = {attr("ignore_index", AttrKind::kInt).with_doc("a target that does not count"),
                              string_attr("reduction", "mean").with_doc("none, sum or mean (by weight)")};

Status eval(EvalContext& c) {
  const DType dtype = c.input(0).dtype();
  ANYRT_ASSIGN(const Tensor x, c.input_as(0, compute_dtype(dtype)));
  return eval_nll_loss(c, x, dtype);
}

Status decompose(RewriteContext& c) {
  const std::string reduction = c.s("reduction");
  ValueId target = c.input(1), ignored = kNoValue;
  if (c.has_attr("ignore_index")) {
    ignored = c.op("Equal", {target, constant_like(c, static_cast<double>(c.i("ignore_index")), 1)});
    target = c.op("Where", {ignored, constant_like(c, 0, 1), target});
  }
  const ValueId axis = c.constant_ints({1});
  const ValueId column = c.op("Unsqueeze", {target, axis});
  const ValueId picked = c.op("GatherElements", {c.input(0), column}, {{"axis", int64_t{1}}});
  ValueId loss = c.op("Neg", {c.op("Squeeze", {picked, axis})});
  ValueId weight = kNoValue;
  if (c.has_input(2)) {
    weight = c.op("Gather", {c.input(2), target});
    loss = c.op("Mul", {loss, weight});
  }
  if (ignored != kNoValue) {
    const ValueId zero = constant_like(c, 0);
    loss = c.op("Where", {ignored, zero, loss});
    weight = c.op("Where", {ignored, zero, weight != kNoValue ? weight : constant_like(c, 1)});
  }
  const Attr scalar = {"keepdims", int64_t{0}};
  if (reduction == "sum" || (reduction == "mean" && weight != kNoValue)) {
    loss = c.op("ReduceSum", {loss}, {scalar});
    if (reduction == "mean") loss = c.op("Div", {loss, c.op("ReduceSum", {weight}, {scalar})});
  } else if (reduction == "mean") {
    loss = c.op("ReduceMean", {loss}, {scalar});
  }
  c.replace_output(0, loss);
  return {};
}

}  // namespace

extern const OpDef op_onnx_negative_log_likelihood_loss = {
    .name = "NegativeLogLikelihoodLoss",
    .since = 22,
    .first = 12,
    .doc = "Minus the weighted log-probability of the target class, for every target, summed or averaged.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = [](InferContext& c) { return infer_loss(c, 0); },
    .eval = eval,
    .decompose = decompose,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      reduction="none" : f32[2,3,2]{1 2 2 2 3 2 0 1 2 2 1 2}, i64[2,2]{2 1 0 2} -> f32[2,2]{-3 -2 -0 -2}
      reduction="sum" : f32[2,3,2]{1 2 2 2 3 2 0 1 2 2 1 2}, i32[2,2]{2 1 0 2}, f32[3]{0.2 0.3 0.1} -> f32[]{-1.1}
      : f64[2,3,2]{1 2 2 2 3 2 0 1 2 2 1 2}, i64[2,2]{2 1 0 2}, f64[3]{0.2 0.3 0.1} -> f64[]{-1.5714285714285714} ~ 1e-6 0
      ignore_index=-1 : f16[2,2]{1 2 3 4}, i64[2]{-1 1} -> f16[]{-4}
      ignore_index=0 : f32[1,2]{1 2}, i64[1]{0} -> f32[]{nan}
      reduction="none" : bf16[0,2]{}, i64[0]{} -> bf16[0]{}
      : f32[1,2]{1 2}, i64[1]{2} -> !not one of 2 classes
      : f32[2,2]{1 2 3 4}, i64[2,1]{1 1} -> !targets
    )"),
};

}  // namespace anyrt
