#include "opdef/tree_model.h"

#include <algorithm>

namespace anyrt {

// More than two classes: the best among those that any tree spoke of.
template <class T>
int64_t TreeModel<T>::pick_of_many(std::span<T> scores, std::span<uint8_t> has) const {
  for (size_t k = 0; k < base.size(); ++k) {
    scores[k] += base[k];
    has[k] = 1;
  }
  int64_t best = -1;
  for (size_t k = 0; k < scores.size(); ++k) {
    if (has[k] && (best < 0 || scores[k] > scores[best])) best = static_cast<int64_t>(k);
  }
  apply_post_transform(transform, scores);
  return std::max<int64_t>(best, 0);
}

// Two classes, or one: where only one score is known the other one is made up from it.
template <class T>
int64_t TreeModel<T>::pick_of_two(std::span<T> scores, std::span<uint8_t> has) const {
  bool single = targets == 1 || !has[1];
  if (targets == 2 && base.size() == 2) {
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
  for (size_t k = 0; k < scores.size(); ++k) scores[k] = has[k] ? scores[k] : T(0);
  const T border = one_sided && all_positive ? T(0.5) : T(0);
  const bool compare = targets == 2 && has[0] && has[1];
  const T positive = targets == 2 && has[1] ? scores[1] : scores[0];
  const int64_t best = (compare ? scores[1] > scores[0] : positive > border) ? 1 : 0;
  if (!single) {
    apply_post_transform(transform, scores);
  } else if (targets == 1) {
    if (transform == PostTransform::kProbit) apply_post_transform(transform, scores);
  } else {
    split_single(scores);
  }
  return best;
}

template <class T>
void TreeModel<T>::split_single(std::span<T> scores) const {
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

template <class T>
int64_t TreeModel<T>::finish(std::span<T> scores, std::span<uint8_t> has) const {
  if (classifier) return targets > 2 ? pick_of_many(scores, has) : pick_of_two(scores, has);
  if (how == TreeAggregate::kAverage) {
    for (T& s : scores) s /= static_cast<T>(trees.roots.size());
  }
  if (base.size() == scores.size()) {
    for (size_t t = 0; t < scores.size(); ++t) scores[t] += base[t];
  }
  if (targets > 1 || transform == PostTransform::kProbit) apply_post_transform(transform, scores);
  return 0;
}

Expected<TreeAggregate> parse_tree_aggregate(std::string_view name) {
  constexpr std::string_view kNames[] = {"AVERAGE", "SUM", "MIN", "MAX"};
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (name == kNames[i]) return static_cast<TreeAggregate>(i);
  }
  return invalid_model("aggregate_function must be AVERAGE, SUM, MIN or MAX, found '{}'", name);
}

Status check_tree_settings(const AttrReader& c) {
  if (c.i("n_targets", 1) < 1) return invalid_model("n_targets must be 1 or more, found {}", c.i("n_targets"));
  const int64_t how = c.i("aggregate_function"), transform = c.i("post_transform");
  if (how < 0 || how > 3) return invalid_model("aggregate_function must be 0 to 3, found {}", how);
  if (transform < 0 || transform > 4) return invalid_model("post_transform must be 0 to 4, found {}", transform);
  return {};
}

ClassLabels tree_labels(const AttrReader& c) { return {c, "classlabels_strings", "classlabels_int64s"}; }

template <class T>
Expected<TreeModel<T>> read_tree_classifier(const AttrReader& c) {
  TreeModel<T> m;
  const ClassLabels labels = tree_labels(c);
  if (labels.size() == 0) return invalid_model("either classlabels_int64s or classlabels_strings is needed");
  m.classifier = true;
  m.targets = static_cast<int64_t>(labels.size());
  ANYRT_ASSIGN(m.transform, parse_post_transform(c.s("post_transform")));
  ANYRT_ASSIGN(m.trees, read_node_lists<T>(c, "class", m.targets));
  ANYRT_ASSIGN(m.base, number_list<T>(c, "base_values"));
  if (m.base.size() > std::max<size_t>(labels.size(), 2)) {
    return invalid_model("{} base_values for {} classes", m.base.size(), labels.size());
  }
  const auto& weights = m.trees.weights;
  m.all_positive = std::all_of(weights.begin(), weights.end(), [](const auto& w) { return !(w.value < 0); });
  m.one_sided = m.targets == 2 && !weights.empty() && std::all_of(weights.begin(), weights.end(), [&](const auto& w) {
                  return w.target == weights[0].target;
                });
  if (labels.dtype() == DType::kString) return m;
  m.int_label = c.ints("classlabels_int64s");
  // A single class is either there or not, which its label and 0 say.
  if (labels.size() == 1) m.int_label.insert(m.int_label.begin(), 0);
  return m;
}

template <class T>
Expected<TreeModel<T>> read_tree_regressor(const AttrReader& c) {
  TreeModel<T> m;
  m.targets = c.i("n_targets", 1);
  if (m.targets < 1) return invalid_model("n_targets must be 1 or more, found {}", m.targets);
  ANYRT_ASSIGN(m.trees, read_node_lists<T>(c, "target", m.targets));
  ANYRT_ASSIGN(m.base, number_list<T>(c, "base_values"));
  ANYRT_ASSIGN(m.how, parse_tree_aggregate(c.s("aggregate_function")));
  ANYRT_ASSIGN(m.transform, parse_post_transform(c.s("post_transform")));
  return m;
}

template <class T>
Expected<TreeModel<T>> read_tree_targets(const AttrReader& c) {
  ANYRT_TRY(check_tree_settings(c));
  TreeModel<T> m;
  m.targets = c.i("n_targets", 1);
  m.how = static_cast<TreeAggregate>(c.i("aggregate_function"));
  m.transform = static_cast<PostTransform>(c.i("post_transform"));
  ANYRT_ASSIGN(m.trees, read_split_lists<T>(c));
  return m;
}

template <class T>
Expected<Tensor> evaluate_trees(EvalContext& c, const TreeModel<T>& model, const Tensor& x,
                                std::vector<int64_t>* chosen) {
  ANYRT_ASSIGN(const Rows rows, rows_of(x));
  ANYRT_TRY(model.trees.check(rows.width, model.targets));
  ANYRT_ASSIGN(Tensor y, Tensor::make(dtype_of<T>, {rows.count, model.targets}));
  if (chosen) chosen->resize(static_cast<size_t>(rows.count));
  c.parallel_for(rows.count, 16, [&](int64_t begin, int64_t end) {
    std::vector<uint8_t> has(static_cast<size_t>(model.targets));
    for (int64_t r = begin; r < end; ++r) {
      const std::span<T> scores(y.template mutable_data<T>() + r * model.targets, has.size());
      model.trees.evaluate(x.template data<T>() + r * rows.width, model.how, scores, has);
      const int64_t best = model.finish(scores, has);
      if (chosen) (*chosen)[static_cast<size_t>(r)] = best;
    }
  });
  return y;
}

template <class T>
Status write_tree_labels(EvalContext& c, const TreeModel<T>& model, std::vector<int64_t>& chosen) {
  if (model.int_label.empty()) {
    if (model.targets == 1) std::fill(chosen.begin(), chosen.end(), 0);
    return tree_labels(c).write(c, 0, chosen);
  }
  for (int64_t& p : chosen) p = model.int_label[static_cast<size_t>(p)];
  c.set_output(0, Tensor::int64s(chosen));
  return {};
}

#define ANYRT_INSTANTIATE(T)                                                                    \
  template struct TreeModel<T>;                                                                 \
  template Expected<TreeModel<T>> read_tree_classifier<T>(const AttrReader&);                   \
  template Expected<TreeModel<T>> read_tree_regressor<T>(const AttrReader&);                    \
  template Expected<TreeModel<T>> read_tree_targets<T>(const AttrReader&);                      \
  template Expected<Tensor> evaluate_trees<T>(EvalContext&, const TreeModel<T>&, const Tensor&, \
                                              std::vector<int64_t>*);                           \
  template Status write_tree_labels<T>(EvalContext&, const TreeModel<T>&, std::vector<int64_t>&);
ANYRT_INSTANTIATE(float)
ANYRT_INSTANTIATE(double)
#undef ANYRT_INSTANTIATE

}  // namespace anyrt
