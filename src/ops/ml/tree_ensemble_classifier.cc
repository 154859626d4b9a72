#include <algorithm>

#include "opdef/tree_ensemble.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T1", kMlNumbers}, {"T2", kMlLabels}};
constexpr Param kInputs[] = {{"X", "T1", kRequiredParam, "[N,F]"}};
constexpr Param kOutputs[] = {{"Y", "T2", kRequiredParam, "[N]: the best class of each row"},
                              {"Z", "float32", kRequiredParam, "[N,E]: the score of each class"}};
constexpr AttrDef kAttrs[] = {
    attr("base_values", AttrKind::kFloats).with_doc("added to each class"),
    attr("base_values_as_tensor", AttrKind::kTensor),
    attr("class_ids", AttrKind::kInts),
    attr("class_nodeids", AttrKind::kInts),
    attr("class_treeids", AttrKind::kInts),
    attr("class_weights", AttrKind::kFloats),
    attr("class_weights_as_tensor", AttrKind::kTensor),
    attr("classlabels_int64s", AttrKind::kInts),
    attr("classlabels_strings", AttrKind::kStrings),
    attr("nodes_falsenodeids", AttrKind::kInts),
    attr("nodes_featureids", AttrKind::kInts),
    attr("nodes_hitrates", AttrKind::kFloats),
    attr("nodes_hitrates_as_tensor", AttrKind::kTensor),
    attr("nodes_missing_value_tracks_true", AttrKind::kInts),
    attr("nodes_modes", AttrKind::kStrings).with_doc("BRANCH_LEQ, _LT, _GTE, _GT, _EQ, _NEQ or LEAF"),
    attr("nodes_nodeids", AttrKind::kInts),
    attr("nodes_treeids", AttrKind::kInts),
    attr("nodes_truenodeids", AttrKind::kInts),
    attr("nodes_values", AttrKind::kFloats),
    attr("nodes_values_as_tensor", AttrKind::kTensor),
    string_attr("post_transform", "NONE"),
};

ClassLabels labels_of(const AttrReader& c) { return {c, "classlabels_strings", "classlabels_int64s"}; }

Status infer(InferContext& c) {
  ANYRT_TRY(parse_post_transform(c.s("post_transform")).status());
  const ClassLabels labels = labels_of(c);
  if (labels.size() == 0) return invalid_model("either classlabels_int64s or classlabels_strings is needed");
  const Dim n = infer_rows(c, 0);
  c.set_output(0, labels.dtype(), SymShape{n});
  c.set_output(1, DType::kFloat32, SymShape{n, Dim(static_cast<int64_t>(labels.size()))});
  return {};
}

template <class T>
struct Classifier {
  TreeEnsemble<T> trees;
  std::vector<T> base;
  PostTransform transform = PostTransform::kNone;
  size_t classes = 0;
  bool one_sided = false;     // two classes, but the weights speak of one only
  bool all_positive = false;  // weights

  // More than two classes: the best among those that any tree spoke of.
  int64_t pick_of_many(std::span<T> scores, std::span<uint8_t> has) const {
    for (size_t k = 0; k < base.size(); ++k) {
      scores[k] += base[k];
      has[k] = 1;
    }
    int64_t best = -1;
    for (size_t k = 0; k < classes; ++k) {
      if (has[k] && (best < 0 || scores[k] > scores[best])) best = static_cast<int64_t>(k);
    }
    apply_post_transform(transform, scores);
    return std::max<int64_t>(best, 0);
  }

  // Two classes, or one: where only one score is known the other one is made up from it.
  int64_t pick_of_two(std::span<T> scores, std::span<uint8_t> has) const {
    bool single = classes == 1 || !has[1];
    if (classes == 2 && base.size() == 2) {
      if (has[1]) {
        scores[1] = base[1] + scores[0];
        scores[0] = -scores[1];
      } else {
        scores[1] += base[1];
        scores[0] += base[0];
      }
      single = false;
    } else if (base.size() == 1) {
      scores[0] += base[0];
    }
    // A class that no tree spoke of has score 0, whatever its base value.
    for (size_t k = 0; k < classes; ++k) scores[k] = has[k] ? scores[k] : T(0);
    const T border = one_sided && all_positive ? T(0.5) : T(0);
    const bool compare = classes == 2 && has[0] && has[1];
    const T positive = classes == 2 && has[1] ? scores[1] : scores[0];
    const int64_t best = (compare ? scores[1] > scores[0] : positive > border) ? 1 : 0;
    if (!single) {
      apply_post_transform(transform, scores);
    } else if (classes == 1) {
      if (transform == PostTransform::kProbit) apply_post_transform(transform, scores);
    } else {
      split_single(scores);
    }
    return best;
  }

  void split_single(std::span<T> scores) const {
    const T s = scores[0];
    if (transform == PostTransform::kProbit) {
      apply_post_transform(transform, scores.first(1));
      scores[1] = 0;
    } else if (transform == PostTransform::kLogistic) {
      scores[0] = logistic(-s);
      scores[1] = logistic(s);
    } else if (one_sided && all_positive) {
      scores[0] = 1 - s;
      scores[1] = s;
    } else {
      scores[0] = -s;
      scores[1] = s;
    }
  }
};

template <class T>
Expected<Classifier<T>> read_classifier(const AttrReader& c) {
  Classifier<T> m;
  m.classes = labels_of(c).size();
  if (m.classes == 0) return invalid_model("either classlabels_int64s or classlabels_strings is needed");
  ANYRT_ASSIGN(m.transform, parse_post_transform(c.s("post_transform")));
  ANYRT_ASSIGN(m.trees, read_node_lists<T>(c, "class", static_cast<int64_t>(m.classes)));
  ANYRT_ASSIGN(m.base, number_list<T>(c, "base_values"));
  if (m.base.size() > std::max<size_t>(m.classes, 2)) {
    return invalid_model("{} base_values for {} classes", m.base.size(), m.classes);
  }
  const auto& weights = m.trees.weights;
  m.all_positive = std::all_of(weights.begin(), weights.end(), [](const auto& w) { return !(w.value < 0); });
  m.one_sided = m.classes == 2 && !weights.empty() && std::all_of(weights.begin(), weights.end(), [&](const auto& w) {
                  return w.target == weights[0].target;
                });
  return m;
}

// A single class is either there or not, which its label and 0 say.
Status write_labels(EvalContext& c, std::vector<int64_t>& chosen) {
  const ClassLabels labels = labels_of(c);
  if (labels.size() > 1) return labels.write(c, 0, chosen);
  if (labels.dtype() == DType::kString) {
    std::fill(chosen.begin(), chosen.end(), 0);
    return labels.write(c, 0, chosen);
  }
  for (int64_t& p : chosen) p *= c.ints("classlabels_int64s")[0];
  c.set_output(0, Tensor::int64s(chosen));
  return {};
}

template <class T>
Status evaluate(EvalContext& c) {
  ANYRT_ASSIGN(const Tensor x, c.input_as(0, dtype_of<T>));
  ANYRT_ASSIGN(const Rows rows, rows_of(x));
  ANYRT_ASSIGN(const Classifier<T> m, read_classifier<T>(c));
  const int64_t classes = static_cast<int64_t>(m.classes);
  ANYRT_TRY(m.trees.check(rows.width, classes));
  ANYRT_ASSIGN(Tensor z, Tensor::make(dtype_of<T>, {rows.count, classes}));
  std::vector<int64_t> chosen(static_cast<size_t>(rows.count));
  c.parallel_for(rows.count, 16, [&](int64_t begin, int64_t end) {
    std::vector<uint8_t> has(m.classes);
    for (int64_t r = begin; r < end; ++r) {
      const std::span<T> scores(z.template mutable_data<T>() + r * classes, m.classes);
      m.trees.evaluate(x.template data<T>() + r * rows.width, TreeAggregate::kSum, scores, has);
      chosen[r] = m.classes > 2 ? m.pick_of_many(scores, has) : m.pick_of_two(scores, has);
    }
  });
  ANYRT_TRY(write_labels(c, chosen));
  return c.set_output_as(1, z, DType::kFloat32);
}

Status eval(EvalContext& c) { return c.input(0).dtype() == DType::kFloat64 ? evaluate<double>(c) : evaluate<float>(c); }

}  // namespace

extern const OpDef op_ml_tree_ensemble_classifier = {
    .name = "TreeEnsembleClassifier",
    .domain = kMlDomain,
    .since = 3,
    .doc =
        "Decision trees whose leaves add to the scores of classes; TreeEnsemble has taken its place since version 5.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_tree_lists,
};

}  // namespace anyrt
