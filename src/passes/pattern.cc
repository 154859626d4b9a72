#include "passes/pattern.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <utility>

#include "graph/hash.h"
#include "graph/text.h"
#include "passes/match.h"

namespace anyrt {
namespace {

bool is_near(double a, double b) {
  constexpr double kTolerance = 1e-4;  // exporters write 0.7071 and 1.41421 at times
  return std::abs(a - b) <= kTolerance * std::abs(b);
}

bool attr_fits(const Attr& wanted, const Node& node) {
  const Attr* found = node.find_attr(wanted.name);
  if (!found) return false;
  const float* a = std::get_if<float>(&found->value);
  const float* b = std::get_if<float>(&wanted.value);
  if (a && b) return is_near(static_cast<double>(*a), static_cast<double>(*b));
  return same_attr_value(found->value, wanted.value);
}

class Matcher {
 public:
  Matcher(const Graph& pattern, const Graph& graph)
      : pattern_(pattern), graph_(graph), bound_(pattern.value_capacity(), kNoValue) {}

  bool node(const Node& wanted, const Node& found) {
    if (wanted.op != found.op || wanted.domain != found.domain || wanted.outputs.size() > found.outputs.size())
      return false;
    const bool attrs =
        std::all_of(wanted.attrs.begin(), wanted.attrs.end(), [&](const Attr& a) { return attr_fits(a, found); });
    if (!attrs || wanted.inputs.size() != found.inputs.size()) return false;
    const Matcher before = *this;
    if (inputs(wanted, found, false)) return true;
    *this = before;
    return is_one_of(wanted, {"Add", "Mul"}) && inputs(wanted, found, true);
  }

  Matcher& operator=(const Matcher& other) {
    bound_ = other.bound_;
    nodes_ = other.nodes_;
    constant_rank_ = other.constant_rank_;
    return *this;
  }
  Matcher(const Matcher&) = default;

  ValueId bound(ValueId v) const { return bound_[index(v)]; }
  int constant_rank() const { return constant_rank_; }

  // Nobody outside reads what is made inside.
  bool is_closed(NodeId root) const {
    for (NodeId id : nodes_) {
      for (ValueId v : graph_.node(id).outputs) {
        if (v == kNoValue) continue;
        if (graph_.is_output(v)) return false;
        for (const Use& use : graph_.value(v).uses) {
          if (use.node != root && std::find(nodes_.begin(), nodes_.end(), use.node) == nodes_.end()) return false;
        }
      }
    }
    return true;
  }

 private:
  bool inputs(const Node& wanted, const Node& found, bool swapped) {
    for (size_t i = 0; i < wanted.inputs.size(); ++i) {
      if (!value(wanted.inputs[i], found.inputs[swapped ? 1 - i : i])) return false;
    }
    return true;
  }

  bool value(ValueId wanted, ValueId found) {
    if (wanted == kNoValue || found == kNoValue) return wanted == found;
    const ValueInfo& info = pattern_.value(wanted);
    if (info.is_constant()) return constant(info.constant, found);  // one number may be several constants
    ValueId& bound = bound_[index(wanted)];
    if (bound != kNoValue) return bound == found;
    if (info.producer != kNoNode) {
      const ValueInfo& made = graph_.value(found);
      if (made.producer == kNoNode || made.output_index != info.output_index) return false;
      if (!node(pattern_.node(info.producer), graph_.node(made.producer))) return false;
      nodes_.push_back(made.producer);
    }
    bound_[index(wanted)] = found;
    return true;
  }

  bool constant(const Tensor& wanted, ValueId found) {
    const Tensor* t = fixed_constant(graph_, found);
    if (!t || t->size() != 1) return false;
    const Expected<std::vector<double>> a = to_doubles(*t), b = to_doubles(wanted);
    if (!a.ok() || !b.ok() || !is_near(a->front(), b->front())) return false;
    constant_rank_ = std::max(constant_rank_, t->rank());
    return true;
  }

  const Graph& pattern_;
  const Graph& graph_;
  std::vector<ValueId> bound_;  // by value of the pattern
  std::vector<NodeId> nodes_;   // but for the root
  int constant_rank_ = 0;
};

}  // namespace

Pattern::Pattern(std::string_view text) {
  Expected<Graph> parsed = parse_graph(text);
  assert(parsed.ok() && parsed->outputs.size() == 1);
  if (parsed.ok()) graph_ = std::move(*parsed);
}

std::optional<Pattern::Match> Pattern::match(const Graph& graph, NodeId root) const {
  if (graph_.outputs.empty()) return std::nullopt;
  const Node& wanted = *producer(graph_, graph_.outputs[0]);
  Matcher matcher(graph_, graph);
  if (!matcher.node(wanted, graph.node(root)) || !matcher.is_closed(root)) return std::nullopt;
  Match match;
  match.root = root;
  match.constant_rank = matcher.constant_rank();
  for (ValueId v : graph_.inputs) match.inputs.emplace(graph_.value(v).name, matcher.bound(v));
  return match;
}

bool has_op(const Graph& graph, std::string_view op) {
  for (NodeId id = graph.first_node(); id != kNoNode; id = graph.next_node(id)) {
    if (graph.node(id).op == op && graph.node(id).domain.empty()) return true;
  }
  return false;
}

Status fuse_unary(Graph& graph, PassContext& context, const std::vector<UnaryFusion>& fusions) {
  const auto find = [&](NodeId id) -> std::pair<const UnaryFusion*, ValueId> {
    for (const UnaryFusion& fusion : fusions) {
      for (const Pattern& pattern : fusion.patterns) {
        const auto match = pattern.match(graph, id);
        if (!match) continue;
        const ValueId x = match->inputs.at("x");
        const SymShape* shape = shape_of(graph, x);
        // A constant of higher rank than x would give the result that rank.
        const bool same_rank = match->constant_rank <= (shape ? static_cast<int>(shape->size()) : 0);
        if (same_rank && is_float(dtype_of_value(graph, x))) return {&fusion, x};
      }
    }
    return {nullptr, kNoValue};
  };
  for (NodeId id = graph.first_node(); id != kNoNode;) {
    const NodeId next = graph.next_node(id);
    if (const auto [fusion, x] = find(id); fusion) {
      Rewrite rewrite(graph, id);
      rewrite.replace(graph.node(id).outputs[0], rewrite.op(fusion->op, {x}, fusion->attrs));
      ANYRT_TRY(rewrite.apply());
      context.count();
    }
    id = next;
  }
  return {};
}

}  // namespace anyrt
