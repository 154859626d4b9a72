#include "opdef/shape_util.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats3}};
constexpr Param kInputs[] = {{"input", "T"}};
constexpr Param kOutputs[] = {{"output", "T"}};
constexpr AttrDef kAttrs[] = {attr("bias", AttrKind::kFloats), float_attr("scale", 1.0f)};

Status upgrade(RewriteContext& c) {
  const std::vector<float>& bias = c.floats("bias");
  ANYRT_ASSIGN(Tensor shift, Tensor::make(DType::kFloat32, {static_cast<int64_t>(bias.size()), 1, 1}));
  std::copy(bias.begin(), bias.end(), shift.mutable_data<float>());
  const ValueId scaled = c.op("Mul", {c.input(0), constant_like(c, c.f("scale", 1))});
  c.replace_output(0, bias.empty() ? scaled : c.op("Add", {scaled, c.op("CastLike", {c.constant(shift), c.input(0)})}));
  return {};
}

}  // namespace

extern const OpDef op_onnx_image_scaler = {
    .name = "ImageScaler",
    .since = 1,
    .doc = "scale * x + bias[c] for images [N, C, H, W]. Left ONNX after its experiments in opset 1.",
    .flags = kDeprecated,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer_same,
    .upgrade = upgrade,
};

}  // namespace anyrt
