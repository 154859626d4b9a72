#include "opdef/shape_util.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr int64_t kLongest = int64_t{1} << 40;  // beyond any image
constexpr TypeRule kTypes[] = {{"T", kFloats3}};
constexpr Param kInputs[] = {{"input", "T"}};
constexpr Param kOutputs[] = {{"output", "T"}};
constexpr AttrDef kAttrs[] = {required_attr("border", AttrKind::kInts).with_doc("left, top, right, bottom"),
                              attr("scale", AttrKind::kInts).with_doc("height and width of what remains")};

Status upgrade(RewriteContext& c) {
  const std::vector<int64_t> border = c.ints("border"), size = c.ints("scale");
  if (border.size() != 4) return invalid_model("border must hold 4 integers, found {}", border.size());
  if (!size.empty() && size.size() != 2) return invalid_model("scale must hold 2 integers, found {}", size.size());
  for (int64_t b : border) {
    if (b < 0 || b > kLongest) return invalid_model("border {} is outside of [0, {}]", b, kLongest);
  }
  const std::vector<int64_t> starts = {border[1], border[0]};
  std::vector<int64_t> ends = {border[3] ? -border[3] : kLongest, border[2] ? -border[2] : kLongest};
  for (size_t i = 0; i < size.size(); ++i) {
    if (size[i] < 0 || size[i] > kLongest) return invalid_model("scale {} is outside of [0, {}]", size[i], kLongest);
    ends[i] = starts[i] + size[i];
  }
  c.replace_output(
      0, c.op("Slice", {c.input(0), c.constant_ints(starts), c.constant_ints(ends), c.constant_ints({2, 3})}));
  return {};
}

}  // namespace

extern const OpDef op_onnx_crop = {
    .name = "Crop",
    .since = 1,
    .doc = "Cuts a rectangle out of images [N, C, H, W]. Left ONNX after its experiments in opset 1.",
    .flags = kDeprecated,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer =
        [](InferContext& c) {
          c.set_output(0, c.input_dtype(0));
          return ok_status();
        },
    .upgrade = upgrade,
};

}  // namespace anyrt
