#include <algorithm>

#include "opdef/ml_util.h"
#include "opdef/shape_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T1", kMlNumbers}};
constexpr Param kInputs[] = {{"X", "T1", kVariadicParam, "[C] or [N,…]"}};
constexpr Param kOutputs[] = {{"Y", "float32", kRequiredParam, "[N, sum of inputdimensions]"}};
constexpr AttrDef kAttrs[] = {
    attr("inputdimensions", AttrKind::kInts).with_doc("columns of each input: cut or filled up with 0")};

Expected<int64_t> total_width(const AttrReader& c, size_t inputs) {
  const std::vector<int64_t>& widths = c.ints("inputdimensions");
  if (widths.size() != inputs) return invalid_model("{} inputdimensions for {} inputs", widths.size(), inputs);
  int64_t total = 0;
  for (int64_t w : widths) {
    if (w < 0 || __builtin_add_overflow(total, w, &total)) return invalid_model("an input dimension is {}", w);
  }
  return total;
}

Status infer(InferContext& c) {
  ANYRT_ASSIGN(const int64_t width, total_width(c, c.num_inputs()));
  c.set_output(0, DType::kFloat32, SymShape{infer_rows(c, 0), Dim(width)});
  return {};
}

Status eval(EvalContext& c) {
  ANYRT_ASSIGN(const int64_t width, total_width(c, c.num_inputs()));
  const auto rows_in = [](const Tensor& x) { return x.rank() > 1 ? x.dim(0) : 1; };
  if (c.num_inputs() == 0) return invalid_argument("at least one input is needed");
  const int64_t rows = rows_in(c.input(0));
  ANYRT_ASSIGN(Tensor * y, c.output(0, DType::kFloat32, {rows, width}));
  std::fill_n(y->mutable_data<float>(), y->size(), 0.0f);
  int64_t start = 0;
  for (size_t i = 0; i < c.num_inputs(); ++i) {
    ANYRT_ASSIGN(const Tensor x, c.input_as(i, DType::kFloat32));
    if (rows_in(x) != rows) return invalid_argument("input {} has {} rows, the first one {}", i, rows_in(x), rows);
    const int64_t columns = rows > 0 ? x.size() / rows : 0, wanted = c.ints("inputdimensions")[i];
    for (int64_t r = 0; r < rows; ++r) {
      std::copy_n(x.data<float>() + r * columns, std::min(columns, wanted),
                  y->mutable_data<float>() + r * width + start);
    }
    start += wanted;
  }
  return {};
}

}  // namespace

extern const OpDef op_ml_feature_vectorizer = {
    .name = "FeatureVectorizer",
    .domain = kMlDomain,
    .doc = "Puts the columns of its inputs side by side.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      inputdimensions=[2,1] : i64[2,2]{1 2 3 4}, i64[2,1]{5 6} -> f32[2,3]{1 2 5 3 4 6}
      inputdimensions=[3,1] : f32[2,2]{1 2 3 4}, f32[2,2]{1 2 3 4} -> f32[2,4]{1 2 0 1 3 4 0 3}
      inputdimensions=[2,1] : f64[2]{1 2}, f64[1]{3} -> f32[1,3]{1 2 3}
      inputdimensions=[1] : f32[0,1]{} -> f32[0,1]{}
      inputdimensions=[1] : f32[1]{1}, f32[1]{2} -> !1 inputdimensions
      inputdimensions=[1,1] : f32[1,1]{1}, f32[2,1]{2 3} -> !2 rows
    )"),
};

}  // namespace anyrt
