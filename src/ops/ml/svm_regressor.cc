#include "opdef/ml_util.h"
#include "opdef/svm.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kMlNumbers}};
constexpr Param kInputs[] = {{"X", "T", kRequiredParam, "[C] or [N,C]"}};
constexpr Param kOutputs[] = {{"Y", "float32", kRequiredParam, "[N,1]"}};
constexpr AttrDef kAttrs[] = {
    attr("coefficients", AttrKind::kFloats).with_doc("one for each support vector, or for each feature"),
    attr("kernel_params", AttrKind::kFloats).with_doc("gamma, coef0, degree"),
    string_attr("kernel_type", "LINEAR").with_doc("LINEAR, POLY, RBF or SIGMOID"),
    int_attr("n_supports", 0).with_doc("0: a linear model without support vectors"),
    int_attr("one_class", 0).with_doc("1: the sign of the result, as 1 or -1"),
    string_attr("post_transform", "NONE").with_doc("without effect on a single score"),
    attr("rho", AttrKind::kFloats).with_doc("added"),
    attr("support_vectors", AttrKind::kFloats).with_doc("[n_supports,C]"),
};

Status infer(InferContext& c) {
  ANYRT_TRY(svm_kernel(c).status());
  c.set_output(0, DType::kFloat32, SymShape{infer_rows(c, 0), Dim(1)});
  return {};
}

Status eval(EvalContext& c) {
  ANYRT_ASSIGN(const Tensor x, c.input_as(0, DType::kFloat32));
  ANYRT_ASSIGN(const Rows rows, rows_of(x));
  ANYRT_ASSIGN(const SvmKernel kernel, svm_kernel(c));
  const std::vector<float>&coefficients = c.floats("coefficients"), &vectors = c.floats("support_vectors");
  const size_t width = static_cast<size_t>(rows.width);
  const int64_t supports = c.i("n_supports");
  const size_t terms = supports > 0 ? static_cast<size_t>(supports) : width;
  // Compared by division, since a product of sizes from a model may overflow.
  const bool vectors_fit =
      supports <= 0 || (width == 0 ? vectors.empty() : vectors.size() % width == 0 && vectors.size() / width == terms);
  if (coefficients.size() != terms || !vectors_fit) {
    return invalid_argument("{} coefficients and {} numbers in support vectors for {} supports of {} features",
                            coefficients.size(), vectors.size(), supports, width);
  }
  const float rho = c.floats("rho").empty() ? 0 : c.floats("rho")[0];
  ANYRT_ASSIGN(Tensor * y, c.output(0, DType::kFloat32, {rows.count, 1}));
  for (int64_t r = 0; r < rows.count; ++r) {
    const std::span<const float> row(x.data<float>() + r * rows.width, width);
    float sum = 0;
    for (size_t k = 0; k < terms; ++k) {
      sum += coefficients[k] * (supports > 0 ? kernel(row, vectors.data() + k * width) : row[k]);
    }
    sum += rho;
    y->mutable_data<float>()[r] = c.i("one_class") == 0 ? sum : sum > 0 ? 1.0f : -1.0f;
  }
  return {};
}

}  // namespace

extern const OpDef op_ml_svm_regressor = {
    .name = "SVMRegressor",
    .domain = kMlDomain,
    .doc = "Support vector machine: a weighted sum of kernel functions, or of the features.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      coefficients=[1.0,2.0] rho=[0.5] : f32[2,2]{1 2 3 -4} -> f32[2,1]{5.5 -4.5}
      coefficients=[1.0,-1.0] n_supports=2 support_vectors=[1.0,0.0,0.0,1.0] rho=[0.0] kernel_type="RBF" kernel_params=[0.5,0.0,0.0] : i64[1,2]{1 0} -> f32[1,1]{0.63212056}
      coefficients=[1.0] n_supports=1 support_vectors=[1.0,1.0] rho=[-1.0] kernel_type="POLY" kernel_params=[1.0,1.0,2.0] : f64[2]{1 2} -> f32[1,1]{15}
      coefficients=[1.0] rho=[-1.0] one_class=1 : i32[2,1]{1 2} -> f32[2,1]{-1 1}
      coefficients=[1.0] n_supports=1 support_vectors=[1.0] rho=[0.0] : f32[1,2]{1 2} -> !support vectors
    )"),
};

}  // namespace anyrt
