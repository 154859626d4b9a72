#pragma once

#include <span>
#include <vector>

#include "opdef/eval.h"
#include "opdef/ml_util.h"
#include "opdef/rewrite.h"

namespace anyrt {

enum class TreeAggregate { kAverage, kSum, kMin, kMax };

// Decision trees in one array of nodes. T, float or double, is the type of thresholds, weights and scores.
template <class T>
struct TreeEnsemble {
  enum class Mode : uint8_t { kLeq, kLt, kGte, kGt, kEq, kNeq, kMember, kLeaf };
  struct Node {
    Mode mode = Mode::kLeaf;
    bool missing_is_true = false;  // where NaN goes
    int64_t feature = 0;
    T value = 0;
    uint32_t yes = 0, no = 0;     // next nodes
    uint32_t begin = 0, end = 0;  // a leaf's part of `weights`; the set of a kMember node in `members`
  };
  struct Weight {
    int64_t target;
    T value;
  };
  std::vector<Node> nodes;
  std::vector<Weight> weights;
  std::vector<T> members;
  std::vector<uint32_t> roots;

  // Every node leads to a leaf, every feature exists, every target is below `targets`.
  Status check(int64_t features, int64_t targets) const;
  const Node& leaf(uint32_t root, const T* row) const;
  // Puts together what the trees say about a row (kAverage: the sum); has[t] tells whether any spoke of target t.
  void evaluate(const T* row, TreeAggregate how, std::span<T> scores, std::span<uint8_t> has) const;
};

// Attributes nodes_* and <weights>_ids, _nodeids, _treeids, _weights of TreeEnsembleClassifier (weights = "class") and
// TreeEnsembleRegressor ("target"). A single target takes all weights.
template <class T>
Expected<TreeEnsemble<T>> read_node_lists(const AttrReader& c, const std::string& weights, int64_t targets);
// Attributes of TreeEnsemble of version 5.
template <class T>
Expected<TreeEnsemble<T>> read_split_lists(const AttrReader& c);

// A list of numbers given as FLOATS attribute `name` or as tensor `name`_as_tensor.
template <class T>
Expected<std::vector<T>> number_list(const AttrReader& c, const std::string& name);

// Versions 1 and 2 of the classifier and the regressor have lists of floats only.
Status downgrade_tree_lists(RewriteContext& c);

}  // namespace anyrt
