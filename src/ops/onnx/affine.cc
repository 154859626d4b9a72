#include "opdef/shape_util.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats3}};
constexpr Param kInputs[] = {{"input", "T"}};
constexpr Param kOutputs[] = {{"output", "T"}};
constexpr AttrDef kAttrs[] = {float_attr("alpha", 1.0f), float_attr("beta", 0.0f)};

Status upgrade(RewriteContext& c) {
  const ValueId scaled = c.op("Mul", {c.input(0), constant_like(c, c.f("alpha", 1))});
  c.replace_output(0, c.op("Add", {scaled, constant_like(c, c.f("beta", 0))}));
  return {};
}

}  // namespace

extern const OpDef op_onnx_affine = {
    .name = "Affine",
    .since = 1,
    .doc = "alpha * x + beta. Left ONNX after its experiments in opset 1.",
    .flags = kDeprecated,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer_same,
    .upgrade = upgrade,
};

}  // namespace anyrt
