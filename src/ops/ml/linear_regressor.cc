#include "opdef/ml_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kMlNumbers}};
constexpr Param kInputs[] = {{"X", "T", kRequiredParam, "[C] or [N,C]"}};
constexpr Param kOutputs[] = {{"Y", "float32", kRequiredParam, "[N,targets]"}};
constexpr AttrDef kAttrs[] = {
    attr("coefficients", AttrKind::kFloats).with_doc("[targets,C]"),
    attr("intercepts", AttrKind::kFloats).with_doc("[targets]; 0 when absent"),
    string_attr("post_transform", "NONE").with_doc("of a single target only PROBIT has an effect"),
    int_attr("targets", 1),
};

Status infer(InferContext& c) {
  ANYRT_TRY(parse_post_transform(c.s("post_transform")).status());
  if (c.i("targets") < 1) return invalid_model("targets must be 1 or more, found {}", c.i("targets"));
  c.set_output(0, DType::kFloat32, SymShape{infer_rows(c, 0), Dim(c.i("targets"))});
  return {};
}

Status eval(EvalContext& c) {
  ANYRT_ASSIGN(const Tensor x, c.input_as(0, DType::kFloat32));
  ANYRT_ASSIGN(const Rows rows, rows_of(x));
  ANYRT_ASSIGN(const PostTransform transform, parse_post_transform(c.s("post_transform")));
  const std::vector<float>&coefficients = c.floats("coefficients"), &intercepts = c.floats("intercepts");
  const int64_t targets = c.i("targets");
  int64_t expected = 0;
  if (targets < 1 || __builtin_mul_overflow(targets, rows.width, &expected) ||
      static_cast<int64_t>(coefficients.size()) != expected ||
      (!intercepts.empty() && static_cast<int64_t>(intercepts.size()) != targets)) {
    return invalid_argument("{} coefficients and {} intercepts for {} targets of {} features", coefficients.size(),
                            intercepts.size(), targets, rows.width);
  }
  ANYRT_ASSIGN(Tensor * y, c.output(0, DType::kFloat32, {rows.count, targets}));
  for (int64_t r = 0; r < rows.count; ++r) {
    const float* in = x.data<float>() + r * rows.width;
    float* out = y->mutable_data<float>() + r * targets;
    for (int64_t t = 0; t < targets; ++t) {
      float sum = 0;
      for (int64_t i = 0; i < rows.width; ++i) sum += in[i] * coefficients[t * rows.width + i];
      out[t] = sum + (intercepts.empty() ? 0 : intercepts[t]);
    }
    if (targets > 1 || transform == PostTransform::kProbit) {
      apply_post_transform(transform, std::span<float>(out, static_cast<size_t>(targets)));
    }
  }
  return {};
}

}  // namespace

extern const OpDef op_ml_linear_regressor = {
    .name = "LinearRegressor",
    .domain = kMlDomain,
    .doc = "Linear functions of the features.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      coefficients=[0.1,0.2] intercepts=[0.05] : f32[2,2]{1 2 3 -4} -> f32[2,1]{0.55 -0.45}
      coefficients=[0.1,0.2,0.3,0.4] targets=2 post_transform="SOFTMAX" : i64[1,2]{1 2} -> f32[1,2]{0.35434368 0.6456563}
      coefficients=[0.1,0.2] intercepts=[0.05] post_transform="PROBIT" : f64[2]{1 2} -> f32[1,1]{0.12566201}
      coefficients=[1.0] : i32[0,1]{} -> f32[0,1]{}
      coefficients=[1.0] : f32[1,2]{1 2} -> !1 coefficients
    )"),
};

}  // namespace anyrt
