#include <algorithm>

#include "opdef/ml_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T1", kMlNumbers}, {"T2", kMlLabels}};
constexpr Param kInputs[] = {{"X", "T1", kRequiredParam, "[C] or [N,C]"}};
constexpr Param kOutputs[] = {{"Y", "T2", kRequiredParam, "[N]: a label for each row"},
                              {"Z", "float32", kRequiredParam, "[N,E]: scores"}};
constexpr AttrDef kAttrs[] = {
    attr("classlabels_ints", AttrKind::kInts),
    attr("classlabels_strings", AttrKind::kStrings),
    required_attr("coefficients", AttrKind::kFloats).with_doc("[E,C]; one row may stand for two classes"),
    attr("intercepts", AttrKind::kFloats).with_doc("[E]; 0 when absent"),
    int_attr("multi_class", 0).with_doc("how the model was trained; changes nothing here"),
    string_attr("post_transform", "NONE"),
};

ClassLabels labels_of(const AttrReader& c) { return {c, "classlabels_strings", "classlabels_ints"}; }

// Rows of coefficients, as far as the attributes alone tell.
size_t row_count(const AttrReader& c, int64_t width) {
  if (!c.floats("intercepts").empty()) return c.floats("intercepts").size();
  return width > 0 ? c.floats("coefficients").size() / static_cast<size_t>(width) : 0;
}

size_t score_columns(size_t rows, const ClassLabels& labels) { return rows == 1 && labels.size() == 2 ? 2 : rows; }

Status infer(InferContext& c) {
  ANYRT_TRY(parse_post_transform(c.s("post_transform")).status());
  const ClassLabels labels = labels_of(c);
  const SymShape* x = c.input_shape(0);
  const int64_t width = x && !x->empty() && x->back().is_const() ? x->back().value() : 0;
  const size_t columns = score_columns(row_count(c, width), labels);
  const Dim n = infer_rows(c, 0);
  c.set_output(0, labels.dtype(), SymShape{n});
  c.set_output(1, DType::kFloat32, SymShape{n, columns > 0 ? Dim(static_cast<int64_t>(columns)) : Dim()});
  return {};
}

// A single score s of class 1 becomes the scores of both classes.
void split_score(PostTransform transform, float* scores) {
  const float s = scores[0];
  if (transform == PostTransform::kLogistic) {
    scores[0] = logistic(-s);
    scores[1] = logistic(s);
    return;
  }
  scores[0] = 1 - s;
  scores[1] = s;
  if (transform == PostTransform::kProbit) apply_post_transform(transform, std::span<float>(scores, 2));
}

Status eval(EvalContext& c) {
  ANYRT_ASSIGN(const Tensor x, c.input_as(0, DType::kFloat32));
  ANYRT_ASSIGN(const Rows rows, rows_of(x));
  ANYRT_ASSIGN(const PostTransform transform, parse_post_transform(c.s("post_transform")));
  const ClassLabels labels = labels_of(c);
  const std::vector<float>&coefficients = c.floats("coefficients"), &intercepts = c.floats("intercepts");
  const size_t classes = row_count(c, rows.width), columns = score_columns(classes, labels);
  const size_t width = static_cast<size_t>(rows.width);
  if (classes == 0 || coefficients.size() != classes * width) {
    return invalid_argument("{} coefficients for {} classes of {} features", coefficients.size(), classes, width);
  }
  if (classes == 1 ? labels.size() > 2 : labels.size() < classes) {
    return invalid_argument("{} labels for {} classes", labels.size(), classes);
  }
  ANYRT_ASSIGN(Tensor * z, c.output(1, DType::kFloat32, {rows.count, static_cast<int64_t>(columns)}));
  std::vector<int64_t> chosen(static_cast<size_t>(rows.count));
  for (int64_t r = 0; r < rows.count; ++r) {
    const float* in = x.data<float>() + r * rows.width;
    float* scores = z->mutable_data<float>() + r * static_cast<int64_t>(columns);
    for (size_t k = 0; k < classes; ++k) {
      float sum = 0;
      for (size_t i = 0; i < width; ++i) sum += in[i] * coefficients[k * width + i];
      scores[k] = sum + (intercepts.empty() ? 0 : intercepts[k]);
    }
    if (classes == 1) {
      chosen[r] = scores[0] > 0 && labels.size() != 1 ? 1 : 0;
      if (columns == 2) {
        split_score(transform, scores);
      } else if (transform == PostTransform::kProbit) {
        apply_post_transform(transform, std::span<float>(scores, 1));
      }
    } else {
      chosen[r] = std::max_element(scores, scores + classes) - scores;
      apply_post_transform(transform, std::span<float>(scores, classes));
    }
  }
  return labels.write(c, 0, chosen);
}

}  // namespace

extern const OpDef op_ml_linear_classifier = {
    .name = "LinearClassifier",
    .domain = kMlDomain,
    .doc = "Scores of classes as linear functions of the features, and the label of the best one.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      coefficients=[0.1,0.2,0.3,0.4] intercepts=[0.05,0.0] classlabels_strings=["a","b"] : f32[2,2]{1 2 3 -4} -> str[2]{"b" "a"}, f32[2,2]{0.55 1.1 -0.45 -0.7}
      coefficients=[0.1,0.2] intercepts=[0.05] classlabels_ints=[5,7] : i64[2,2]{1 2 3 -4} -> i64[2]{7 5}, f32[2,2]{0.45 0.55 1.45 -0.45}
      coefficients=[0.1,0.2] intercepts=[0.05] classlabels_ints=[5,7] post_transform="LOGISTIC" : f64[2]{1 2} -> i64[1]{7}, f32[1,2]{0.3658644 0.6341356}
      coefficients=[0.1,0.2,0.3,0.4] intercepts=[0.05,0.0] classlabels_ints=[0,1] post_transform="SOFTMAX" : f32[1,2]{1 2} -> i64[1]{1}, f32[1,2]{0.36586437 0.6341356}
      coefficients=[0.1,0.2] intercepts=[0.0] classlabels_ints=[5,7] : f32[0,2]{} -> i64[0]{}, f32[0,2]{}
      coefficients=[0.1,0.2,0.3] intercepts=[0.0] classlabels_ints=[5,7] : f32[1,2]{1 2} -> !3 coefficients
    )"),
};

}  // namespace anyrt
