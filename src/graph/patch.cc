#include "graph/patch.h"

#include <algorithm>
#include <utility>

#include "graph/walk.h"

namespace anyrt {

Patch::~Patch() { undo(); }

void Patch::undo() {
  for (auto it = nodes_.rbegin(); it != nodes_.rend(); ++it) graph_.remove_node(*it);
  for (ValueId v : constants_) graph_.value(v).constant = Tensor();
  forget();
}

void Patch::forget() {
  nodes_.clear();
  constants_.clear();
  replacements_.clear();
}

bool Patch::is_own(NodeId id) const { return std::binary_search(nodes_.begin(), nodes_.end(), id); }

bool Patch::is_own_constant(ValueId v) const {
  return std::find(constants_.begin(), constants_.end(), v) != constants_.end();
}

ValueId Patch::constant(Tensor tensor) {
  constants_.push_back(graph_.add_constant("", std::move(tensor)));
  return constants_.back();
}

NodeId Patch::add(Node node, size_t outputs) {
  for (size_t i = 0; i < outputs; ++i) node.outputs.push_back(graph_.add_value(""));
  nodes_.push_back(graph_.add_node(std::move(node), before_));
  return nodes_.back();
}

Status Patch::check(const Replacement& r) const {
  const ValueInfo& from = graph_.value(r.from);
  const ValueInfo& to = graph_.value(r.to);
  if (r.from == r.to) return internal_error("value '{}' cannot be replaced by itself", from.name);
  bool clash = std::any_of(replacements_.begin(), replacements_.end(), [&](const Replacement& other) {
    return other.to == r.to && other.from != r.from && graph_.is_output(other.from) && graph_.is_output(r.from);
  });
  if (clash || !may_replace(graph_, r.from, r.to)) {
    return internal_error("graph output '{}' cannot be replaced by '{}', which is an input or output too", from.name,
                          to.name);
  }
  if (Expected<Type> both = refine_type(from.type, to.type); !both.ok()) {
    return both.status().with_context(fmt::format("value '{}' cannot be replaced by '{}'", from.name, to.name));
  }
  return {};
}

void Patch::make(const Replacement& r) {
  for (const Use& use : std::vector(graph_.value(r.from).uses)) {
    if (!is_own(use.node)) graph_.set_input(use.node, use.slot, r.to);
  }
  ValueInfo& from = graph_.value(r.from);
  ValueInfo& to = graph_.value(r.to);
  Expected<Type> type = refine_type(to.type, from.type);
  if (type.ok()) to.type = std::move(*type);
  if (!to.known_elements) to.known_elements = from.known_elements;
  bool is_new = to.producer != kNoNode ? is_own(to.producer) : to.is_constant() && is_own_constant(r.to);
  if ((is_new || graph_.is_output(r.from)) && !graph_.is_output(r.to) && !graph_.is_input(r.from)) {
    graph_.swap_names(r.from, r.to);
  }
  std::replace(graph_.outputs.begin(), graph_.outputs.end(), r.from, r.to);
}

Status Patch::apply() {
  for (const Replacement& r : replacements_) {
    if (Status status = check(r); !status.ok()) {
      undo();
      return status;
    }
  }
  for (const Replacement& r : replacements_) make(r);
  for (auto it = nodes_.rbegin(); it != nodes_.rend(); ++it) remove_unused(graph_, *it);
  for (const Replacement& r : replacements_) {
    if (NodeId id = graph_.value(r.from).producer; id != kNoNode) remove_unused(graph_, id);
  }
  forget();
  return {};
}

}  // namespace anyrt
