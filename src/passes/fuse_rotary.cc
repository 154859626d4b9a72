#include <algorithm>
#include <cstring>

#include "opdef/attrs.h"
#include "passes/match.h"
#include "passes/passes.h"

namespace anyrt {
namespace {

bool is_last(const Graph& graph, ValueId v, int64_t axis) {
  const SymShape* s = shape_of(graph, v);
  return s && (axis == -1 || axis == static_cast<int64_t>(s->size()) - 1);
}

std::optional<int64_t> last_dim(const Graph& graph, ValueId v) {
  const SymShape* s = shape_of(graph, v);
  return s && !s->empty() && s->back().is_const() ? std::optional(s->back().value()) : std::nullopt;
}

// x, where v is elements [first, first + count) of the last axis of x.
ValueId part_of(const Graph& graph, ValueId v, int64_t first, int64_t count) {
  const Node* node = producer(graph, v);
  if (!node) return kNoValue;
  const ValueId x = node->inputs.empty() ? kNoValue : node->inputs[0];
  const auto whole = last_dim(graph, x);
  if (!whole || last_dim(graph, v) != count) return kNoValue;
  if (is_op(*node, "Slice")) {
    const auto start = constant_ints(graph, input(*node, 1)), axes = constant_ints(graph, input(*node, 3)),
               steps = constant_ints(graph, input(*node, 4));
    if (!start || start->size() != 1 || !axes || !is_last(graph, x, (*axes)[0])) return kNoValue;
    if (input(*node, 4) != kNoValue && (!steps || (*steps)[0] != 1)) return kNoValue;
    const int64_t from = (*start)[0] < 0 ? (*start)[0] + *whole : (*start)[0];
    return from == first ? x : kNoValue;
  }
  if (is_op(*node, "Split") && is_last(graph, x, AttrReader(*node).i("axis"))) {
    int64_t at = 0;
    for (const ValueId part : node->outputs) {
      if (part == v) return at == first ? x : kNoValue;
      const auto size = part == kNoValue ? std::nullopt : last_dim(graph, part);
      if (!size) return kNoValue;
      at += *size;
    }
  }
  return kNoValue;
}

// x, where v is the second half of x, negated, and the first one.
ValueId turned_half(const Graph& graph, ValueId v) {
  const Node* concat = made_by(graph, v, "Concat");
  const auto size = last_dim(graph, v);
  if (!concat || concat->inputs.size() != 2 || !size || *size % 2 != 0 ||
      !is_last(graph, v, AttrReader(*concat).i("axis")))
    return kNoValue;
  const Node* negated = made_by(graph, concat->inputs[0], "Neg");
  if (!negated) return kNoValue;
  const ValueId x = part_of(graph, negated->inputs[0], *size / 2, *size / 2);
  return x != kNoValue && x == part_of(graph, concat->inputs[1], 0, *size / 2) ? x : kNoValue;
}

// The first half along the last axis of a table whose two halves are the same.
class Halves {
 public:
  Halves(const Graph& graph, Rewrite* rewrite) : graph_(graph), rewrite_(rewrite) {}

  // kNoValue where it is not sure that they are. Without a Rewrite: v itself stands for what would be made.
  ValueId of(ValueId v, int depth = 0) const {
    const auto size = last_dim(graph_, v);
    if (!size || *size % 2 != 0 || depth > 8) return kNoValue;
    if (const Tensor* t = fixed_constant(graph_, v)) return of_constant(v, *t, *size);
    const Node* node = producer(graph_, v);
    if (!node) return kNoValue;
    if (is_op(*node, "Concat")) {
      const bool twice = node->inputs.size() == 2 && node->inputs[0] == node->inputs[1] &&
                         is_last(graph_, v, AttrReader(*node).i("axis"));
      return twice ? node->inputs[0] : kNoValue;
    }
    const SymShape *in = shape_of(graph_, input(*node, 0)), *out = shape_of(graph_, v);
    if (!in || !out) return kNoValue;
    bool along = is_one_of(*node, {"Cos", "Sin", "Cast", "Neg"});
    if (is_one_of(*node, {"Mul", "Div"}))
      along = uniform_constant(graph_, node->inputs[1]) && same_shape(graph_, v, node->inputs[0]);
    if (is_one_of(*node, {"Unsqueeze", "Squeeze"})) {
      const auto axes = constant_ints(graph_, input(*node, 1));
      const auto last = static_cast<int64_t>(std::max(in->size(), out->size())) - 1;
      along = axes.has_value();
      for (size_t i = 0; along && i < axes->size(); ++i) along = (*axes)[i] != -1 && (*axes)[i] != last;
    }
    if (is_op(*node, "Gather")) {
      const int64_t axis = AttrReader(*node).i("axis");
      along = axis >= 0 && axis < static_cast<int64_t>(in->size()) - 1;
    }
    if (is_op(*node, "Slice")) {
      const auto axes = constant_ints(graph_, input(*node, 3));
      along = axes.has_value() && in->size() == out->size();
      for (size_t i = 0; along && i < axes->size(); ++i) along = !is_last(graph_, v, (*axes)[i]);
    }
    if (!along) return kNoValue;
    const ValueId half = of(node->inputs[0], depth + 1);
    if (half == kNoValue || !rewrite_) return half;
    std::vector<ValueId> inputs = node->inputs;
    inputs[0] = half;
    return rewrite_->copy(*node, std::move(inputs))[0];
  }

 private:
  ValueId of_constant(ValueId v, const Tensor& t, int64_t size) const {
    if (!is_float(t.dtype())) return kNoValue;
    const size_t row = static_cast<size_t>(size) * element_size(t.dtype()), half = row / 2;
    for (size_t at = 0; at < t.bytes(); at += row) {
      if (std::memcmp(t.raw() + at, t.raw() + at + half, half) != 0) return kNoValue;
    }
    if (!rewrite_) return v;
    Dims dims = t.dims();
    dims.back() = size / 2;
    Expected<Tensor> made = Tensor::make(t.dtype(), dims);
    if (!made.ok()) return kNoValue;
    for (size_t at = 0; at < t.bytes(); at += row) std::memcpy(made->mutable_raw() + at / 2, t.raw() + at, half);
    return rewrite_->constant(std::move(*made));
  }

  const Graph& graph_;
  Rewrite* rewrite_;
};

// cosines as [batch, length, size]: what is broadcast over the heads of [batch, heads, length, size].
struct Table {
  ValueId value = kNoValue;
  bool spread = false;  // over the batch, too
};

// The table without the axis of the heads, where `v` is [batch or 1, 1, length, size].
std::optional<Table> table_of(const Graph& graph, ValueId v, const SymShape& x) {
  const SymShape* s = shape_of(graph, v);
  if (!s || s->size() != 4 || !(*s)[1].is(1) || (*s)[2] != x[2] || (*s)[3] != x[3]) return std::nullopt;
  if ((*s)[0] != x[0] && !(*s)[0].is(1)) return std::nullopt;
  return Table{v, (*s)[0] != x[0]};
}

struct Rotation {
  ValueId x = kNoValue;
  Table cosines, sines;
};

// x * cos + turned_half(x) * sin
std::optional<Rotation> find_rotation(const Graph& graph, const Node& add) {
  if (!is_op(add, "Add")) return std::nullopt;
  for (size_t side : {0, 1}) {
    const Node *straight = made_by(graph, add.inputs[side], "Mul"),
               *turned = made_by(graph, add.inputs[1 - side], "Mul");
    if (!straight || !turned) continue;
    for (size_t i : {0, 1}) {
      const ValueId x = turned_half(graph, turned->inputs[i]);
      if (x == kNoValue) continue;
      const size_t j = straight->inputs[0] == x ? 0 : 1;
      const SymShape* s = shape_of(graph, x);
      if (straight->inputs[j] != x || !s || s->size() != 4) continue;
      const auto cosines = table_of(graph, straight->inputs[1 - j], *s),
                 sines = table_of(graph, turned->inputs[1 - i], *s);
      const Halves halves(graph, nullptr);
      if (cosines && sines && halves.of(cosines->value) != kNoValue && halves.of(sines->value) != kNoValue)
        return Rotation{x, *cosines, *sines};
    }
  }
  return std::nullopt;
}

// [batch, length, size / 2]
ValueId rows(Rewrite& rewrite, const Graph& graph, const Table& t, ValueId x) {
  ValueId half = Halves(graph, &rewrite).of(t.value);
  half = rewrite.op("Squeeze", {half, rewrite.constant(Tensor::int64s({1}))});
  if (!t.spread) return half;
  const ValueId batch = rewrite.op("Shape", {x}, {{"start", int64_t{0}}, {"end", int64_t{1}}});
  const ValueId dims = rewrite.op("Concat", {batch, rewrite.constant(Tensor::int64s({1, 1}))}, {{"axis", int64_t{0}}});
  return rewrite.op("Expand", {half, dims});
}

}  // namespace

Status fuse_rotary(Graph& graph, PassContext& context) {
  const std::vector<NodeId> order = graph.order();
  for (const NodeId id : order) {
    if (!graph.node(id).alive) continue;
    const Node& node = graph.node(id);
    const auto found = find_rotation(graph, node);
    if (found && kFloats.has(dtype_of_value(graph, found->x)) && same_shape(graph, found->x, node.outputs[0])) {
      Rewrite rewrite(graph, id);
      const ValueId cosines = rows(rewrite, graph, found->cosines, found->x);
      const ValueId sines = rows(rewrite, graph, found->sines, found->x);
      rewrite.replace(node.outputs[0], rewrite.op("RotaryEmbedding", {found->x, cosines, sines}));
      ANYRT_TRY(rewrite.apply());
      context.count();
    }
  }
  return {};
}

}  // namespace anyrt
