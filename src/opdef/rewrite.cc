#include "opdef/rewrite.h"

#include "graph/walk.h"
#include "opdef/inference.h"
#include "opdef/schema.h"

namespace anyrt {

namespace {
const Type kUnknownType;
}

bool RewriteContext::has_input(size_t i) const { return i < node_->inputs.size() && node_->inputs[i] != kNoValue; }
bool RewriteContext::has_output(size_t i) const { return i < node_->outputs.size() && node_->outputs[i] != kNoValue; }
ValueId RewriteContext::input(size_t i) const { return has_input(i) ? node_->inputs[i] : kNoValue; }
ValueId RewriteContext::output(size_t i) const { return has_output(i) ? node_->outputs[i] : kNoValue; }

const Type& RewriteContext::input_type(size_t i) const {
  return has_input(i) ? graph_.value(node_->inputs[i]).type : kUnknownType;
}
const Type& RewriteContext::output_type(size_t i) const {
  return has_output(i) ? graph_.value(node_->outputs[i]).type : kUnknownType;
}

std::optional<int64_t> RewriteContext::input_rank(size_t i) const {
  const Type& t = input_type(i);
  if (!t.is_tensor() || !t.shape) return std::nullopt;
  return static_cast<int64_t>(t.shape->size());
}

const Tensor* RewriteContext::input_constant(size_t i) const {
  if (!has_input(i)) return nullptr;
  const ValueInfo& v = graph_.value(node_->inputs[i]);
  return v.is_constant() && !graph_.is_input(node_->inputs[i]) ? &v.constant : nullptr;
}

void RewriteContext::refresh() { node_ = &graph_.node(id_); }

std::vector<ValueId> RewriteContext::ops(std::string_view domain, std::string_view name, std::vector<ValueId> inputs,
                                         std::vector<Attr> attrs, size_t num_outputs) {
  Node n;
  n.domain = std::string(domain);
  n.op = std::string(name);
  n.name = node_->name.empty() ? std::string() : node_->name + "/" + n.op;
  n.inputs = std::move(inputs);
  n.attrs = std::move(attrs);
  for (size_t k = 0; k < num_outputs; ++k) n.outputs.push_back(graph_.add_value(""));
  const std::vector<ValueId> outputs = n.outputs;
  const NodeId id = graph_.add_node(std::move(n), id_);
  refresh();
  Status s = normalize_node(graph_, id);
  if (s.ok()) s = infer_node(graph_, id);
  if (!s.ok() && error_.ok()) error_ = std::move(s).with_context(std::string(name));
  refresh();
  return outputs;
}

ValueId RewriteContext::constant(Tensor tensor) { return graph_.add_constant("", std::move(tensor)); }

ValueId RewriteContext::constant_scalar(double value, DType dtype) {
  Expected<Tensor> t = cast_tensor(Tensor::scalar(value), dtype);
  if (!t.ok()) {
    if (error_.ok()) error_ = t.status();
    return constant(Tensor::scalar(value));
  }
  return constant(std::move(*t));
}

void RewriteContext::replace_output(size_t i, ValueId value) {
  replaced_ = true;
  if (!has_output(i)) return;
  const ValueId old = node_->outputs[i];
  if (!may_replace(graph_, old, value)) value = op("Identity", {value});
  // The new value takes over the name; for graph outputs replace_uses sees to it.
  const bool made_here = graph_.value(value).producer != kNoNode && !graph_.is_output(value);
  if (made_here && !graph_.is_output(old)) graph_.swap_names(old, value);
  graph_.replace_uses(old, value);
}

void RewriteContext::set_attr(std::string_view name, AttrValue value) {
  graph_.node(id_).set_attr(name, std::move(value));
}
void RewriteContext::remove_attr(std::string_view name) { graph_.node(id_).remove_attr(name); }

void RewriteContext::rename_attr(std::string_view from, std::string_view to) {
  Node& n = graph_.node(id_);
  if (Attr* a = n.find_attr(from)) a->name = std::string(to);
}

void RewriteContext::attr_to_input(std::string_view name, size_t i, bool as_vector) {
  const Attr* a = node_->find_attr(name);
  if (!a) return;
  ValueId id = kNoValue;
  if (const auto* list = std::get_if<std::vector<int64_t>>(&a->value)) {
    id = constant_ints(*list);
  } else if (const auto* one = std::get_if<int64_t>(&a->value)) {
    id = as_vector ? constant_ints({*one}) : constant(Tensor::scalar<int64_t>(*one));
  } else {
    if (error_.ok()) error_ = invalid_model("attribute '{}' must hold integers", name);
    return;
  }
  set_input(i, id);
  remove_attr(name);
}

Status RewriteContext::input_to_attr(size_t i, std::string_view name) {
  if (!has_input(i)) return {};
  const Tensor* t = input_constant(i);
  if (!t) return not_implemented("input {} must be constant to become attribute '{}' of opset {}", i, name, version_);
  ANYRT_ASSIGN(std::vector<int64_t> values, to_int64s(*t));
  set_attr(name, std::move(values));
  graph_.set_input(id_, i, kNoValue);
  refresh();
  size_t used = node_->inputs.size();
  while (used > 0 && node_->inputs[used - 1] == kNoValue) --used;
  graph_.truncate_inputs(id_, used);
  return {};
}

void RewriteContext::become(std::string_view domain, std::string_view op) {
  Node& n = graph_.node(id_);
  n.domain = std::string(domain);
  n.op = std::string(op);
  n.def = find_op(domain, op);
}

Status RewriteContext::finish() {
  ANYRT_TRY(error_);
  refresh();
  if (replaced_) graph_.remove_node(id_);
  return {};
}

Expected<Graph> decompose_node(const Node& node, const std::vector<Type>& input_types,
                               const std::vector<const Tensor*>& constants) {
  if (!node.def || !node.def->decompose) return not_implemented("operator {} has no decomposition", node.op);
  Graph g;
  g.name = node.op;
  Node copy = node;
  copy.captures.clear();
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    if (node.inputs[i] == kNoValue) continue;
    const std::string name = fmt::format("in{}", i);
    // Constants are kept as such, so that a decomposition may look at them; they are no inputs of the graph.
    copy.inputs[i] =
        i < constants.size() && constants[i] ? g.add_constant(name, *constants[i]) : g.add_input(name, input_types[i]);
  }
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i] == kNoValue) continue;
    copy.outputs[i] = g.add_value(fmt::format("out{}", i));
    g.outputs.push_back(copy.outputs[i]);
  }
  const NodeId id = g.add_node(std::move(copy));
  ANYRT_TRY(infer_node(g, id));
  RewriteContext c(g, id, node.def->since);
  ANYRT_TRY(node.def->decompose(c));
  ANYRT_TRY(c.finish());
  if (g.node(id).alive) return internal_error("the decomposition of {} left it in place", node.op);
  ANYRT_TRY(g.sort());
  return g;
}

}  // namespace anyrt
