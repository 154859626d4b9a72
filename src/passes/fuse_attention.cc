#include <cmath>

#include "opdef/attrs.h"
#include "passes/match.h"
#include "passes/passes.h"

namespace anyrt {
namespace {

// What is done to the scores before the softmax.
struct Mask {
  ValueId add = kNoValue;   // added to them
  ValueId cond = kNoValue;  // or: where it is false (true, when inverted), they become `fill`
  bool inverted = false;
  double fill = 0;
};

struct Found {
  ValueId q = kNoValue, k = kNoValue, v = kNoValue;
  std::vector<int64_t> k_perm;  // brings k to [batch, heads, length, size]; empty: it is
  std::vector<Mask> masks;      // the outermost first
  double scale = 1;
};

std::optional<double> number(const Graph& graph, ValueId v) {
  const Tensor* t = fixed_constant(graph, v);
  if (!t || t->size() != 1 || !is_float(t->dtype())) return std::nullopt;
  const Expected<std::vector<double>> values = to_doubles(*t);
  return values.ok() ? std::optional(values->front()) : std::nullopt;
}

std::optional<double> finite_number(const Graph& graph, ValueId v) {
  const auto c = uniform_constant(graph, v);
  return c && std::isfinite(*c) && *c != 0 ? c : std::nullopt;
}

bool has_rank(const Graph& graph, ValueId v, size_t rank) {
  const SymShape* s = shape_of(graph, v);
  return s && s->size() == rank;
}

// x of a node that multiplies or divides x by one number, which `scale` takes in.
ValueId unscaled(const Graph& graph, ValueId v, double& scale) {
  const Node* node = producer(graph, v);
  if (!node || !(is_op(*node, "Mul") || is_op(*node, "Div"))) return kNoValue;
  for (size_t side : {0, 1}) {
    const ValueId x = node->inputs[side];
    const auto c = finite_number(graph, node->inputs[1 - side]);
    if (!c || !same_shape(graph, x, v) || (side == 1 && is_op(*node, "Div"))) continue;
    scale *= is_op(*node, "Mul") ? *c : 1 / *c;
    return x;
  }
  return kNoValue;
}

// A fill value so low that the scores do not count beside it, also in rows that hold nothing else.
bool hides(double fill) { return fill <= -1e12; }

// K^T of [batch, heads, size, length] as K.
bool find_key(const Graph& graph, ValueId v, Found& f) {
  const Node* node = producer(graph, v);
  if (node && is_op(*node, "Transpose")) {
    const std::vector<int64_t>& perm = AttrReader(*node).ints("perm");
    f.k = node->inputs[0];
    if (perm == std::vector<int64_t>{0, 1, 3, 2}) return true;
    f.k_perm = {0, 2, 1, 3};
    return perm == std::vector<int64_t>{0, 2, 3, 1};
  }
  const ValueId inner = unscaled(graph, v, f.scale);
  return inner != kNoValue && find_key(graph, inner, f);
}

// From the softmax back to the product; masks stand behind the scale.
bool find_scores(const Graph& graph, ValueId v, bool scaled, Found& f) {
  if (single_use(graph, v) == kNoNode) return false;
  const Node* node = producer(graph, v);
  if (!node || f.masks.size() > 4) return false;
  if (is_op(*node, "MatMul")) {
    f.q = node->inputs[0];
    if (const ValueId inner = unscaled(graph, f.q, f.scale); inner != kNoValue) f.q = inner;
    return find_key(graph, node->inputs[1], f);
  }
  if (const ValueId inner = unscaled(graph, v, f.scale); inner != kNoValue) return find_scores(graph, inner, true, f);
  if (scaled) return false;
  if (is_op(*node, "Add")) {
    for (size_t side : {0, 1}) {
      Found copy = f;
      copy.masks.push_back({.add = node->inputs[1 - side]});
      if (!find_scores(graph, node->inputs[side], false, copy)) continue;
      f = std::move(copy);
      return true;
    }
  }
  if (is_op(*node, "Where")) {
    for (size_t side : {1, 2}) {
      const auto fill = number(graph, node->inputs[3 - side]);
      if (!fill || !hides(*fill)) continue;
      f.masks.push_back({.cond = node->inputs[0], .inverted = side == 2, .fill = *fill});
      return find_scores(graph, node->inputs[side], false, f);
    }
  }
  return false;
}

// [batch, kv heads, length, size], where v is that with each head `group` times: Unsqueeze, Expand or Tile, Reshape.
ValueId unrepeated(const Graph& graph, ValueId v, int64_t& group) {
  const Node* reshape = made_by(graph, v, "Reshape");
  const Node* repeat = reshape ? producer(graph, reshape->inputs[0]) : nullptr;
  if (!repeat || !is_one_of(*repeat, {"Expand", "Tile"})) return kNoValue;
  const Node* unsqueeze = made_by(graph, repeat->inputs[0], "Unsqueeze");
  if (!unsqueeze || !has_rank(graph, unsqueeze->inputs[0], 4) ||
      constant_ints(graph, unsqueeze->inputs[1]) != std::vector<int64_t>{2})
    return kNoValue;
  const ValueId x = unsqueeze->inputs[0];
  const SymShape *own = shape_of(graph, x), *wide = shape_of(graph, reshape->inputs[0]), *flat = shape_of(graph, v);
  if (!wide || !flat || wide->size() != 5 || flat->size() != 4 || !(*own)[1].is_const() || !(*wide)[2].is_const())
    return kNoValue;
  const Dim &heads = (*own)[1], &times = (*wide)[2];
  // Only the new axis may grow.
  const bool fits = (*wide)[0] == (*own)[0] && (*wide)[1] == heads && (*wide)[3] == (*own)[2] &&
                    (*wide)[4] == (*own)[3] && (*flat)[0] == (*own)[0] && (*flat)[2] == (*own)[2] &&
                    (*flat)[3] == (*own)[3] && (*flat)[1].is(heads.value() * times.value());
  if (!fits) return kNoValue;
  group = times.value();
  return x;
}

// Whether a mask of this shape stands for each query and key; its last axis may have to be widened.
bool mask_fits(const SymShape* mask, const SymShape& scores, bool& widen) {
  if (!mask || mask->empty() || mask->size() > 4) return false;
  for (size_t i = 0; i + 1 < mask->size(); ++i) {
    const Dim& d = (*mask)[i];
    if (!d.is(1) && d != scores[i + 4 - mask->size()]) return false;
  }
  widen = mask->back() != scores[3];
  return true;
}

// The number of keys. Those of a Concat are counted before it, so that a cache may be taken into the attention.
ValueId length_of(Rewrite& rewrite, const Graph& graph, ValueId keys) {
  const Node* concat = made_by(graph, keys, "Concat");
  const bool cache = concat && concat->inputs.size() == 2 && AttrReader(*concat).i("axis") == 2;
  const auto one = [&](ValueId v) { return rewrite.op("Shape", {v}, {{"start", int64_t{2}}, {"end", int64_t{3}}}); };
  return cache ? rewrite.op("Add", {one(concat->inputs[0]), one(concat->inputs[1])}) : one(keys);
}

// The masks as one: bool where possible, else numbers that are added.
ValueId one_mask(Rewrite& rewrite, const Graph& graph, const Found& f, ValueId keys, DType dtype,
                 const std::vector<bool>& widen) {
  ValueId sum = kNoValue;
  const bool alone = f.masks.size() == 1;
  for (size_t i = 0; i < f.masks.size(); ++i) {
    const Mask& m = f.masks[i];
    ValueId mask = m.add;
    if (m.cond != kNoValue) {
      const bool keep_bool = alone && std::isinf(m.fill);
      if (keep_bool) {
        mask = m.inverted ? rewrite.op("Not", {m.cond}) : m.cond;
      } else {
        const auto scalar = [&](double v) { return rewrite.constant(*cast_tensor(Tensor::scalar(v), dtype)); };
        const ValueId shown = scalar(0), hidden = scalar(m.fill);
        mask = rewrite.op("Where", {m.cond, m.inverted ? hidden : shown, m.inverted ? shown : hidden});
      }
    }
    if (widen[i]) {
      const ValueId one = rewrite.constant(Tensor::int64s({1}));
      const ValueId length = length_of(rewrite, graph, keys);
      const auto both = rewrite.add("", "Concat", {one, length}, {{"axis", int64_t{0}}}, 1);
      mask = rewrite.op("Expand", {mask, both[0]});
    }
    sum = sum == kNoValue ? mask : rewrite.op("Add", {mask, sum});
  }
  return sum;
}

bool fuse(Graph& graph, NodeId id, Status& status) {
  const Node& product = graph.node(id);
  if (!is_op(product, "MatMul") || !has_rank(graph, product.outputs[0], 4)) return false;
  const ValueId p = product.inputs[0];
  const Node* softmax = made_by(graph, p, "Softmax");
  if (!softmax || single_use(graph, p) != id || !has_rank(graph, p, 4)) return false;
  const int64_t axis = AttrReader(*softmax).i("axis", -1);
  Found f;
  if ((axis != -1 && axis != 3) || !find_scores(graph, softmax->inputs[0], false, f)) return false;
  f.v = product.inputs[1];
  if (!has_rank(graph, f.q, 4) || !has_rank(graph, f.k, 4) || !has_rank(graph, f.v, 4)) return false;
  const DType dtype = dtype_of_value(graph, f.q);
  if (!kFloats.has(dtype)) return false;
  int64_t k_group = 1, v_group = 1;
  const ValueId k_few = f.k_perm.empty() ? unrepeated(graph, f.k, k_group) : kNoValue;
  const ValueId v_few = unrepeated(graph, f.v, v_group);
  const bool shared = k_few != kNoValue && v_few != kNoValue && k_group == v_group;
  const ValueId k = shared ? k_few : f.k, v = shared ? v_few : f.v;
  const SymShape &qs = *shape_of(graph, f.q), &vs = *shape_of(graph, v);
  SymShape ks = *shape_of(graph, k);
  if (!f.k_perm.empty()) std::swap(ks[1], ks[2]);
  // Products broadcast, attention does not.
  const Dim heads = shared ? Dim(k_group) * ks[1] : ks[1];
  if (qs[0] != ks[0] || qs[0] != vs[0] || qs[1] != heads || vs[1] != ks[1] || qs[3] != ks[3]) return false;
  const SymShape scores = {qs[0], qs[1], qs[2], ks[2]};
  std::vector<bool> widen(f.masks.size());
  for (size_t i = 0; i < f.masks.size(); ++i) {
    bool wide = false;
    const Mask& m = f.masks[i];
    if (!mask_fits(shape_of(graph, m.cond != kNoValue ? m.cond : m.add), scores, wide)) return false;
    widen[i] = wide;
  }
  Rewrite rewrite(graph, id);
  const ValueId key = f.k_perm.empty() ? k : rewrite.op("Transpose", {k}, {{"perm", f.k_perm}});
  std::vector<ValueId> inputs = {f.q, key, v};
  if (!f.masks.empty()) inputs.push_back(one_mask(rewrite, graph, f, key, dtype, widen));
  const ValueId y = rewrite.add("", "Attention", std::move(inputs), {{"scale", static_cast<float>(f.scale)}}, 1)[0];
  rewrite.replace(product.outputs[0], y);
  status = rewrite.apply();
  return true;
}

}  // namespace

Status fuse_attention(Graph& graph, PassContext& context) {
  const std::vector<NodeId> order = graph.order();
  for (const NodeId id : order) {
    if (!graph.node(id).alive) continue;
    Status status;
    if (fuse(graph, id, status)) {
      ANYRT_TRY(std::move(status));
      context.count();
    }
  }
  return {};
}

}  // namespace anyrt
