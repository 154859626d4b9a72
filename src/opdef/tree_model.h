#pragma once

#include <string_view>
#include <vector>

#include "opdef/tree_ensemble.h"

namespace anyrt {

// A tree ensemble with what its operator makes of the sums over the trees: base values, transform, class labels.
template <class T>
struct TreeModel {
  TreeEnsemble<T> trees;
  std::vector<T> base;
  TreeAggregate how = TreeAggregate::kSum;
  PostTransform transform = PostTransform::kNone;
  int64_t targets = 1;  // or classes
  bool classifier = false;
  bool one_sided = false;          // two classes, but the weights speak of one only
  bool all_positive = false;       // weights
  std::vector<int64_t> int_label;  // of each position that finish() returns; empty where labels are strings

  // From what TreeEnsemble::evaluate has left in `scores` and `has` to the scores of a row. Returns the position of a
  // classifier's best class: with one class 0 or 1, whether it is there.
  int64_t finish(std::span<T> scores, std::span<uint8_t> has) const;

 private:
  int64_t pick_of_many(std::span<T> scores, std::span<uint8_t> has) const;
  int64_t pick_of_two(std::span<T> scores, std::span<uint8_t> has) const;
  void split_single(std::span<T> scores) const;
};

Expected<TreeAggregate> parse_tree_aggregate(std::string_view name);
// Settings of TreeEnsemble that are numbers.
Status check_tree_settings(const AttrReader& c);
ClassLabels tree_labels(const AttrReader& c);

// The attributes of TreeEnsembleClassifier, TreeEnsembleRegressor and TreeEnsemble.
template <class T>
Expected<TreeModel<T>> read_tree_classifier(const AttrReader& c);
template <class T>
Expected<TreeModel<T>> read_tree_regressor(const AttrReader& c);
template <class T>
Expected<TreeModel<T>> read_tree_targets(const AttrReader& c);

// Scores of all rows of x, [N, targets]; `chosen` gets the position of each row's best class.
template <class T>
Expected<Tensor> evaluate_trees(EvalContext& c, const TreeModel<T>& model, const Tensor& x,
                                std::vector<int64_t>* chosen);
// Output 0 of a classifier.
template <class T>
Status write_tree_labels(EvalContext& c, const TreeModel<T>& model, std::vector<int64_t>& chosen);

}  // namespace anyrt
