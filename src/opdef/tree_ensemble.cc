#include "opdef/tree_ensemble.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

namespace anyrt {

namespace {

template <class T>
bool matches(const TreeEnsemble<T>& trees, const typename TreeEnsemble<T>::Node& n, T x) {
  using Mode = typename TreeEnsemble<T>::Mode;
  switch (n.mode) {
    case Mode::kLeq: return x <= n.value;
    case Mode::kLt: return x < n.value;
    case Mode::kGte: return x >= n.value;
    case Mode::kGt: return x > n.value;
    case Mode::kEq: return x == n.value;
    case Mode::kNeq: return x != n.value;
    default:
      return std::find(trees.members.begin() + n.begin, trees.members.begin() + n.end, x) !=
             trees.members.begin() + n.end;
  }
}

}  // namespace

template <class T>
const typename TreeEnsemble<T>::Node& TreeEnsemble<T>::leaf(uint32_t root, const T* row) const {
  const Node* n = &nodes[root];
  while (n->mode != Mode::kLeaf) {
    const T x = row[n->feature];
    n = &nodes[matches(*this, *n, x) || (n->missing_is_true && std::isnan(x)) ? n->yes : n->no];
  }
  return *n;
}

template <class T>
void TreeEnsemble<T>::evaluate(const T* row, TreeAggregate how, std::span<T> scores, std::span<uint8_t> has) const {
  std::fill(scores.begin(), scores.end(), T(0));
  std::fill(has.begin(), has.end(), uint8_t{0});
  for (uint32_t root : roots) {
    const Node& n = leaf(root, row);
    for (uint32_t k = n.begin; k < n.end; ++k) {
      const Weight& w = weights[k];
      T& s = scores[w.target];
      switch (how) {
        case TreeAggregate::kMin: s = !has[w.target] || w.value < s ? w.value : s; break;
        case TreeAggregate::kMax: s = !has[w.target] || w.value > s ? w.value : s; break;
        default: s += w.value; break;
      }
      has[w.target] = 1;
    }
  }
}

template <class T>
Status TreeEnsemble<T>::check(int64_t features, int64_t targets) const {
  for (const Weight& w : weights) {
    if (w.target < 0 || w.target >= targets) return invalid_model("target {} of {}", w.target, targets);
  }
  for (const Node& n : nodes) {
    if (n.mode == Mode::kLeaf) continue;
    if (n.yes >= nodes.size() || n.no >= nodes.size()) return invalid_model("a branch leads to no node");
    if (n.feature < 0 || n.feature >= features) return invalid_argument("feature {} of {}", n.feature, features);
  }
  // Depth first from each root; a node that is met again while its own subtree is open closes a circle.
  enum : uint8_t { kNew, kOpen, kDone };
  std::vector<uint8_t> state(nodes.size(), kNew);
  std::vector<uint32_t> path;
  for (uint32_t root : roots) {
    if (root >= nodes.size()) return invalid_model("tree root {} of {} nodes", root, nodes.size());
    path.push_back(root);
    while (!path.empty()) {
      const uint32_t at = path.back();
      if (state[at] != kNew || nodes[at].mode == Mode::kLeaf) {
        state[at] = kDone;
        path.pop_back();
        continue;
      }
      state[at] = kOpen;
      for (uint32_t next : {nodes[at].yes, nodes[at].no}) {
        if (state[next] == kOpen) return invalid_model("the branches of a tree form a circle");
        if (state[next] == kNew) path.push_back(next);
      }
    }
  }
  return {};
}

template <class T>
Expected<std::vector<T>> number_list(const AttrReader& c, const std::string& name) {
  const Tensor& t = c.tensor(name + "_as_tensor");
  if (!t.defined()) return std::vector<T>(c.floats(name).begin(), c.floats(name).end());
  ANYRT_ASSIGN(const std::vector<double> values, to_doubles(t));
  return std::vector<T>(values.begin(), values.end());
}

namespace {

struct NodeKey {
  int64_t tree, node;
  bool operator==(const NodeKey&) const = default;
};
struct NodeKeyHash {
  size_t operator()(const NodeKey& k) const {
    return static_cast<size_t>(static_cast<uint64_t>(k.tree) * 0x9e3779b97f4a7c15ull ^
                               static_cast<uint64_t>(k.node) * 0xc2b2ae3d27d4eb4full);
  }
};

// Where node (tree, number) stands in the lists. Exporters list a tree after the other, its nodes by rising number:
// then the start of each tree is enough.
class NodePlaces {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  Status fill(const std::vector<int64_t>& trees, const std::vector<int64_t>& ids) {
    const auto count = static_cast<uint32_t>(ids.size());
    bool dense = true;
    for (uint32_t i = 0; i < count && dense; ++i) {
      if (i > 0 && trees[i] == trees[i - 1]) {
        dense = ids[i - 1] < INT64_MAX && ids[i] == ids[i - 1] + 1;
      } else {
        dense = runs_.try_emplace(trees[i], Run{ids[i], i, count}).second;
        if (i > 0) runs_.at(trees[i - 1]).end = i;
      }
    }
    if (dense) return {};
    runs_.clear();
    places_.reserve(count);
    for (uint32_t i = 0; i < count; ++i) {
      if (!places_.emplace(NodeKey{trees[i], ids[i]}, i).second)
        return invalid_model("node {} of tree {} is there twice", ids[i], trees[i]);
    }
    return {};
  }

  uint32_t find(int64_t tree, int64_t node) {
    if (runs_.empty()) {
      const auto it = places_.find({tree, node});
      return it == places_.end() ? kNone : it->second;
    }
    if (!last_ || last_->first != tree) {
      const auto it = runs_.find(tree);
      if (it == runs_.end()) return kNone;
      last_ = &*it;
    }
    const Run& r = last_->second;
    if (node < r.first) return kNone;
    const uint64_t at = static_cast<uint64_t>(node) - static_cast<uint64_t>(r.first);
    return at < r.end - r.begin ? r.begin + static_cast<uint32_t>(at) : kNone;
  }

 private:
  struct Run {
    int64_t first;  // number of the node at `begin`
    uint32_t begin, end;
  };
  std::unordered_map<int64_t, Run> runs_;
  const std::pair<const int64_t, Run>* last_ = nullptr;
  std::unordered_map<NodeKey, uint32_t, NodeKeyHash> places_;
};

template <class T>
Expected<typename TreeEnsemble<T>::Mode> parse_mode(const std::string& name) {
  constexpr std::string_view kNames[] = {"BRANCH_LEQ", "BRANCH_LT",  "BRANCH_GTE", "BRANCH_GT",
                                         "BRANCH_EQ",  "BRANCH_NEQ", "",           "LEAF"};
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (name == kNames[i]) return static_cast<typename TreeEnsemble<T>::Mode>(i);
  }
  return invalid_model("node mode '{}'", name);
}

}  // namespace

template <class T>
Expected<TreeEnsemble<T>> read_node_lists(const AttrReader& c, const std::string& prefix, int64_t targets) {
  using Mode = typename TreeEnsemble<T>::Mode;
  const std::vector<int64_t>&trees = c.ints("nodes_treeids"), &ids = c.ints("nodes_nodeids");
  const std::vector<int64_t>&yes = c.ints("nodes_truenodeids"), &no = c.ints("nodes_falsenodeids");
  const std::vector<int64_t>&features = c.ints("nodes_featureids"),
        &missing = c.ints("nodes_missing_value_tracks_true");
  const std::vector<std::string>& modes = c.strings("nodes_modes");
  ANYRT_ASSIGN(const std::vector<T> values, number_list<T>(c, "nodes_values"));
  const size_t count = ids.size();
  for (size_t n : {trees.size(), yes.size(), no.size(), features.size(), modes.size(), values.size()}) {
    if (n != count) return invalid_model("the nodes_ lists have {} and {} entries", count, n);
  }
  if (count == 0 || count >= UINT32_MAX || (!missing.empty() && missing.size() != count)) {
    return invalid_model("{} nodes, {} entries in nodes_missing_value_tracks_true", count, missing.size());
  }
  TreeEnsemble<T> out;
  out.nodes.resize(count);
  NodePlaces places;
  ANYRT_TRY(places.fill(trees, ids));
  for (uint32_t i = 0; i < count; ++i) {
    auto& n = out.nodes[i];
    ANYRT_ASSIGN(n.mode, parse_mode<T>(modes[i]));
    n.feature = features[i];
    n.value = values[i];
    n.missing_is_true = !missing.empty() && missing[i] == 1;
    if (i == 0 || trees[i] != trees[i - 1]) out.roots.push_back(i);
  }
  for (uint32_t i = 0; i < count; ++i) {
    if (out.nodes[i].mode == Mode::kLeaf) continue;
    const uint32_t y = places.find(trees[i], yes[i]), n = places.find(trees[i], no[i]);
    if (y == NodePlaces::kNone || n == NodePlaces::kNone) {
      return invalid_model("node {} of tree {} leads to node {} or {}, which the tree lacks", ids[i], trees[i], yes[i],
                           no[i]);
    }
    out.nodes[i].yes = y;
    out.nodes[i].no = n;
  }
  const std::vector<int64_t>&weight_trees = c.ints(prefix + "_treeids"), &weight_nodes = c.ints(prefix + "_nodeids");
  const std::vector<int64_t>& weight_targets = c.ints(prefix + "_ids");
  ANYRT_ASSIGN(const std::vector<T> weight_values, number_list<T>(c, prefix + "_weights"));
  const size_t weights = weight_values.size();
  if (weight_trees.size() != weights || weight_nodes.size() != weights || weight_targets.size() != weights) {
    return invalid_model("the {}_ lists have {}, {}, {} and {} entries", prefix, weight_trees.size(),
                         weight_nodes.size(), weight_targets.size(), weights);
  }
  // Weights are sorted by their node, in the order given for each one.
  std::vector<std::pair<uint32_t, uint32_t>> owners;
  owners.reserve(weights);
  for (uint32_t k = 0; k < weights; ++k) {
    const uint32_t node = places.find(weight_trees[k], weight_nodes[k]);
    if (node == NodePlaces::kNone) {
      return invalid_model("a weight belongs to node {} of tree {}, which is missing", weight_nodes[k],
                           weight_trees[k]);
    }
    owners.emplace_back(node, k);
  }
  if (!std::is_sorted(owners.begin(), owners.end())) std::sort(owners.begin(), owners.end());
  for (const auto& [node, k] : owners) {
    auto& n = out.nodes[node];
    const uint32_t at = static_cast<uint32_t>(out.weights.size());
    if (n.end == 0) n.begin = at;
    n.end = at + 1;
    out.weights.push_back({targets == 1 ? 0 : weight_targets[k], weight_values[k]});
  }
  return out;
}

template <class T>
Expected<TreeEnsemble<T>> read_split_lists(const AttrReader& c) {
  using Mode = typename TreeEnsemble<T>::Mode;
  const std::vector<int64_t>&features = c.ints("nodes_featureids"),
        &missing = c.ints("nodes_missing_value_tracks_true");
  const std::vector<int64_t>&yes = c.ints("nodes_truenodeids"), &yes_leaf = c.ints("nodes_trueleafs");
  const std::vector<int64_t>&no = c.ints("nodes_falsenodeids"), &no_leaf = c.ints("nodes_falseleafs");
  ANYRT_ASSIGN(const std::vector<double> splits, to_doubles(c.tensor("nodes_splits")));
  ANYRT_ASSIGN(const std::vector<int64_t> modes, to_int64s(c.tensor("nodes_modes")));
  ANYRT_ASSIGN(const std::vector<double> leaf_weights, to_doubles(c.tensor("leaf_weights")));
  const std::vector<int64_t>& leaf_targets = c.ints("leaf_targetids");
  const size_t count = features.size(), leaves = leaf_weights.size();
  for (size_t n : {yes.size(), yes_leaf.size(), no.size(), no_leaf.size(), splits.size(), modes.size()}) {
    if (n != count) return invalid_model("the nodes_ lists have {} and {} entries", count, n);
  }
  if (count + leaves >= UINT32_MAX || leaf_targets.size() != leaves || (!missing.empty() && missing.size() != count)) {
    return invalid_model("{} nodes, {} leaf weights, {} leaf targets", count, leaves, leaf_targets.size());
  }
  TreeEnsemble<T> out;
  out.nodes.resize(count + leaves);
  if (c.tensor("membership_values").defined()) {
    ANYRT_ASSIGN(const std::vector<double> members, to_doubles(c.tensor("membership_values")));
    out.members.assign(members.begin(), members.end());
  }
  size_t next_set = 0;  // sets are divided by NaN
  for (size_t i = 0; i < count; ++i) {
    auto& n = out.nodes[i];
    if (modes[i] < 0 || modes[i] > static_cast<int64_t>(Mode::kMember)) return invalid_model("node mode {}", modes[i]);
    n.mode = static_cast<Mode>(modes[i]);
    n.feature = features[i];
    n.value = static_cast<T>(splits[i]);
    n.missing_is_true = !missing.empty() && missing[i] == 1;
    const auto place = [&](int64_t id, int64_t leaf) -> Expected<uint32_t> {
      const size_t limit = leaf != 0 ? leaves : count;
      if (id < 0 || static_cast<uint64_t>(id) >= limit) {
        return invalid_model("node {} leads to {} {} of {}", i, leaf != 0 ? "leaf" : "node", id, limit);
      }
      return static_cast<uint32_t>(leaf != 0 ? count + static_cast<size_t>(id) : static_cast<size_t>(id));
    };
    ANYRT_ASSIGN(n.yes, place(yes[i], yes_leaf[i]));
    ANYRT_ASSIGN(n.no, place(no[i], no_leaf[i]));
    if (n.mode != Mode::kMember) continue;
    if (next_set >= out.members.size()) return invalid_model("membership_values has no set for node {}", i);
    n.begin = static_cast<uint32_t>(next_set);
    while (next_set < out.members.size() && !std::isnan(out.members[next_set])) ++next_set;
    n.end = static_cast<uint32_t>(next_set++);
  }
  for (size_t k = 0; k < leaves; ++k) {
    out.nodes[count + k].begin = static_cast<uint32_t>(k);
    out.nodes[count + k].end = static_cast<uint32_t>(k + 1);
    out.weights.push_back({leaf_targets[k], static_cast<T>(leaf_weights[k])});
  }
  for (int64_t r : c.ints("tree_roots")) {
    if (r < 0 || static_cast<uint64_t>(r) >= count) return invalid_model("tree root {} of {} nodes", r, count);
    out.roots.push_back(static_cast<uint32_t>(r));
  }
  return out;
}

Status downgrade_tree_lists(RewriteContext& c) {
  if (c.version() >= 3) return {};
  for (const Attr& a : c.node().attrs) {
    if (a.kind() == AttrKind::kTensor) return not_implemented("attribute {} came with version 3", a.name);
  }
  return {};
}

#define ANYRT_INSTANTIATE(T)                                                                             \
  template struct TreeEnsemble<T>;                                                                       \
  template Expected<TreeEnsemble<T>> read_node_lists<T>(const AttrReader&, const std::string&, int64_t); \
  template Expected<TreeEnsemble<T>> read_split_lists<T>(const AttrReader&);                             \
  template Expected<std::vector<T>> number_list<T>(const AttrReader&, const std::string&);
ANYRT_INSTANTIATE(float)
ANYRT_INSTANTIATE(double)
#undef ANYRT_INSTANTIATE

}  // namespace anyrt
