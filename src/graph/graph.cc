#include "graph/graph.h"

#include <algorithm>
#include <cassert>
#include <mutex>
#include <utility>

namespace anyrt {

Graph::Order& Graph::Order::operator=(const Order& other) {
  if (this != &other) *this = Order(other);
  return *this;
}

Graph::Order& Graph::Order::operator=(Order&& other) noexcept {
  first = std::exchange(other.first, kNoNode);
  last = std::exchange(other.last, kNoNode);
  count = std::exchange(other.count, 0);
  list = std::move(other.list);
  fresh = other.fresh.exchange(false);
  return *this;
}

std::string Graph::unique_name(std::string wanted) {
  if (wanted.empty()) {
    do {
      wanted = "v" + std::to_string(next_name_++);
    } while (names_.contains(wanted));
    return wanted;
  }
  if (!names_.contains(wanted)) return wanted;
  uint32_t& suffix = suffixes_[wanted];
  std::string candidate;
  do {
    candidate = wanted + "_" + std::to_string(++suffix);
  } while (names_.contains(candidate));
  return candidate;
}

ValueId Graph::add_value(std::string value_name, Type type) {
  ValueId id{static_cast<uint32_t>(values_.size())};
  ValueInfo info;
  info.name = unique_name(std::move(value_name));
  info.type = std::move(type);
  names_.emplace(info.name, id);
  values_.push_back(std::move(info));
  return id;
}

ValueId Graph::add_input(std::string value_name, Type type) {
  ValueId id = add_value(std::move(value_name), std::move(type));
  inputs.push_back(id);
  return id;
}

ValueId Graph::add_constant(std::string value_name, Tensor tensor) {
  SymShape shape(tensor.dims().begin(), tensor.dims().end());
  ValueId id = add_value(std::move(value_name));
  ValueInfo& info = value(id);
  info.type.kind = TypeKind::kTensor;
  info.type.dtype = tensor.dtype();
  info.type.shape = std::move(shape);
  info.constant = std::move(tensor);
  return id;
}

ValueId Graph::find_value(std::string_view value_name) const {
  auto it = names_.find(value_name);
  return it == names_.end() ? kNoValue : it->second;
}

Status Graph::rename_value(ValueId id, std::string new_name) {
  std::string& current = value(id).name;
  if (current == new_name) return {};
  if (new_name.empty()) return invalid_argument("value '{}' cannot be renamed to an empty name", current);
  if (names_.contains(new_name)) {
    return invalid_argument("value '{}' cannot be renamed to '{}': another value has this name", current, new_name);
  }
  names_.erase(current);
  names_.emplace(new_name, id);
  current = std::move(new_name);
  return {};
}

void Graph::swap_names(ValueId a, ValueId b) {
  std::swap(value(a).name, value(b).name);
  names_.find(value(a).name)->second = a;
  names_.find(value(b).name)->second = b;
}

ValueId& Graph::slot_value(Node& n, size_t slot) {
  return slot < n.inputs.size() ? n.inputs[slot] : n.captures[slot - n.inputs.size()];
}

void Graph::add_use(NodeId id, size_t slot) {
  ValueId v = slot_value(node(id), slot);
  if (v == kNoValue) return;
  assert(index(v) < values_.size());
  std::vector<Use>& uses = value(v).uses;
  links_[index(id)].use_index[slot] = static_cast<uint32_t>(uses.size());
  uses.push_back({id, static_cast<uint32_t>(slot)});
}

void Graph::remove_use(NodeId id, size_t slot) {
  ValueId v = slot_value(node(id), slot);
  if (v == kNoValue) return;
  std::vector<Use>& uses = value(v).uses;
  uint32_t at = links_[index(id)].use_index[slot];
  assert(at < uses.size() && uses[at] == (Use{id, static_cast<uint32_t>(slot)}));
  uses[at] = uses.back();
  links_[index(uses[at].node)].use_index[uses[at].slot] = at;
  uses.pop_back();
}

// Changes the number of inputs; the captures behind them get new slots. Inputs beyond the new count must be unused by
// now.
void Graph::shift_captures(NodeId id, size_t new_input_count) {
  Node& n = node(id);
  Link& link = links_[index(id)];
  size_t old_count = n.inputs.size();
  std::vector<uint32_t> capture_index(link.use_index.begin() + static_cast<ptrdiff_t>(old_count), link.use_index.end());
  n.inputs.resize(new_input_count, kNoValue);
  link.use_index.resize(new_input_count);
  for (size_t k = 0; k < n.captures.size(); ++k) {
    if (n.captures[k] != kNoValue) {
      value(n.captures[k]).uses[capture_index[k]].slot = static_cast<uint32_t>(new_input_count + k);
    }
  }
  link.use_index.insert(link.use_index.end(), capture_index.begin(), capture_index.end());
}

void Graph::link_before(NodeId id, NodeId before) {
  Link& link = links_[index(id)];
  link.next = before;
  link.previous = before == kNoNode ? order_.last : links_[index(before)].previous;
  (link.previous == kNoNode ? order_.first : links_[index(link.previous)].next) = id;
  (before == kNoNode ? order_.last : links_[index(before)].previous) = id;
  ++order_.count;
  if (before == kNoNode && order_.fresh) {
    order_.list.push_back(id);
  } else {
    order_.fresh = false;
  }
}

void Graph::unlink(NodeId id) {
  Link& link = links_[index(id)];
  (link.previous == kNoNode ? order_.first : links_[index(link.previous)].next) = link.next;
  (link.next == kNoNode ? order_.last : links_[index(link.next)].previous) = link.previous;
  link.previous = link.next = kNoNode;
  --order_.count;
  order_.fresh = false;
}

const std::vector<NodeId>& Graph::order() const {
  if (!order_.fresh.load(std::memory_order_acquire)) {
    static std::mutex mutex;
    std::lock_guard lock(mutex);
    if (!order_.fresh.load(std::memory_order_relaxed)) {
      order_.list.clear();
      order_.list.reserve(order_.count);
      for (NodeId id = order_.first; id != kNoNode; id = next_node(id)) order_.list.push_back(id);
      order_.fresh.store(true, std::memory_order_release);
    }
  }
  return order_.list;
}

NodeId Graph::add_node(Node new_node, NodeId before) {
  NodeId id{static_cast<uint32_t>(nodes_.size())};
  Node& n = nodes_.push_back(std::move(new_node));
  n.id = id;
  n.alive = true;
  links_.emplace_back();
  size_t slots = n.inputs.size() + n.captures.size();
  links_.back().use_index.resize(slots);
  for (size_t slot = 0; slot < slots; ++slot) add_use(id, slot);
  for (size_t i = 0; i < n.outputs.size(); ++i) {
    if (n.outputs[i] == kNoValue) continue;
    ValueInfo& info = value(n.outputs[i]);
    assert(info.producer == kNoNode);
    info.producer = id;
    info.output_index = static_cast<uint32_t>(i);
  }
  link_before(id, before);
  return id;
}

void Graph::move_node(NodeId id, NodeId before) {
  if (id == before) return;
  unlink(id);
  link_before(id, before);
}

void Graph::remove_node(NodeId id) {
  Node& n = node(id);
  if (!n.alive) return;
  for (size_t slot = 0; slot < n.inputs.size() + n.captures.size(); ++slot) remove_use(id, slot);
  for (ValueId out : n.outputs) {
    if (out != kNoValue && value(out).producer == id) value(out).producer = kNoNode;
  }
  unlink(id);
  n.alive = false;
  n.inputs.clear();
  n.outputs.clear();
  n.captures.clear();
  n.attrs.clear();
  links_[index(id)].use_index.clear();
}

void Graph::set_input(NodeId id, size_t slot, ValueId v) {
  Node& n = node(id);
  if (slot >= n.inputs.size() + n.captures.size()) shift_captures(id, slot + 1);
  if (slot_value(n, slot) == v) return;
  remove_use(id, slot);
  slot_value(n, slot) = v;
  add_use(id, slot);
}

void Graph::append_input(NodeId id, ValueId v) {
  size_t slot = node(id).inputs.size();
  shift_captures(id, slot + 1);
  node(id).inputs[slot] = v;
  add_use(id, slot);
}

void Graph::truncate_inputs(NodeId id, size_t count) {
  size_t old_count = node(id).inputs.size();
  if (count >= old_count) return;
  for (size_t slot = count; slot < old_count; ++slot) remove_use(id, slot);
  shift_captures(id, count);
}

void Graph::set_output(NodeId id, size_t slot, ValueId v) {
  Node& n = node(id);
  if (slot >= n.outputs.size()) n.outputs.resize(slot + 1, kNoValue);
  if (n.outputs[slot] == v) return;
  if (n.outputs[slot] != kNoValue) value(n.outputs[slot]).producer = kNoNode;
  n.outputs[slot] = v;
  if (v == kNoValue) return;
  assert(value(v).producer == kNoNode);
  value(v).producer = id;
  value(v).output_index = static_cast<uint32_t>(slot);
}

uint32_t Graph::add_capture(NodeId id, ValueId outer) {
  Node& n = node(id);
  auto it = std::find(n.captures.begin(), n.captures.end(), outer);
  auto k = static_cast<uint32_t>(it - n.captures.begin());
  if (it == n.captures.end()) {
    n.captures.push_back(outer);
    links_[index(id)].use_index.push_back(0);
    add_use(id, n.inputs.size() + k);
  }
  return k;
}

void Graph::remove_capture(NodeId id, uint32_t capture_index) {
  Node& n = node(id);
  size_t slot = n.inputs.size() + capture_index;
  remove_use(id, slot);
  n.captures.erase(n.captures.begin() + capture_index);
  std::vector<uint32_t>& use_index = links_[index(id)].use_index;
  use_index.erase(use_index.begin() + static_cast<ptrdiff_t>(slot));
  for (size_t s = slot; s < use_index.size(); ++s) {
    ValueId v = slot_value(n, s);
    if (v != kNoValue) --value(v).uses[use_index[s]].slot;
  }
  for (Graph* sub : n.subgraphs()) {
    std::erase_if(sub->captures, [&](const Capture& c) { return c.slot == capture_index; });
    for (Capture& c : sub->captures) c.slot -= c.slot > capture_index;
  }
}

void Graph::replace_uses(ValueId from, ValueId to, NodeId except) {
  if (from == to) return;
  std::vector<Use> uses = std::exchange(value(from).uses, {});
  for (const Use& use : uses) {
    if (use.node != except) slot_value(node(use.node), use.slot) = to;
    add_use(use.node, use.slot);
  }
  if (!is_output(from)) return;
  bool take_name = !is_input(to) && !is_output(to) && !is_input(from);
  std::replace(outputs.begin(), outputs.end(), from, to);
  if (take_name) swap_names(from, to);
}

bool Graph::is_input(ValueId id) const { return std::find(inputs.begin(), inputs.end(), id) != inputs.end(); }
bool Graph::is_output(ValueId id) const { return std::find(outputs.begin(), outputs.end(), id) != outputs.end(); }

namespace {

std::string cycle_text(const Graph& graph, std::span<const NodeId> cycle) {
  constexpr size_t kShown = 8;
  std::string text;
  for (size_t i = 0; i < std::min(cycle.size(), kShown); ++i) text += graph.node(cycle[i]).label() + " -> ";
  if (cycle.size() > kShown) text += fmt::format("({} more) -> ", cycle.size() - kShown);
  return text + graph.node(cycle.front()).label();
}

}  // namespace

Status Graph::sort() {
  enum class Mark : uint8_t { kNew, kOpen, kDone };
  std::vector<Mark> marks(nodes_.size(), Mark::kNew);
  std::vector<NodeId> sorted;
  sorted.reserve(order_.count);
  struct Frame {
    NodeId id;
    size_t slot;
  };
  std::vector<Frame> stack;  // from a reader down to what it needs first
  for (NodeId start = order_.first; start != kNoNode; start = next_node(start)) {
    if (marks[index(start)] == Mark::kDone) continue;
    stack.push_back({start, 0});
    marks[index(start)] = Mark::kOpen;
    while (!stack.empty()) {
      Frame& top = stack.back();
      Node& n = node(top.id);
      if (top.slot == n.inputs.size() + n.captures.size()) {
        marks[index(top.id)] = Mark::kDone;
        sorted.push_back(top.id);
        stack.pop_back();
        continue;
      }
      ValueId v = slot_value(n, top.slot++);
      NodeId producer = v == kNoValue ? kNoNode : value(v).producer;
      if (producer == kNoNode || marks[index(producer)] == Mark::kDone) continue;
      if (marks[index(producer)] == Mark::kOpen) {
        std::vector<NodeId> cycle;
        auto at = std::find_if(stack.begin(), stack.end(), [&](const Frame& f) { return f.id == producer; });
        for (auto it = stack.end(); it != at;) cycle.push_back((--it)->id);
        std::rotate(cycle.begin(), cycle.end() - 1, cycle.end());
        return invalid_model("the graph has a cycle: {}", cycle_text(*this, cycle));
      }
      marks[index(producer)] = Mark::kOpen;
      stack.push_back({producer, 0});
    }
  }
  order_.first = order_.last = kNoNode;
  for (NodeId id : sorted) {
    Link& link = links_[index(id)];
    link.previous = order_.last;
    link.next = kNoNode;
    (order_.last == kNoNode ? order_.first : links_[index(order_.last)].next) = id;
    order_.last = id;
  }
  order_.list = std::move(sorted);
  order_.fresh = true;
  return {};
}

void Graph::compact() {
  std::vector<bool> keep(values_.size());
  auto mark = [&](ValueId v) {
    if (v != kNoValue) keep[index(v)] = true;
  };
  for (ValueId v : inputs) mark(v);
  for (ValueId v : outputs) mark(v);
  for (const Capture& c : captures) mark(c.inner);
  for (NodeId id : order()) {
    for (ValueId v : node(id).inputs) mark(v);
    for (ValueId v : node(id).outputs) mark(v);
    for (ValueId v : node(id).captures) mark(v);
  }

  Graph packed;
  std::vector<ValueId> renumbered(values_.size(), kNoValue);
  for (size_t i = 0; i < values_.size(); ++i) {
    if (!keep[i]) continue;
    renumbered[i] = ValueId{static_cast<uint32_t>(packed.values_.size())};
    ValueInfo& info = packed.values_.push_back(std::move(values_[i]));
    info.uses.clear();
    info.producer = kNoNode;
    packed.names_.emplace(info.name, renumbered[i]);
  }
  auto renumber = [&](ValueId& v) {
    if (v != kNoValue) v = renumbered[index(v)];
  };
  for (NodeId id : order()) {
    Node n = std::move(node(id));
    for (ValueId& v : n.inputs) renumber(v);
    for (ValueId& v : n.outputs) renumber(v);
    for (ValueId& v : n.captures) renumber(v);
    for (Graph* sub : n.subgraphs()) sub->compact();
    packed.add_node(std::move(n));
  }
  packed.name = std::move(name);
  packed.doc = std::move(doc);
  packed.inputs = std::move(inputs);
  packed.outputs = std::move(outputs);
  packed.captures = std::move(captures);
  for (ValueId& v : packed.inputs) renumber(v);
  for (ValueId& v : packed.outputs) renumber(v);
  for (Capture& c : packed.captures) renumber(c.inner);
  packed.next_name_ = next_name_;
  *this = std::move(packed);
}

}  // namespace anyrt
