#include "interp/interp.h"

#include "base/threads.h"
#include "opdef/rewrite.h"
#include "opdef/schema.h"

namespace anyrt {

namespace {

class Runner {
 public:
  explicit Runner(const InterpOptions& options) : options_(options) {}

  Expected<std::vector<Value>> run_graph(const Graph& graph, const std::vector<Value>& inputs,
                                         const std::vector<Value>& captures);
  Expected<std::vector<Value>> run_node(const Node& node, const std::vector<const Value*>& inputs,
                                        const std::vector<Value>& captures);

  const InterpOptions& options() const { return options_; }
  uint64_t next_seed() { return options_.seed + 0x9e3779b97f4a7c15ull * ++draws_; }

 private:
  const InterpOptions& options_;
  uint64_t draws_ = 0;
};

class NodeContext final : public EvalContext {
 public:
  NodeContext(Runner& runner, const Node& node, const std::vector<const Value*>& inputs,
              const std::vector<Value>& captures)
      : EvalContext(node), runner_(runner), inputs_(inputs), captures_(captures), outputs_(node.outputs.size()) {}

  size_t num_inputs() const override { return inputs_.size(); }
  size_t num_outputs() const override { return outputs_.size(); }
  const Value& value(size_t i) const override { return *inputs_[i]; }
  bool wants_output(size_t i) const override { return i < outputs_.size() && node_->outputs[i] != kNoValue; }

  Expected<Tensor*> output(size_t i, DType dtype, const Dims& dims) override {
    ANYRT_ASSIGN(Tensor t, Tensor::make(dtype, dims));
    if (i >= outputs_.size()) outputs_.resize(i + 1);
    outputs_[i] = std::move(t);
    return &outputs_[i].tensor();
  }
  void set_output(size_t i, Value value) override {
    if (i < outputs_.size()) outputs_[i] = std::move(value);
  }
  Expected<std::vector<Value>> run_subgraph(std::string_view name, std::vector<Value> inputs) override {
    const Graph* g = graph(name);
    if (!g) return invalid_model("attribute '{}' must hold a graph", name);
    std::vector<Value> inner;
    for (const Capture& c : g->captures) inner.push_back(captures_[c.slot]);
    return runner_.run_graph(*g, inputs, inner);
  }
  void parallel_for(int64_t n, int64_t grain, const std::function<void(int64_t, int64_t)>& f) override {
    anyrt::parallel_for(n, grain, f);
  }
  Status check_cancelled() override {
    return runner_.options().check_cancelled ? runner_.options().check_cancelled() : Status();
  }
  uint64_t random_seed() override { return runner_.next_seed(); }

  std::vector<Value> take_outputs() { return std::move(outputs_); }

 private:
  Runner& runner_;
  const std::vector<const Value*>& inputs_;
  const std::vector<Value>& captures_;
  std::vector<Value> outputs_;
};

Expected<std::vector<Value>> Runner::run_node(const Node& node, const std::vector<const Value*>& inputs,
                                              const std::vector<Value>& captures) {
  const OpDef& def = *node.def;
  ANYRT_TRY(verify_types(def, inputs.size(), [&](size_t i) { return inputs[i]->type(); }));
  if (options_.check_cancelled) ANYRT_TRY(options_.check_cancelled());
  if (def.eval) {
    NodeContext c(*this, node, inputs, captures);
    ANYRT_TRY(def.eval(c));
    std::vector<Value> out = c.take_outputs();
    out.resize(node.outputs.size());
    return out;
  }
  if (!def.decompose) return internal_error("operator {} has neither eval nor decompose", node.op);
  std::vector<Type> types;
  std::vector<Value> present;
  std::vector<const Tensor*> constants;
  for (const Value* v : inputs) {
    types.push_back(v->type());
    // Small tensors (axes, shapes) are shown to the decomposition as constants.
    const bool constant = v->is_tensor() && v->tensor().size() <= 64 && is_int(v->tensor().dtype());
    constants.push_back(constant ? &v->tensor() : nullptr);
    if (!v->empty() && !constant) present.push_back(*v);
  }
  ANYRT_ASSIGN(const Graph g, decompose_node(node, types, constants));
  ANYRT_ASSIGN(std::vector<Value> results, run_graph(g, present, {}));
  std::vector<Value> out(node.outputs.size());
  size_t k = 0;
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i] != kNoValue) out[i] = std::move(results[k++]);
  }
  return out;
}

Expected<std::vector<Value>> Runner::run_graph(const Graph& graph, const std::vector<Value>& inputs,
                                               const std::vector<Value>& captures) {
  if (inputs.size() != graph.inputs.size()) {
    return invalid_argument("graph '{}' takes {} inputs, found {}", graph.name, graph.inputs.size(), inputs.size());
  }
  static const Value kOmitted;
  std::vector<Value> env(graph.value_capacity());
  for (size_t v = 0; v < env.size(); ++v) {
    if (const Tensor& t = graph.value(ValueId(v)).constant; t.defined()) env[v] = t;
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].empty()) env[index(graph.inputs[i])] = inputs[i];
  }
  for (size_t i = 0; i < graph.captures.size(); ++i) env[index(graph.captures[i].inner)] = captures[i];

  // Values are dropped after their last reader, so that memory stays near the live set.
  std::vector<uint32_t> pending(env.size(), 0);
  for (NodeId id : graph.order()) {
    for (ValueId v : graph.node(id).inputs) pending[index(v) < pending.size() ? index(v) : 0] += v != kNoValue;
    for (ValueId v : graph.node(id).captures) ++pending[index(v)];
  }
  for (ValueId v : graph.outputs) ++pending[index(v)];

  for (NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    std::vector<const Value*> in;
    for (ValueId v : node.inputs) in.push_back(v == kNoValue ? &kOmitted : &env[index(v)]);
    std::vector<Value> outer;
    for (ValueId v : node.captures) outer.push_back(env[index(v)]);
    Expected<std::vector<Value>> out = run_node(node, in, outer);
    if (!out.ok()) return std::move(out).status().with_context("node " + node.label());
    if (options_.on_node) options_.on_node(graph, id, *out);
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i] == kNoValue) continue;
      const size_t slot = index(node.outputs[i]);
      if (pending[slot] > 0) env[slot] = std::move((*out)[i]);
    }
    const auto release = [&](ValueId v) {
      if (v != kNoValue && --pending[index(v)] == 0) env[index(v)] = Value();
    };
    for (ValueId v : node.inputs) release(v);
    for (ValueId v : node.captures) release(v);
  }
  std::vector<Value> results;
  for (ValueId v : graph.outputs) results.push_back(env[index(v)]);
  return results;
}

}  // namespace

Expected<std::vector<Value>> interpret(const Graph& graph, const std::vector<Value>& inputs,
                                       const InterpOptions& options) {
  return Runner(options).run_graph(graph, inputs, {});
}

Expected<std::vector<Value>> interpret_node(const Node& node, const std::vector<Value>& inputs,
                                            const InterpOptions& options) {
  std::vector<const Value*> in;
  for (const Value& v : inputs) in.push_back(&v);
  return Runner(options).run_node(node, in, {});
}

}  // namespace anyrt
