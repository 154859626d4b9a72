#include <algorithm>

#include "graph/graph.h"

namespace anyrt {

// Sees the private links, so that they are checked too.
class StructureCheck {
 public:
  // `holder` is the node whose attribute holds the graph; null for a model's main graph.
  StructureCheck(const Graph& graph, const Node* holder)
      : graph_(graph), holder_(holder), defined_(graph.value_capacity()) {}

  Status run() {
    ANYRT_TRY(check_links());
    ANYRT_TRY(check_values());
    ANYRT_TRY(check_interface());
    for (NodeId id : graph_.order()) ANYRT_TRY(check_node(id));
    if (slots_ != uses_) {
      return invalid_model("graph '{}': nodes read values {} times, but the values list {} uses", graph_.name, slots_,
                           uses_);
    }
    for (ValueId v : graph_.outputs) {
      if (!defined_[index(v)]) return invalid_model("graph '{}': output '{}' is never produced", graph_.name, name(v));
    }
    return {};
  }

 private:
  bool in_range(ValueId v) const { return index(v) < graph_.value_capacity(); }
  const std::string& name(ValueId v) const { return graph_.value(v).name; }

  Status check_links() {
    size_t count = 0, alive = 0;
    NodeId previous = kNoNode;
    for (NodeId id = graph_.first_node(); id != kNoNode; id = graph_.next_node(id)) {
      if (index(id) >= graph_.node_capacity() || ++count > graph_.node_capacity() || !graph_.node(id).alive ||
          graph_.node(id).id != id || graph_.previous_node(id) != previous) {
        return internal_error("graph '{}': the order of nodes is broken at node {}", graph_.name, index(id));
      }
      previous = id;
    }
    for (size_t i = 0; i < graph_.node_capacity(); ++i) alive += graph_.nodes_[i].alive;
    if (count != alive || count != graph_.node_count() || previous != graph_.last_node() ||
        count != graph_.order().size()) {
      return internal_error("graph '{}': {} nodes are alive, {} are in the order, {} were counted", graph_.name, alive,
                            count, graph_.node_count());
    }
    return {};
  }

  Status check_values() {
    for (size_t i = 0; i < graph_.value_capacity(); ++i) {
      ValueId v{static_cast<uint32_t>(i)};
      const ValueInfo& info = graph_.value(v);
      uses_ += info.uses.size();
      if (graph_.find_value(info.name) != v) {
        return invalid_model("graph '{}': value {} is not found under its name '{}'", graph_.name, i, info.name);
      }
      if (info.producer == kNoNode) {
        defined_[i] = info.is_constant();
        continue;
      }
      if (index(info.producer) >= graph_.node_capacity() || !graph_.node(info.producer).alive) {
        return invalid_model("graph '{}': the producer of value '{}' is not in the graph", graph_.name, info.name);
      }
      const Node& n = graph_.node(info.producer);
      if (info.output_index >= n.outputs.size() || n.outputs[info.output_index] != v) {
        return invalid_model("graph '{}': value '{}' is not output {} of {}", graph_.name, info.name, info.output_index,
                             n.label());
      }
      if (info.is_constant()) {
        return invalid_model("graph '{}': value '{}' is a constant and the output of {}", graph_.name, info.name,
                             n.label());
      }
    }
    if (graph_.names_.size() != graph_.value_capacity()) {
      return internal_error("graph '{}': {} names for {} values", graph_.name, graph_.names_.size(),
                            graph_.value_capacity());
    }
    return {};
  }

  Status define(ValueId v, std::string_view role, std::vector<bool>& seen) {
    if (!in_range(v)) return invalid_model("graph '{}': an {} is not a value of the graph", graph_.name, role);
    if (seen[index(v)]) return invalid_model("graph '{}': value '{}' is an {} twice", graph_.name, name(v), role);
    if (graph_.value(v).producer != kNoNode) {
      return invalid_model("graph '{}': {} '{}' is also the output of {}", graph_.name, role, name(v),
                           graph_.node(graph_.value(v).producer).label());
    }
    seen[index(v)] = true;
    defined_[index(v)] = true;
    return {};
  }

  Status check_interface() {
    std::vector<bool> seen(graph_.value_capacity());
    for (ValueId v : graph_.inputs) ANYRT_TRY(define(v, "input", seen));
    for (const Capture& c : graph_.captures) {
      ANYRT_TRY(define(c.inner, "input or captured value", seen));
      size_t slots = holder_ ? holder_->captures.size() : 0;
      if (c.slot >= slots) {
        return invalid_model("graph '{}': '{}' stands for capture {} of its node, which has {}", graph_.name,
                             name(c.inner), c.slot, slots);
      }
    }
    for (ValueId v : graph_.outputs) {
      if (!in_range(v)) return invalid_model("graph '{}': an output is not a value of the graph", graph_.name);
    }
    return {};
  }

  Status check_read(const Node& n, ValueId v, size_t slot) {
    if (!in_range(v)) return invalid_model("{}: input {} is not a value of the graph", n.label(), slot);
    if (!defined_[index(v)]) {
      const ValueInfo& info = graph_.value(v);
      if (info.producer == kNoNode) return invalid_model("{}: input '{}' is never produced", n.label(), info.name);
      return invalid_model("{}: input '{}' is produced later, by {}", n.label(), info.name,
                           graph_.node(info.producer).label());
    }
    const Graph::Link& link = graph_.links_[index(n.id)];
    const std::vector<Use>& uses = graph_.value(v).uses;
    Use use{n.id, static_cast<uint32_t>(slot)};
    if (slot >= link.use_index.size() || link.use_index[slot] >= uses.size() || uses[link.use_index[slot]] != use) {
      return internal_error("{}: value '{}' does not list its use as input {}", n.label(), name(v), slot);
    }
    ++slots_;
    return {};
  }

  Status check_node(NodeId id) {
    const Node& n = graph_.node(id);
    if (graph_.links_[index(id)].use_index.size() != n.inputs.size() + n.captures.size()) {
      return internal_error("{}: inputs or captures were changed behind the graph's back", n.label());
    }
    for (size_t i = 0; i < n.inputs.size(); ++i) {
      if (n.inputs[i] != kNoValue) ANYRT_TRY(check_read(n, n.inputs[i], i));
    }
    for (size_t k = 0; k < n.captures.size(); ++k) {
      if (n.captures[k] == kNoValue) return invalid_model("{}: capture {} is empty", n.label(), k);
      ANYRT_TRY(check_read(n, n.captures[k], n.inputs.size() + k));
    }
    for (size_t i = 0; i < n.outputs.size(); ++i) {
      ValueId v = n.outputs[i];
      if (v == kNoValue) continue;
      if (!in_range(v)) return invalid_model("{}: output {} is not a value of the graph", n.label(), i);
      const ValueInfo& info = graph_.value(v);
      if (info.producer != id || info.output_index != i) {
        return invalid_model("{}: output {} is value '{}', which is {}", n.label(), i, info.name,
                             info.producer == kNoNode ? "not produced by a node" : "also another output");
      }
      defined_[index(v)] = true;
    }
    return check_subgraphs(n);
  }

  Status check_subgraphs(const Node& n) {
    std::vector<std::string_view> names;
    for (const Attr& a : n.attrs) names.push_back(a.name);
    std::sort(names.begin(), names.end());
    if (auto twice = std::adjacent_find(names.begin(), names.end()); twice != names.end()) {
      return invalid_model("{}: attribute '{}' is given twice", n.label(), *twice);
    }
    for (const Graph* sub : n.subgraphs()) {
      if (!sub) return internal_error("{}: an attribute holds no graph", n.label());
      ANYRT_TRY(StructureCheck(*sub, &n).run().with_context("in " + n.label()));
    }
    return {};
  }

  const Graph& graph_;
  const Node* holder_;
  std::vector<bool> defined_;
  size_t uses_ = 0;
  size_t slots_ = 0;
};

Status verify_structure(const Graph& graph) { return StructureCheck(graph, nullptr).run(); }

}  // namespace anyrt
