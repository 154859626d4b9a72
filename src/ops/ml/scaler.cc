#include "opdef/ml_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kMlNumbers}};
constexpr Param kInputs[] = {{"X", "T", kRequiredParam, "[C] or [N,C]"}};
constexpr Param kOutputs[] = {{"Y", "float32"}};
constexpr AttrDef kAttrs[] = {attr("offset", AttrKind::kFloats).with_doc("subtracted first; one number or C"),
                              attr("scale", AttrKind::kFloats).with_doc("multiplied with then; one number or C")};

Status infer(InferContext& c) {
  const SymShape* s = c.input_shape(0);
  c.set_output(0, DType::kFloat32, s ? std::optional<SymShape>(*s) : std::nullopt);
  return {};
}

Status eval(EvalContext& c) {
  ANYRT_ASSIGN(const Tensor x, c.input_as(0, DType::kFloat32));
  if (x.rank() < 1) return invalid_argument("X must have rank 1 or more");
  const int64_t width = x.rank() == 1 ? x.dim(0) : x.dim(1);
  const std::vector<float>&offset = c.floats("offset"), &scale = c.floats("scale");
  for (const auto* list : {&offset, &scale}) {
    if (list->size() > 1 && static_cast<int64_t>(list->size()) != width) {
      return invalid_argument("{} offsets and {} scales for {} columns", offset.size(), scale.size(), width);
    }
  }
  const auto at = [](const std::vector<float>& list, int64_t column, float otherwise) {
    return list.empty() ? otherwise : list[list.size() == 1 ? 0 : column];
  };
  ANYRT_ASSIGN(Tensor * y, c.output(0, DType::kFloat32, x.dims()));
  for (int64_t i = 0; i < x.size(); ++i) {
    const int64_t column = i % width;
    y->mutable_data<float>()[i] = (x.data<float>()[i] - at(offset, column, 0)) * at(scale, column, 1);
  }
  return {};
}

}  // namespace

extern const OpDef op_ml_scaler = {
    .name = "Scaler",
    .domain = kMlDomain,
    .doc = "(x - offset) * scale, column by column.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      offset=[1.0,2.0] scale=[2.0,0.5] : f32[2,2]{1 2 3 4} -> f32[2,2]{0 0 4 1}
      offset=[1.0] scale=[2.0] : i64[2,2]{1 2 3 4} -> f32[2,2]{0 2 4 6}
      offset=[1.0,2.0] scale=[2.0,0.5] : f64[2]{1 nan} -> f32[2]{0 nan}
      scale=[2.0] : i32[0,2]{} -> f32[0,2]{}
      offset=[1.0,2.0] scale=[1.0] : f32[1,3]{1 2 3} -> !2 offsets
    )"),
};

}  // namespace anyrt
