#include "opdef/shape_util.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats3}};
constexpr Param kInputs[] = {{"input", "T"}};
constexpr Param kOutputs[] = {{"output", "T"}};
constexpr AttrDef kAttrs[] = {float_attr("scale", 1.0f)};

Status upgrade(RewriteContext& c) {
  c.replace_output(0, c.op("Mul", {c.input(0), constant_like(c, c.f("scale", 1))}));
  return {};
}

}  // namespace

extern const OpDef op_onnx_scale = {
    .name = "Scale",
    .since = 1,
    .doc = "scale * x. Left ONNX after its experiments in opset 1.",
    .flags = kDeprecated,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer_same,
    .upgrade = upgrade,
};

}  // namespace anyrt
