#include "opdef/shape_util.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats3}};
constexpr Param kInputs[] = {{"input", "T"}};
constexpr Param kOutputs[] = {{"output", "T"}};
constexpr AttrDef kAttrs[] = {attr("alpha", AttrKind::kFloat), attr("beta", AttrKind::kFloat)};

Status upgrade(RewriteContext& c) {
  const ValueId inner = c.op("Mul", {c.input(0), constant_like(c, c.f("beta", 1))});
  c.replace_output(0, c.op("Mul", {c.op("Softplus", {inner}), constant_like(c, c.f("alpha", 1))}));
  return {};
}

}  // namespace

extern const OpDef op_onnx_parametric_softplus = {
    .name = "ParametricSoftplus",
    .since = 1,
    .doc = "alpha * ln(exp(beta * x) + 1). Left ONNX after its experiments in opset 1.",
    .flags = kDeprecated,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer_same,
    .upgrade = upgrade,
};

}  // namespace anyrt
