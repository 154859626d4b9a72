#include "opdef/decompose_util.h"
#include "opdef/infer.h"
#include "opdef/shape_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", DTypeSet(DType::kFloat16) | DType::kFloat32}};
constexpr Param kInputs[] = {{"X", "T"}, {"bias", "T"}, {"skip", "T"}};
constexpr Param kOutputs[] = {{"Y", "T"}};

Status decompose(RewriteContext& c) {
  c.replace_output(0, c.op("Add", {c.op("Add", {c.input(0), c.input(1)}), c.input(2)}));
  return {};
}

}  // namespace

extern const OpDef op_microsoft_bias_add = {
    .name = "BiasAdd",
    .domain = "com.microsoft",
    .doc = "X + bias + skip.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer_same,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      : f32[1,1,2]{1 2}, f32[2]{10 20}, f32[1,1,2]{100 200} -> f32[1,1,2]{111 222}
    )"),
};

}  // namespace anyrt
