#include "devices/cpu/kernels/flat_trees_common.h"

#include <algorithm>
#include <bit>
#include <span>
#include <type_traits>
#include <utility>

namespace anyrt::cpu {
namespace {

constexpr uint32_t kMissingBit = 0x80000000u;
constexpr size_t kBlockBytes = 256 << 10;  // of nodes, which stay in the cache for a few tiles of rows

}  // namespace

template <class T>
FlatTrees<T>::FlatTrees(TreeModel<T> model) : model_(std::move(model)) {
  for (const auto& n : model_.trees.nodes) {
    if (n.mode != TreeEnsemble<T>::Mode::kLeaf) features_ = std::max(features_, n.feature + 1);
  }
  if (!flatten()) {
    nodes_.clear();
    leaves_ = Leaves::kLists;
    depth_ = static_cast<int64_t>(model_.trees.roots.size()) * 8;
    return;
  }
  model_.trees.nodes = {};
  if (leaves_ != Leaves::kLists) model_.trees.weights = {};
  walk_tile_ = pick_walk<true>();
  walk_row_ = pick_walk<false>();
  if constexpr (std::is_same_v<T, float>) {
    if (leaves_ == Leaves::kSingle) make_quick();
  }
}

// Leaves are numbered with those of a matching comparison first.
template <class T>
void FlatTrees<T>::make_quick() {
  struct Open {
    uint32_t node, place;  // place: of its comparison in quick_; kLeaf where it has none
    bool done;
  };
  std::vector<Open> open;
  bool any = false;
  for (const uint32_t root : std::span(roots_).first(depths_.size())) {
    Quick q = {static_cast<uint32_t>(quick_.size()), 0, static_cast<uint32_t>(quick_values_.size()), 0};
    uint32_t leaves = 0;
    for (open.assign(1, {root, 0, false}); !open.empty() && leaves <= kQuickLeaves;) {
      Open at = open.back();
      open.pop_back();
      const Node& n = nodes_[at.node];
      if (n.feature == 0) {
        quick_values_.push_back(static_cast<T>(n.value));
        q.target = n.leaf;
        ++leaves;
      } else if (!at.done) {
        at.place = static_cast<uint32_t>(quick_.size());
        at.done = true;
        // Until the matching side has been seen, `keep` holds the number of leaves before it.
        quick_.push_back({static_cast<float>(n.value), n.feature, leaves});
        open.push_back({n.child, 0, false});
        open.push_back(at);
        open.push_back({n.child + 1, 0, false});
      } else {
        QuickNode& own = quick_[at.place];
        const uint64_t matching = (uint64_t{1} << leaves) - (uint64_t{1} << own.keep);
        own.keep = ~static_cast<uint32_t>(matching);
      }
    }
    q.count = static_cast<uint32_t>(quick_.size()) - q.first;
    if (leaves > kQuickLeaves || q.count == 0) {
      quick_.resize(q.first);
      quick_values_.resize(q.values);
      q.count = 0;
    }
    any = any || q.count > 0;
    quick_trees_.push_back(q);
  }
  if (!any) quick_trees_.clear();
  quick_fn_ = quick_trees(less_, missing_);
}

template <class T>
void FlatTrees<T>::classify_leaves() {
  const TreeEnsemble<T>& t = model_.trees;
  const auto targets = static_cast<size_t>(model_.targets);
  if (model_.how == TreeAggregate::kMin || model_.how == TreeAggregate::kMax || t.roots.empty()) return;
  bool single = true, dense = true;
  for (const auto& n : t.nodes) {
    if (n.mode != TreeEnsemble<T>::Mode::kLeaf) continue;
    single = single && n.end - n.begin == 1;
    dense = dense && n.end - n.begin == targets;
    for (uint32_t k = n.begin; dense && k < n.end; ++k)
      dense = t.weights[k].target == static_cast<int64_t>(k - n.begin);
  }
  has_.assign(targets, dense ? 1 : 0);
  if (dense && targets > 1) leaves_ = Leaves::kDense;
  if (!single) return;
  // Which targets a row has must not depend on the leaves it comes to.
  std::vector<uint32_t> open;
  for (const uint32_t root : t.roots) {
    int64_t target = -1;
    for (open.assign(1, root); !open.empty();) {
      const auto& n = t.nodes[open.back()];
      open.pop_back();
      if (n.mode != TreeEnsemble<T>::Mode::kLeaf) {
        open.push_back(n.yes);
        open.push_back(n.no);
        continue;
      }
      const int64_t own = t.weights[n.begin].target;
      if (target >= 0 && own != target) return;
      target = own;
    }
    has_[static_cast<size_t>(target)] = 1;
  }
  leaves_ = Leaves::kSingle;
}

template <class T>
bool FlatTrees<T>::flatten() {
  using Mode = typename TreeEnsemble<T>::Mode;
  const TreeEnsemble<T>& t = model_.trees;
  bool less = false, less_or_equal = false;
  for (const auto& n : t.nodes) {
    if (n.mode == Mode::kLeaf) continue;
    less |= n.mode == Mode::kLt || n.mode == Mode::kGte;
    less_or_equal |= n.mode == Mode::kLeq || n.mode == Mode::kGt;
    if (n.mode > Mode::kGt) return false;
  }
  if ((less && less_or_equal) || features_ >= kMissingBit - 1) return false;
  less_ = less;
  // A node that several lead to is there once for each: few are, or the trees stay as they are.
  const size_t limit = 4 * t.nodes.size() + 1024;
  std::vector<std::pair<uint32_t, uint32_t>> queue;  // node, depth; beside nodes_
  for (const uint32_t root : t.roots) {
    const size_t first = nodes_.size();
    queue.assign(1, {root, 0});
    nodes_.resize(first + 1);
    Depths depths = {UINT32_MAX, 0};
    for (size_t k = 0; k < queue.size(); ++k) {
      const auto [from, depth] = queue[k];
      const auto& n = t.nodes[from];
      const size_t at = first + k;
      if (n.mode == Mode::kLeaf) {
        nodes_[at] = {T(0), 0, static_cast<uint32_t>(at), from};
        depths.shortest = std::min(depths.shortest, depth);
        depths.longest = std::max(depths.longest, depth);
        continue;
      }
      // x > v is x <= v with the branches changed over, except that NaN then has to match where it did not.
      const bool turned = n.mode == Mode::kGte || n.mode == Mode::kGt;
      const bool nan_matches = n.missing_is_true != turned;
      missing_ |= nan_matches;
      nodes_[at] = {n.value, static_cast<uint32_t>(n.feature + 1) | (nan_matches ? kMissingBit : 0),
                    static_cast<uint32_t>(nodes_.size()), 0};
      queue.push_back({turned ? n.yes : n.no, depth + 1});
      queue.push_back({turned ? n.no : n.yes, depth + 1});
      nodes_.resize(nodes_.size() + 2);
      if (nodes_.size() > limit) return false;
    }
    roots_.push_back(static_cast<uint32_t>(first));
    depths_.push_back(depths);
    depth_ += depths.longest;
    if (blocks_.empty() || (nodes_.size() - roots_[blocks_.back().begin]) * sizeof(Node) > kBlockBytes) {
      blocks_.push_back({static_cast<uint32_t>(roots_.size() - 1), 0});
    }
    blocks_.back().end = static_cast<uint32_t>(roots_.size());
  }
  if (nodes_.empty()) return false;
  for (size_t s = 0; s < depths_.size(); s += kTreeLanes) {
    Depths all = depths_[s];
    for (size_t k = s + 1; k < std::min(depths_.size(), s + kTreeLanes); ++k) {
      all = {std::min(all.shortest, depths_[k].shortest), std::max(all.longest, depths_[k].longest)};
    }
    sets_.push_back(all);
  }
  roots_.resize(sets_.size() * kTreeLanes, roots_.back());
  classify_leaves();
  for (Node& n : nodes_) {
    if (n.feature != 0) continue;
    const auto& leaf = t.nodes[n.leaf];
    if (leaves_ == Leaves::kSingle) {
      n.value = t.weights[leaf.begin].value;
      n.leaf = static_cast<uint32_t>(t.weights[leaf.begin].target);
    } else if (leaves_ == Leaves::kDense) {
      n.leaf = static_cast<uint32_t>(dense_.size());
      for (uint32_t k = leaf.begin; k < leaf.end; ++k) dense_.push_back(t.weights[k].value);
    } else {
      n.leaf = static_cast<uint32_t>(lists_.size());
      lists_.push_back({leaf.begin, leaf.end});
    }
  }
  return dense_.size() < UINT32_MAX;
}

// Goes down from the eight nodes `at` to leaves; nobody can be there before the shortest depth.
template <class T>
template <bool kLess, bool kMissing, bool kTile>
void FlatTrees<T>::walk(const Node* nodes, const T* x, Depths depths, uint32_t* at) {
  const auto next = [&](uint32_t i, size_t lane) {
    const Node& n = nodes[i];
    const size_t column = kMissing ? n.feature & ~kMissingBit : n.feature;
    const T v = kTile ? x[column * kTreeLanes + lane] : x[column];
    uint32_t match = kLess ? v < n.value : v <= n.value;
    if constexpr (kMissing) match |= (n.feature >> 31) & static_cast<uint32_t>(v != v);
    return n.child + match;
  };
  uint32_t a = at[0], b = at[1], c = at[2], d = at[3], e = at[4], f = at[5], g = at[6], h = at[7];
  const auto all = [&] {
    a = next(a, 0);
    b = next(b, 1);
    c = next(c, 2);
    d = next(d, 3);
    e = next(e, 4);
    f = next(f, 5);
    g = next(g, 6);
    h = next(h, 7);
  };
  uint32_t level = 0;
  for (; level < depths.shortest; ++level) all();
  for (; level < depths.longest; ++level) {
    const uint32_t before[] = {a, b, c, d, e, f, g, h};
    all();
    if (((before[0] ^ a) | (before[1] ^ b) | (before[2] ^ c) | (before[3] ^ d) | (before[4] ^ e) | (before[5] ^ f) |
         (before[6] ^ g) | (before[7] ^ h)) == 0)
      break;
  }
  const uint32_t ends[] = {a, b, c, d, e, f, g, h};
  std::copy_n(ends, kTreeLanes, at);
}

template <class T>
template <bool kTile>
typename FlatTrees<T>::Walk FlatTrees<T>::pick_walk() const {
  if (less_) return missing_ ? walk<true, true, kTile> : walk<true, false, kTile>;
  return missing_ ? walk<false, true, kTile> : walk<false, false, kTile>;
}

template <class T>
void FlatTrees<T>::add(uint32_t leaf, T* scores, uint8_t* has) const {
  const Span list = lists_[nodes_[leaf].leaf];
  for (uint32_t k = list.begin; k < list.end; ++k) {
    const auto& w = model_.trees.weights[k];
    T& s = scores[w.target];
    switch (model_.how) {
      case TreeAggregate::kMin: s = !has[w.target] || w.value < s ? w.value : s; break;
      case TreeAggregate::kMax: s = !has[w.target] || w.value > s ? w.value : s; break;
      default: s += w.value; break;
    }
    has[w.target] = 1;
  }
}

// Adds leaves to scores that are `step` apart: 0 for trees of one row. Always in the order of the trees.
template <class T>
void FlatTrees<T>::add_all(const uint32_t* leaves, int64_t n, T* scores, int64_t step, uint8_t* has) const {
  const int64_t targets = model_.targets;
  switch (leaves_) {
    case Leaves::kSingle:
      if (targets == 1 && step == 0) {
        T sum = *scores;
        for (int64_t i = 0; i < n; ++i) sum += nodes_[leaves[i]].value;
        *scores = sum;
        break;
      }
      for (int64_t i = 0; i < n; ++i) {
        const Node& leaf = nodes_[leaves[i]];
        scores[i * step + leaf.leaf] += leaf.value;
      }
      break;
    case Leaves::kDense:
      for (int64_t i = 0; i < n; ++i) {
        const T* from = &dense_[nodes_[leaves[i]].leaf];
        T* to = scores + i * step;
        if (targets == 2) {
          to[0] += from[0];
          to[1] += from[1];
        } else if (targets == 3) {
          to[0] += from[0];
          to[1] += from[1];
          to[2] += from[2];
        } else {
          for (int64_t k = 0; k < targets; ++k) to[k] += from[k];
        }
      }
      break;
    case Leaves::kLists:
      for (int64_t i = 0; i < n; ++i) add(leaves[i], scores + i * step, has + i * step);
      break;
  }
}

template <class T>
void FlatTrees<T>::tile(const T* rows, Span trees, T* scores, uint8_t* has) const {
  uint32_t at[kTreeLanes];
  for (uint32_t t = trees.begin; t < trees.end; ++t) {
    std::fill_n(at, kTreeLanes, roots_[t]);
    walk_tile_(nodes_.data(), rows, depths_[t], at);
    add_all(at, kTreeLanes, scores, model_.targets, has);
  }
}

template <class T>
void FlatTrees<T>::tile_pair(const T* first, const T* second, Span trees, T* scores, T* second_scores) const {
  if constexpr (std::is_same_v<T, float>) {
    const int64_t targets = model_.targets;
    uint32_t bits[2 * kTreeLanes];
    for (uint32_t t = trees.begin; t < trees.end; ++t) {
      const Quick& q = quick_trees_[t];
      if (q.count == 0) {
        tile(first, {t, t + 1}, scores, nullptr);
        tile(second, {t, t + 1}, second_scores, nullptr);
        continue;
      }
      quick_fn_(&quick_[q.first], q.count, first, second, bits);
      const T* values = &quick_values_[q.values];
      T *to = scores + q.target, *second_to = second_scores + q.target;
      for (int64_t i = 0; i < kTreeLanes; ++i) to[i * targets] += values[std::countr_zero(bits[i])];
      for (int64_t i = 0; i < kTreeLanes; ++i) second_to[i * targets] += values[std::countr_zero(bits[kTreeLanes + i])];
    }
  }
}

template <class T>
void FlatTrees<T>::set_leaves(const T* row, int64_t set, uint32_t* leaves) const {
  std::copy_n(&roots_[static_cast<size_t>(set * kTreeLanes)], kTreeLanes, leaves);
  walk_row_(nodes_.data(), row, sets_[static_cast<size_t>(set)], leaves);
}

template <class T>
int64_t FlatTrees<T>::finish(T* scores, uint8_t* has) const {
  const auto targets = static_cast<size_t>(model_.targets);
  if (leaves_ != Leaves::kLists) std::copy_n(has_.data(), targets, has);
  return model_.finish({scores, targets}, {has, targets});
}

template <class T>
void FlatTrees<T>::score(const T* rows, int64_t n, int64_t width, T* scores, uint8_t* has, int64_t* chosen) const {
  const int64_t targets = model_.targets, tiled = tiled_rows(n);
  std::fill_n(scores, n * targets, T(0));
  std::fill_n(has, n * targets, uint8_t{0});
  for (size_t block = 0; tiled > 0 && block < blocks_.size(); ++block) {
    int64_t r = 0;
    for (; !quick_trees_.empty() && r + 2 * kTreeLanes <= tiled; r += 2 * kTreeLanes) {
      const T* pair = rows + r * (width + 1);
      T* to = scores + r * targets;
      tile_pair(pair, pair + kTreeLanes * (width + 1), blocks_[block], to, to + kTreeLanes * targets);
    }
    for (; r < tiled; r += kTreeLanes)
      tile(rows + r * (width + 1), blocks_[block], scores + r * targets, has + r * targets);
  }
  for (int64_t r = tiled; r < n; ++r) {
    const T* row = rows + r * (width + 1);
    T* own = scores + r * targets;
    if (!branchless()) {
      const auto count = static_cast<size_t>(targets);
      model_.trees.evaluate(row + 1, model_.how, {own, count}, {has + r * targets, count});
      continue;
    }
    uint32_t leaves[kTreeLanes];
    for (int64_t s = 0; s < sets(); ++s) {
      set_leaves(row, s, leaves);
      add_all(leaves, std::min(kTreeLanes, trees() - s * kTreeLanes), own, 0, has + r * targets);
    }
  }
  for (int64_t r = 0; r < n; ++r) {
    const int64_t best = finish(scores + r * targets, has + r * targets);
    if (chosen) chosen[r] = best;
  }
}

template <class T>
void FlatTrees<T>::find_leaves(const T* row, int64_t begin, int64_t end, uint32_t* leaves) const {
  for (int64_t s = begin; s < end; ++s) set_leaves(row, s, leaves + s * kTreeLanes);
}

template <class T>
int64_t FlatTrees<T>::score_leaves(const uint32_t* leaves, T* scores, uint8_t* has) const {
  std::fill_n(scores, model_.targets, T(0));
  std::fill_n(has, model_.targets, uint8_t{0});
  add_all(leaves, trees(), scores, 0, has);
  return finish(scores, has);
}

template class FlatTrees<float>;
template class FlatTrees<double>;

}  // namespace anyrt::cpu
