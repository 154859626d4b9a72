#include "graph/walk.h"

#include <algorithm>

namespace anyrt {

void for_each_graph(Graph& graph, const std::function<void(Graph&)>& f) {
  f(graph);
  for (NodeId id = graph.first_node(); id != kNoNode; id = graph.next_node(id)) {
    for (Graph* sub : graph.node(id).subgraphs()) for_each_graph(*sub, f);
  }
}

void for_each_graph(const Graph& graph, const std::function<void(const Graph&)>& f) {
  f(graph);
  for (NodeId id = graph.first_node(); id != kNoNode; id = graph.next_node(id)) {
    for (const Graph* sub : graph.node(id).subgraphs()) for_each_graph(*sub, f);
  }
}

void for_each_node(Graph& graph, const std::function<void(Graph&, NodeId)>& f) {
  for (NodeId id = graph.first_node(); id != kNoNode;) {
    NodeId next = graph.next_node(id);
    f(graph, id);
    for (Graph* sub : graph.node(id).subgraphs()) for_each_node(*sub, f);
    id = next;
  }
}

void for_each_node(const Graph& graph, const std::function<void(const Graph&, const Node&)>& f) {
  for (NodeId id = graph.first_node(); id != kNoNode; id = graph.next_node(id)) {
    f(graph, graph.node(id));
    for (const Graph* sub : graph.node(id).subgraphs()) for_each_node(*sub, f);
  }
}

size_t count_nodes(const Graph& graph) {
  size_t count = 0;
  for_each_graph(graph, [&](const Graph& g) { count += g.node_count(); });
  return count;
}

const Node* producer(const Graph& graph, ValueId v) {
  if (v == kNoValue || graph.value(v).producer == kNoNode) return nullptr;
  return &graph.node(graph.value(v).producer);
}

Node* producer(Graph& graph, ValueId v) { return const_cast<Node*>(producer(static_cast<const Graph&>(graph), v)); }

std::vector<NodeId> consumers(const Graph& graph, ValueId v) {
  std::vector<NodeId> found;
  for (const Use& use : graph.value(v).uses) found.push_back(use.node);
  std::vector<bool> seen(graph.node_capacity());
  std::erase_if(found, [&](NodeId id) {
    bool again = seen[index(id)];
    seen[index(id)] = true;
    return again;
  });
  return found;
}

NodeId single_use(const Graph& graph, ValueId v) {
  const std::vector<Use>& uses = graph.value(v).uses;
  if (uses.size() != 1 || uses[0].slot >= graph.node(uses[0].node).inputs.size() || graph.is_output(v)) return kNoNode;
  return uses[0].node;
}

bool is_unused(const Graph& graph, ValueId v) { return graph.value(v).uses.empty() && !graph.is_output(v); }

const Tensor* fixed_constant(const Graph& graph, ValueId v) {
  if (v == kNoValue || !graph.value(v).is_constant() || graph.is_input(v)) return nullptr;
  return &graph.value(v).constant;
}

namespace {

template <class F>
void for_each_read(const Node& n, F&& f) {
  for (ValueId v : n.inputs) {
    if (v != kNoValue) f(v);
  }
  for (ValueId v : n.captures) {
    if (v != kNoValue) f(v);
  }
}

// Marks the nodes on `stack` and what they depend on.
std::vector<bool> mark_upstream(const Graph& graph, std::vector<NodeId> stack) {
  std::vector<bool> marked(graph.node_capacity());
  while (!stack.empty()) {
    NodeId id = stack.back();
    stack.pop_back();
    if (id == kNoNode || marked[index(id)]) continue;
    marked[index(id)] = true;
    for_each_read(graph.node(id), [&](ValueId v) { stack.push_back(graph.value(v).producer); });
  }
  return marked;
}

}  // namespace

std::vector<bool> needed_nodes(const Graph& graph) {
  std::vector<NodeId> start;
  for (ValueId v : graph.outputs) start.push_back(graph.value(v).producer);
  return mark_upstream(graph, std::move(start));
}

std::vector<bool> upstream(const Graph& graph, NodeId id) { return mark_upstream(graph, {id}); }

std::vector<bool> downstream(const Graph& graph, NodeId id) {
  std::vector<bool> marked(graph.node_capacity());
  std::vector<NodeId> stack = {id};
  while (!stack.empty()) {
    NodeId next = stack.back();
    stack.pop_back();
    if (marked[index(next)]) continue;
    marked[index(next)] = true;
    for (ValueId v : graph.node(next).outputs) {
      if (v == kNoValue) continue;
      for (const Use& use : graph.value(v).uses) stack.push_back(use.node);
    }
  }
  return marked;
}

bool may_replace(const Graph& graph, ValueId from, ValueId to) {
  if (!graph.is_output(from)) return true;
  const bool own = graph.value(to).producer != kNoNode || fixed_constant(graph, to);
  return own && !graph.is_output(to);
}

size_t remove_unused(Graph& graph, NodeId id) {
  std::vector<NodeId> stack = {id};
  size_t removed = 0;
  while (!stack.empty()) {
    NodeId next = stack.back();
    stack.pop_back();
    const Node& n = graph.node(next);
    bool unused = n.alive && !n.outputs.empty() && std::all_of(n.outputs.begin(), n.outputs.end(), [&](ValueId v) {
                    return v == kNoValue || is_unused(graph, v);
                  });
    if (!unused) continue;
    for_each_read(n, [&](ValueId v) {
      if (graph.value(v).producer != kNoNode) stack.push_back(graph.value(v).producer);
    });
    graph.remove_node(next);
    ++removed;
  }
  return removed;
}

namespace {

class Inliner {
 public:
  Inliner(Graph& into, NodeId at, const Graph& body, const InlineOptions& options)
      : into_(into), at_(at), body_(body), options_(options), mapped_(body.value_capacity(), kNoValue) {}

  Status run(std::span<const ValueId> args) {
    ANYRT_TRY(check(args));
    for (size_t i = 0; i < args.size(); ++i) map(body_.inputs[i]) = args[i];
    for (const Capture& c : body_.captures) map(c.inner) = into_.node(at_).captures[c.slot];
    for (size_t i = 0; i < body_.value_capacity(); ++i) {
      ValueId v{static_cast<uint32_t>(i)};
      const ValueInfo& info = body_.value(v);
      if (info.is_constant() && map(v) == kNoValue)
        map(v) = into_.add_constant(options_.prefix + info.name, info.constant);
    }
    for (size_t k = 0; k < into_.node(at_).outputs.size(); ++k) {
      ValueId inner = body_.outputs[k];
      if (into_.node(at_).outputs[k] != kNoValue && body_.value(inner).producer == kNoNode && map(inner) == kNoValue) {
        return invalid_model("{}: output {} of graph '{}' is an input that is omitted", into_.node(at_).label(), k,
                             body_.name);
      }
    }
    take_over_outputs();
    for (NodeId id : body_.order()) copy_node(body_.node(id));
    connect_outputs();
    into_.remove_node(at_);
    for (auto [id, slot, v] : taken_) into_.set_output(id, slot, v);
    return {};
  }

 private:
  struct Taken {
    NodeId node;
    size_t slot;
    ValueId value;
  };

  ValueId& map(ValueId v) { return mapped_[index(v)]; }

  Status check(std::span<const ValueId> args) const {
    const Node& n = into_.node(at_);
    if (args.size() > body_.inputs.size()) {
      return invalid_model("{}: graph '{}' takes {} inputs, found {}", n.label(), body_.name, body_.inputs.size(),
                           args.size());
    }
    if (n.outputs.size() > body_.outputs.size()) {
      return invalid_model("{}: graph '{}' has {} outputs, expected {}", n.label(), body_.name, body_.outputs.size(),
                           n.outputs.size());
    }
    for (const Capture& c : body_.captures) {
      if (c.slot >= n.captures.size()) {
        return invalid_model("{}: graph '{}' reads capture {} of {}", n.label(), body_.name, c.slot, n.captures.size());
      }
    }
    return {};
  }

  // A body value that is an output is made under the id, and so the name, of the node's output.
  void take_over_outputs() {
    const Node& n = into_.node(at_);
    for (size_t k = 0; k < n.outputs.size(); ++k) {
      ValueId inner = body_.outputs[k];
      if (n.outputs[k] != kNoValue && body_.value(inner).producer != kNoNode && map(inner) == kNoValue) {
        map(inner) = n.outputs[k];
      }
    }
  }

  void copy_node(const Node& from) {
    Node n = from;
    for (ValueId& v : n.inputs) v = v == kNoValue ? kNoValue : map(v);
    for (ValueId& v : n.captures) v = map(v);
    std::vector<ValueId> outputs = std::exchange(n.outputs, {});
    if (!n.name.empty()) n.name = options_.prefix + n.name;
    NodeId id = into_.add_node(std::move(n), at_);
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (outputs[i] == kNoValue) {
        into_.set_output(id, i, kNoValue);
        continue;
      }
      const ValueInfo& info = body_.value(outputs[i]);
      ValueId& target = map(outputs[i]);
      if (target == kNoValue) {
        target = into_.add_value(options_.prefix + info.name, info.type);
        into_.value(target).doc = info.doc;
        into_.value(target).known_elements = info.known_elements;
        into_.set_output(id, i, target);
      } else {
        if (!into_.value(target).type.defined()) into_.value(target).type = info.type;
        into_.set_output(id, i, kNoValue);
        taken_.push_back({id, i, target});
      }
    }
  }

  void connect_outputs() {
    std::vector<ValueId> outputs = into_.node(at_).outputs;
    for (size_t k = 0; k < outputs.size(); ++k) {
      ValueId out = outputs[k];
      if (out == kNoValue) continue;
      ValueId made = map(body_.outputs[k]);
      if (made == out) continue;
      if (may_replace(into_, out, made)) {
        into_.replace_uses(out, made);
        continue;
      }
      Node copy;
      copy.op = "Identity";
      copy.def = options_.identity;
      copy.inputs = {made};
      NodeId id = into_.add_node(std::move(copy), at_);
      taken_.push_back({id, 0, out});
    }
  }

  Graph& into_;
  NodeId at_;
  const Graph& body_;
  const InlineOptions& options_;
  std::vector<ValueId> mapped_;  // body value -> value of into_
  std::vector<Taken> taken_;     // outputs of new nodes that are still those of at_
};

}  // namespace

Status inline_graph(Graph& into, NodeId at, const Graph& body, std::span<const ValueId> args,
                    const InlineOptions& options) {
  return Inliner(into, at, body, options).run(args);
}

}  // namespace anyrt
