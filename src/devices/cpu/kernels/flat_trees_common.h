#pragma once

#include <cstdint>
#include <vector>

#include "devices/cpu/kernels/quick_trees_common.h"
#include "opdef/tree_model.h"

namespace anyrt::cpu {

inline constexpr int64_t kTreeLanes = 8;  // rows, or trees, that are walked side by side to hide the memory's latency

// Tree ensembles as arrays that are walked without branches. Where `branchless` does not hold (sets, equality, modes
// that do not go together) the nodes are walked as the reference does it, and all rows are plain ones.
//
// Small trees of floats are not walked at all where there are rows enough: all their comparisons are made at once.
//
// Rows come as they are walked: the first tiled_rows(n) in tiles of eight, column by column, the others one after the
// other; before column 0 there is one of NaN, which makes every comparison of a leaf false.
template <class T>
class FlatTrees {
 public:
  // `model` has passed check().
  explicit FlatTrees(TreeModel<T> model);

  const TreeModel<T>& model() const { return model_; }
  int64_t features() const { return features_; }  // columns that X must have
  bool branchless() const { return !nodes_.empty(); }
  int64_t tiled_rows(int64_t n) const { return branchless() ? n / kTreeLanes * kTreeLanes : 0; }
  int64_t trees() const { return static_cast<int64_t>(model_.trees.roots.size()); }
  int64_t depth() const { return depth_; }  // the comparisons of all trees for one row, at most

  // The scores of n rows, finished; chosen (may be null) gets the positions of the best classes. `has` is scratch of
  // n * targets.
  void score(const T* rows, int64_t n, int64_t width, T* scores, uint8_t* has, int64_t* chosen) const;

  // For few rows the trees are shared out: the leaf of each tree of sets [begin, end) of eight trees, then the scores.
  int64_t sets() const { return static_cast<int64_t>(sets_.size()); }
  void find_leaves(const T* row, int64_t begin, int64_t end, uint32_t* leaves) const;
  int64_t score_leaves(const uint32_t* leaves, T* scores, uint8_t* has) const;

 private:
  struct Node {
    T value;           // of a leaf with one weight: the weight
    uint32_t feature;  // 1 + column; the highest bit: NaN is a match
    uint32_t child;    // where x does not match, the next one where it does; a leaf's own place
    uint32_t leaf;     // target of the one weight; place in dense_; place in lists_
  };
  struct Depths {
    uint32_t shortest, longest;
  };
  struct Span {
    uint32_t begin, end;
  };
  // Every leaf has one weight, and the targets of a tree are the same; every leaf has all targets in order; any.
  enum class Leaves : uint8_t { kSingle, kDense, kLists };

  // A small tree whose leaves have one weight each, all for one target.
  struct Quick {
    uint32_t first = 0, count = 0;  // in quick_; none: the tree is walked
    uint32_t values = 0;            // of its leaves, in quick_values_
    uint32_t target = 0;
  };

  bool flatten();
  void make_quick();
  void classify_leaves();
  template <bool kLess, bool kMissing, bool kTile>
  static void walk(const Node* nodes, const T* x, Depths depths, uint32_t* at);
  using Walk = void (*)(const Node*, const T*, Depths, uint32_t*);
  template <bool kTile>
  Walk pick_walk() const;
  void set_leaves(const T* row, int64_t set, uint32_t* leaves) const;
  void add(uint32_t leaf, T* scores, uint8_t* has) const;
  void add_all(const uint32_t* leaves, int64_t n, T* scores, int64_t step, uint8_t* has) const;
  void tile(const T* rows, Span trees, T* scores, uint8_t* has) const;
  void tile_pair(const T* first, const T* second, Span trees, T* scores, T* second_scores) const;
  int64_t finish(T* scores, uint8_t* has) const;

  TreeModel<T> model_;
  std::vector<Node> nodes_;
  std::vector<uint32_t> roots_;  // padded to whole sets
  std::vector<Depths> depths_;   // of each tree
  std::vector<Depths> sets_;     // of each eight trees
  std::vector<Span> blocks_;     // trees that fit the cache together
  std::vector<QuickNode> quick_;
  std::vector<Quick> quick_trees_;  // empty: none is quick
  std::vector<T> quick_values_;
  QuickFn quick_fn_ = nullptr;
  std::vector<Span> lists_;  // in model_.trees.weights
  std::vector<T> dense_;
  std::vector<uint8_t> has_;  // where the leaves are not kLists
  Leaves leaves_ = Leaves::kLists;
  bool less_ = false, missing_ = false;  // nodes ask x < value, not x <= value; any of them lets NaN match
  int64_t features_ = 0, depth_ = 0;
  Walk walk_tile_ = nullptr, walk_row_ = nullptr;
};

}  // namespace anyrt::cpu
