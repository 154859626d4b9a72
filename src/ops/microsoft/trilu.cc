#include "opdef/decompose_util.h"
#include "opdef/infer.h"
#include "opdef/shape_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", DTypeSet(DType::kFloat16) | DType::kFloat32 | DType::kFloat64 | DType::kBFloat16 |
                                         DType::kUInt8 | DType::kUInt16 | DType::kUInt32 | DType::kUInt64 |
                                         DType::kInt8 | DType::kInt16 | DType::kInt32 | DType::kInt64 | DType::kBool}};
constexpr Param kInputs[] = {{"X", "T"}, {"k", "int64", kOptionalParam}};
constexpr Param kOutputs[] = {{"Y", "T"}};
constexpr AttrDef kAttrs[] = {int_attr("upper", 1)};

Status decompose(RewriteContext& c) {
  std::vector<ValueId> in = {c.input(0)};
  if (c.has_input(1)) in.push_back(c.input(1));
  c.replace_output(0, c.ops("", "Trilu", in, attrs_named(c, {"upper"}), 1)[0]);
  return {};
}

}  // namespace

extern const OpDef op_microsoft_trilu = {
    .name = "Trilu",
    .domain = "com.microsoft",
    .doc = "Upper or lower triangle; ONNX Trilu by an older name.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer_same,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      : f32[2,2]{1 2 3 4} -> f32[2,2]{1 2 0 4}
    )"),
};

}  // namespace anyrt
