#include "graph/walk.h"
#include "opdef/attrs.h"
#include "passes/match.h"
#include "passes/passes.h"

namespace anyrt {
namespace {

const std::vector<int64_t> kSwap = {0, 2, 1, 3};

// A value [batch, heads, length, size] as it was before: elements [first, first + heads * size) of the last axis of
// `flat`, [batch, length, …].
struct Flat {
  ValueId flat = kNoValue;
  int64_t heads = 0, size = 0;
  int64_t first = 0;
  bool whole = true;
  const Node* rotary = nullptr;  // turned afterwards
};

// The same length of a batch in both.
bool same_rows(const SymShape& flat, const Dim& batch, const Dim& length) {
  return flat[0] == batch && flat[1] == length;
}

std::optional<Flat> transposed(const Graph& graph, ValueId v) {
  const Node* transpose = made_by(graph, v, "Transpose");
  const Node* reshape = transpose ? made_by(graph, transpose->inputs[0], "Reshape") : nullptr;
  if (!reshape || AttrReader(*transpose).ints("perm") != kSwap) return std::nullopt;
  const SymShape *split = shape_of(graph, transpose->inputs[0]), *flat = shape_of(graph, reshape->inputs[0]);
  if (!split || !flat || flat->size() != 3 || split->size() != 4 || !(*split)[2].is_const() || !(*split)[3].is_const())
    return std::nullopt;
  const int64_t heads = (*split)[2].value(), size = (*split)[3].value();
  if (!(*flat)[2].is(heads * size) || !same_rows(*flat, (*split)[0], (*split)[1])) return std::nullopt;
  return Flat{reshape->inputs[0], heads, size};
}

// One of several matrices that were made together: [batch, length, count, heads, size] with `count` brought to the
// front, and there one of them taken.
std::optional<Flat> one_of_several(const Graph& graph, ValueId v) {
  ValueId all = kNoValue;
  int64_t which = -1;
  if (const Node* gather = made_by(graph, v, "Gather"); gather && AttrReader(*gather).i("axis") == 0) {
    const auto index = constant_ints(graph, gather->inputs[1]);
    if (index && index->size() == 1 && fixed_constant(graph, gather->inputs[1])->rank() == 0) which = (*index)[0];
    all = gather->inputs[0];
  } else if (const Node* squeeze = made_by(graph, v, "Squeeze")) {
    const Node* split = made_by(graph, squeeze->inputs[0], "Split");
    const auto axes = constant_ints(graph, input(*squeeze, 1));
    if (!split || !axes || *axes != std::vector<int64_t>{0} || AttrReader(*split).i("axis") != 0) return std::nullopt;
    all = split->inputs[0];
    const SymShape* s = shape_of(graph, all);
    if (!s || !(*s)[0].is(static_cast<int64_t>(split->outputs.size()))) return std::nullopt;
    which = graph.value(squeeze->inputs[0]).output_index;
  }
  const Node* transpose = all == kNoValue ? nullptr : made_by(graph, all, "Transpose");
  const Node* reshape = transpose ? made_by(graph, transpose->inputs[0], "Reshape") : nullptr;
  if (!reshape || AttrReader(*transpose).ints("perm") != std::vector<int64_t>{2, 0, 3, 1, 4}) return std::nullopt;
  const SymShape *split = shape_of(graph, transpose->inputs[0]), *flat = shape_of(graph, reshape->inputs[0]);
  if (!split || !flat || flat->size() != 3 || split->size() != 5) return std::nullopt;
  for (size_t i = 2; i < 5; ++i) {
    if (!(*split)[i].is_const()) return std::nullopt;
  }
  const int64_t count = (*split)[2].value(), heads = (*split)[3].value(), size = (*split)[4].value();
  if (which < 0) which += count;
  if (which < 0 || which >= count || !(*flat)[2].is(count * heads * size) ||
      !same_rows(*flat, (*split)[0], (*split)[1]))
    return std::nullopt;
  return Flat{reshape->inputs[0], heads, size, which * heads * size, count == 1};
}

std::optional<Flat> flat_of(const Graph& graph, ValueId v) {
  if (const auto f = transposed(graph, v)) return f;
  if (const auto f = one_of_several(graph, v)) return f;
  const Node* rotary = made_by(graph, v, "RotaryEmbedding");
  if (!rotary || rotary->inputs.size() != 3) return std::nullopt;
  auto f = transposed(graph, rotary->inputs[0]);
  if (f) f->rotary = rotary;
  return f;
}

ValueId make_flat(Rewrite& rewrite, const Flat& f) {
  ValueId v = f.flat;
  if (!f.whole) {
    const auto ints = [&](int64_t i) { return rewrite.constant(Tensor::int64s({i})); };
    v = rewrite.op("Slice", {v, ints(f.first), ints(f.first + f.heads * f.size), ints(2)});
  }
  if (!f.rotary) return v;
  std::vector<Attr> attrs = f.rotary->attrs;
  std::erase_if(attrs, [](const Attr& a) { return a.name == "num_heads"; });
  attrs.push_back({"num_heads", f.heads});
  return rewrite.add("", "RotaryEmbedding", {v, f.rotary->inputs[1], f.rotary->inputs[2]}, std::move(attrs), 1)[0];
}

// The node after Transpose and Reshape have put the heads side by side again, and its value.
ValueId merged(const Graph& graph, ValueId y) {
  const NodeId transpose = single_use(graph, y);
  if (transpose == kNoNode || !is_op(graph.node(transpose), "Transpose") ||
      AttrReader(graph.node(transpose)).ints("perm") != kSwap)
    return kNoValue;
  const ValueId swapped = graph.node(transpose).outputs[0];
  const NodeId reshape = single_use(graph, swapped);
  if (reshape == kNoNode || !is_op(graph.node(reshape), "Reshape") || graph.node(reshape).inputs[0] != swapped)
    return kNoValue;
  const ValueId out = graph.node(reshape).outputs[0];
  const SymShape *s = shape_of(graph, swapped), *flat = shape_of(graph, out);
  if (!s || !flat || flat->size() != 3 || !(*s)[2].is_const() || !(*s)[3].is_const()) return kNoValue;
  return (*flat)[2].is((*s)[2].value() * (*s)[3].value()) && same_rows(*flat, (*s)[0], (*s)[1]) ? out : kNoValue;
}

// Past keys that stand before x in a Concat along the length.
const Node* appended(const Graph& graph, ValueId v) {
  const Node* concat = made_by(graph, v, "Concat");
  if (!concat || concat->inputs.size() != 2) return nullptr;
  const int64_t axis = AttrReader(*concat).i("axis");
  return axis == 2 || axis == -2 ? concat : nullptr;
}

// Whether anything but `reader` that reads v comes before `reader` by what it is made of.
bool read_before(const Graph& graph, ValueId v, NodeId reader) {
  const std::vector<bool> before = upstream(graph, reader);
  for (const NodeId other : consumers(graph, v)) {
    if (other != reader && before[index(other)]) return true;
  }
  return false;
}

}  // namespace

Status fuse_attention_cache(Graph& graph, PassContext& context) {
  const std::vector<NodeId> order = graph.order();
  for (const NodeId id : order) {
    if (!graph.node(id).alive) continue;
    const Node& node = graph.node(id);
    const bool plain = is_op(node, "Attention") && input(node, 4) == kNoValue && input(node, 6) == kNoValue &&
                       !is_read(graph, node, 1) && !is_read(graph, node, 2) && !is_read(graph, node, 3) &&
                       AttrReader(node).i("is_causal") == 0;
    const Node* k = plain ? appended(graph, node.inputs[1]) : nullptr;
    const Node* v = k ? appended(graph, node.inputs[2]) : nullptr;
    if (v && k != v && !read_before(graph, node.inputs[1], id) && !read_before(graph, node.inputs[2], id)) {
      Rewrite rewrite(graph, id);
      const auto y = rewrite.add(
          "", "Attention", {node.inputs[0], k->inputs[1], v->inputs[1], input(node, 3), k->inputs[0], v->inputs[0]},
          node.attrs, 3);
      const ValueId before[] = {node.outputs[0], node.inputs[1], node.inputs[2]};
      for (size_t i = 0; i < 3; ++i) rewrite.replace(before[i], y[i]);
      ANYRT_TRY(rewrite.apply());
      context.count();
    }
  }
  return {};
}

Status fuse_attention_heads(Graph& graph, PassContext& context) {
  const std::vector<NodeId> order = graph.order();
  for (const NodeId id : order) {
    if (!graph.node(id).alive) continue;
    const Node& node = graph.node(id);
    if (is_op(node, "Attention")) {
      const auto q = flat_of(graph, node.inputs[0]);
      const auto k = q ? flat_of(graph, node.inputs[1]) : std::nullopt;
      const auto v = k ? flat_of(graph, node.inputs[2]) : std::nullopt;
      const ValueId y = v ? merged(graph, node.outputs[0]) : kNoValue;
      if (y != kNoValue && k->heads == v->heads) {
        Rewrite rewrite(graph, id);
        std::vector<ValueId> inputs = node.inputs;
        inputs[0] = make_flat(rewrite, *q);
        inputs[1] = make_flat(rewrite, *k);
        inputs[2] = make_flat(rewrite, *v);
        std::vector<Attr> attrs = node.attrs;
        std::erase_if(attrs, [](const Attr& a) { return a.name == "q_num_heads" || a.name == "kv_num_heads"; });
        attrs.push_back({"q_num_heads", q->heads});
        attrs.push_back({"kv_num_heads", k->heads});
        const std::vector<ValueId> before = node.outputs;
        const auto after = rewrite.add("", "Attention", std::move(inputs), std::move(attrs), before.size());
        rewrite.replace(y, after[0]);
        for (size_t i = 1; i < before.size(); ++i) {
          if (before[i] != kNoValue) rewrite.replace(before[i], after[i]);
        }
        ANYRT_TRY(rewrite.apply());
        context.count();
      }
    }
  }
  return {};
}

}  // namespace anyrt
