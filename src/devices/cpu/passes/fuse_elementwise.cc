#include <algorithm>
#include <map>

#include "devices/cpu/passes/passes.h"
#include "opdef/elementwise_chain.h"

namespace anyrt::cpu {
namespace {

constexpr size_t kMostInputs = 12;
constexpr size_t kMostSteps = 32;
constexpr size_t kMostLive = 14;  // values that wait in buffers at the same time

constexpr std::string_view kOperators[] = {"Abs",
                                           "Acos",
                                           "Acosh",
                                           "Add",
                                           "And",
                                           "Asin",
                                           "Asinh",
                                           "Atan",
                                           "Atanh",
                                           "Cast",
                                           "Ceil",
                                           "Celu",
                                           "Clip",
                                           "Cos",
                                           "Cosh",
                                           "Div",
                                           "Elu",
                                           "Equal",
                                           "Erf",
                                           "Exp",
                                           "Floor",
                                           "Gelu",
                                           "IsInf",
                                           "IsNaN",
                                           "Greater",
                                           "Less",
                                           "GreaterOrEqual",
                                           "Log",
                                           "Max",
                                           "LeakyRelu",
                                           "Mean",
                                           "Min",
                                           "HardSigmoid",
                                           "HardSwish",
                                           "Mish",
                                           "LessOrEqual",
                                           "Mod",
                                           "Mul",
                                           "Neg",
                                           "Not",
                                           "Or",
                                           "PRelu",
                                           "Pow",
                                           "Relu",
                                           "Reciprocal",
                                           "Selu",
                                           "Round",
                                           "Shrink",
                                           "Sign",
                                           "Sin",
                                           "Sigmoid",
                                           "Sinh",
                                           "Softplus",
                                           "Softsign",
                                           "Sqrt",
                                           "Sub",
                                           "Sum",
                                           "Swish",
                                           "Tan",
                                           "Tanh",
                                           "ThresholdedRelu",
                                           "Where",
                                           "Xor"};

bool is_computed(DType dtype) { return dtype == DType::kFloat32 || dtype == DType::kBool; }

// Whether the node computes f32 values or truth, each element from those at the same place.
bool can_join(const Graph& graph, const Node& node) {
  if (!node.domain.empty() || node.outputs.size() != 1) return false;
  if (std::find(std::begin(kOperators), std::end(kOperators), node.op) == std::end(kOperators)) return false;
  if (!shape_of(graph, node.outputs[0]) || !is_computed(dtype_of_value(graph, node.outputs[0]))) return false;
  for (const ValueId v : node.inputs) {
    if (v == kNoValue) continue;
    if (!shape_of(graph, v)) return false;
    const DType dtype = dtype_of_value(graph, v);
    const bool cast = node.op == "Cast" && (kNumeric | DType::kBool).has(dtype) && dtype != DType::kFloat64;
    if (!is_computed(dtype) && !cast) return false;
  }
  return true;
}

// A constant of one element, as a number in the program.
std::optional<float> number(const Graph& graph, ValueId v) {
  const Tensor* t = fixed_constant(graph, v);
  if (!t || t->size() != 1 || t->dtype() != DType::kFloat32) return std::nullopt;
  return *t->data<float>();
}

// Nodes that become one, and what they read from outside.
struct Group {
  std::vector<NodeId> nodes;  // in execution order once complete
  std::vector<ValueId> inputs;
};

class Fusion {
 public:
  explicit Fusion(Graph& graph) : graph_(graph), order_(graph.order()) {
    position_.resize(graph.node_capacity(), 0);
    grouped_.resize(graph.node_capacity(), false);
    for (size_t i = 0; i < order_.size(); ++i) position_[at(order_[i])] = i;
  }

  std::vector<Group> groups() {
    std::vector<Group> found;
    for (size_t i = order_.size(); i-- > 0;) {
      if (grouped_[at(order_[i])] || !can_join(graph_, graph_.node(order_[i]))) continue;
      Group group = grow(order_[i]);
      for (const NodeId id : group.nodes) grouped_[at(id)] = true;
      if (group.nodes.size() > 1) {
        found.push_back(std::move(group));
      } else {
        ++alone_;
      }
    }
    return found;
  }
  size_t alone() const { return alone_; }

 private:
  static size_t at(NodeId id) { return static_cast<size_t>(id); }

  bool inside(const Group& group, NodeId id) const {
    return std::find(group.nodes.begin(), group.nodes.end(), id) != group.nodes.end();
  }

  // From the last node to those whose results only the group reads.
  Group grow(NodeId last) const {
    Group group{{last}, {}};
    collect(group);
    for (bool more = true; more;) {
      more = false;
      for (const ValueId v : group.inputs) {
        const NodeId from = graph_.value(v).producer;
        if (from == kNoNode || grouped_[at(from)] || !fits(group, from, last)) continue;
        Group larger = group;
        larger.nodes.push_back(from);
        collect(larger);
        if (!is_small(larger)) continue;
        group = std::move(larger);
        more = true;
        break;
      }
    }
    return group;
  }

  bool fits(const Group& group, NodeId id, NodeId last) const {
    const Node& node = graph_.node(id);
    if (!can_join(graph_, node)) return false;
    const ValueId v = node.outputs[0];
    if (graph_.is_output(v) || !same_shape(graph_, v, graph_.node(last).outputs[0])) return false;
    for (const Use& use : graph_.value(v).uses) {
      if (!inside(group, use.node) || use.slot >= graph_.node(use.node).inputs.size()) return false;
    }
    return true;
  }

  void collect(Group& group) const {
    std::sort(group.nodes.begin(), group.nodes.end(),
              [&](NodeId a, NodeId b) { return position_[at(a)] < position_[at(b)]; });
    group.inputs.clear();
    for (const NodeId id : group.nodes) {
      for (const ValueId v : graph_.node(id).inputs) {
        if (v == kNoValue || number(graph_, v)) continue;
        const NodeId from = graph_.value(v).producer;
        if (from != kNoNode && inside(group, from)) continue;
        if (std::find(group.inputs.begin(), group.inputs.end(), v) == group.inputs.end()) group.inputs.push_back(v);
      }
    }
  }

  bool is_small(const Group& group) const {
    if (group.inputs.size() > kMostInputs || group.nodes.size() > kMostSteps) return false;
    // Inputs of the group's own shape and type are read where they lie.
    size_t waiting = 0;
    for (const ValueId v : group.inputs) {
      const bool lies_well = dtype_of_value(graph_, v) == DType::kFloat32 &&
                             same_shape(graph_, v, graph_.node(group.nodes.back()).outputs[0]);
      waiting += lies_well ? 0 : 1;
    }
    std::map<NodeId, size_t> last;
    for (size_t i = 0; i < group.nodes.size(); ++i) {
      for (const ValueId v : graph_.node(group.nodes[i]).inputs) {
        if (v != kNoValue && graph_.value(v).producer != kNoNode) last[graph_.value(v).producer] = i;
      }
    }
    for (size_t i = 0; i < group.nodes.size(); ++i) {
      size_t live = waiting + 1;
      for (size_t k = 0; k < i; ++k) live += last[group.nodes[k]] >= i ? 1 : 0;
      // Operators of any number of operands keep a sum on the side.
      if (live + 1 > kMostLive) return false;
    }
    return true;
  }

  const Graph& graph_;
  std::vector<NodeId> order_;
  std::vector<size_t> position_;
  std::vector<bool> grouped_;
  size_t alone_ = 0;
};

Status make_chain(Graph& graph, const Group& group) {
  std::map<ValueId, int> values;
  for (size_t i = 0; i < group.inputs.size(); ++i) values[group.inputs[i]] = static_cast<int>(i);
  std::vector<std::string> program;
  for (const NodeId id : group.nodes) {
    const Node& node = graph.node(id);
    std::vector<ChainOperand> operands;
    for (const ValueId v : node.inputs) {
      const auto constant = v == kNoValue ? std::nullopt : number(graph, v);
      if (v == kNoValue) {
        operands.push_back({.omitted = true});
      } else if (constant) {
        operands.push_back({.number = *constant});
      } else {
        operands.push_back({.value = values.at(v)});
      }
    }
    values[node.outputs[0]] = static_cast<int>(group.inputs.size() + program.size());
    program.push_back(chain_line(node, operands));
  }
  const NodeId last = group.nodes.back();
  const ValueId result = graph.node(last).outputs[0];
  Rewrite rewrite(graph, last);
  rewrite.replace(result,
                  rewrite.add("anyrt", "ElementwiseChain", group.inputs, {{"program", std::move(program)}}, 1)[0]);
  return rewrite.apply();
}

}  // namespace

Status fuse_elementwise(Graph& graph, const PassSetup&, DevicePassReport& report) {
  Fusion fusion(graph);
  const std::vector<Group> groups = fusion.groups();
  std::map<size_t, size_t> sizes;
  for (const Group& group : groups) {
    // A group that reads constants alone is left to constant folding.
    if (group.inputs.empty()) continue;
    ANYRT_TRY(make_chain(graph, group));
    ++report.changes;
    ++sizes[group.nodes.size()];
  }
  for (const auto& [size, count] : sizes)
    report.notes.push_back(fmt::format("chains of {} operators: {}", size, count));
  if (fusion.alone() > 0) {
    report.notes.push_back(
        fmt::format("{} element-wise operators alone: none of that shape before or after them", fusion.alone()));
  }
  return {};
}

}  // namespace anyrt::cpu
