#include "opdef/infer.h"
#include "opdef/rewrite.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kPlainDTypes}};
constexpr Param kInputs[] = {{"X", "T"}, {"scales", "float32", kRequiredParam, "one an axis"}};
constexpr Param kOutputs[] = {{"Y", "T"}};
constexpr AttrDef kAttrs[] = {string_attr("mode", "nearest").with_doc("nearest or linear")};

Status infer(InferContext& c) {
  const auto rank = c.input_rank(0);
  c.set_output(0, c.input_dtype(0),
               rank ? std::optional<SymShape>(SymShape(static_cast<size_t>(*rank))) : std::nullopt);
  return {};
}

// The same as Resize with positions out / scale, rounded down.
Status to_resize(RewriteContext& c) {
  std::string mode = c.s("mode").empty() ? "nearest" : c.s("mode");
  if (mode == "bilinear" || mode == "trilinear") mode = "linear";
  ValueId scales = c.num_inputs() > 1 ? c.input(1) : kNoValue;
  if (c.has_attr("scales")) {  // opset 7
    scales = c.constant(Tensor::vector<float>(c.floats("scales")));
  } else if (c.has_attr("height_scale") || c.has_attr("width_scale")) {  // opset 1
    const float list[] = {1, 1, c.f("height_scale", 1), c.f("width_scale", 1)};
    scales = c.constant(Tensor::vector<float>(list));
  }
  if (scales == kNoValue) return invalid_model("scales are missing");
  c.replace_output(0, c.op("Resize", {c.input(0), kNoValue, scales},
                           {{"mode", mode},
                            {"coordinate_transformation_mode", std::string("asymmetric")},
                            {"nearest_mode", std::string("floor")}}));
  return {};
}

}  // namespace

extern const OpDef op_onnx_upsample = {
    .name = "Upsample",
    .since = 10,
    .doc = "Enlarges a tensor; replaced by Resize.",
    .flags = kDeprecated,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .decompose = to_resize,
    .upgrade = to_resize,
};

}  // namespace anyrt
