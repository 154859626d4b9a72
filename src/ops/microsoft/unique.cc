#include "opdef/decompose_util.h"
#include "opdef/infer.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", DTypeSet(DType::kUInt8) | DType::kUInt16 | DType::kUInt32 | DType::kUInt64 |
                                         DType::kInt8 | DType::kInt16 | DType::kInt32 | DType::kInt64 |
                                         DType::kFloat16 | DType::kFloat32 | DType::kFloat64 | DType::kString |
                                         DType::kBool | DType::kComplex64 | DType::kComplex128}};
constexpr Param kInputs[] = {{"x", "T"}};
constexpr Param kOutputs[] = {{"y", "T"}, {"idx", "int64"}, {"counts", "int64"}};

Status infer(InferContext& c) {
  const Dim n = c.fresh_dim("unique");
  c.set_output(0, c.input_dtype(0), SymShape{n});
  c.set_output(1, DType::kInt64, c.input_shape(0) ? std::optional<SymShape>(*c.input_shape(0)) : std::nullopt);
  c.set_output(2, DType::kInt64, SymShape{n});
  return {};
}

Status decompose(RewriteContext& c) {
  const std::vector<ValueId> y = c.ops("", "Unique", {c.input(0)}, {{"sorted", int64_t{0}}}, 4);
  c.replace_output(0, y[0]);
  c.replace_output(1, y[2]);
  c.replace_output(2, y[3]);
  return {};
}

}  // namespace

extern const OpDef op_microsoft_unique = {
    .name = "Unique",
    .domain = "com.microsoft",
    .doc = "Distinct elements of a vector in the order they first stand, where each first stands, and how often.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      : f32[4]{3 1 3 2} -> f32[3]{3 1 2}, i64[4]{0 1 0 2}, i64[3]{2 1 1}
    )"),
};

}  // namespace anyrt
