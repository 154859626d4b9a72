#include "opdef/decompose_util.h"
#include "opdef/infer.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", DTypeSet(DType::kUInt8) | DType::kInt8}};
constexpr Param kInputs[] = {{"data", "T"},
                             {"data_scale", "float32"},
                             {"data_zero_point", "T", kOptionalParam},
                             {"reduced_scale", "float32"},
                             {"reduced_zero_point", "T", kOptionalParam}};
constexpr Param kOutputs[] = {{"reduced", "T"}};
constexpr AttrDef kAttrs[] = {required_attr("axes", AttrKind::kInts), required_attr("keepdims", AttrKind::kInt)};

Status infer(InferContext& c) {
  c.set_output(0, c.input_dtype(0));
  return {};
}

Status decompose(RewriteContext& c) {
  const std::vector<int64_t> axes = c.ints("axes");
  const int64_t keepdims = c.i("keepdims");
  const ValueId y = c.op("ReduceMean", {dequantized(c, 0, 1, 2), c.constant_ints(axes)}, {{"keepdims", keepdims}});
  c.replace_output(0, quantized(c, y, 3, 4, known_dtype(c, 0)));
  return {};
}

}  // namespace

extern const OpDef op_microsoft_qlinear_reduce_mean = {
    .name = "QLinearReduceMean",
    .domain = "com.microsoft",
    .doc = "Quantised mean over axes.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      axes=[1] keepdims=0 : u8[1,2]{2 4}, f32[]{1}, u8[]{0}, f32[]{1}, u8[]{0} -> u8[1]{3}
    )"),
};

}  // namespace anyrt
