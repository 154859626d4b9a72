#include "opdef/cost.h"

namespace anyrt {

namespace {

double count(const Dims& dims) {
  double n = 1;
  for (int64_t d : dims) n *= static_cast<double>(d);
  return n;
}

}  // namespace

std::optional<Dims> CostContext::dims_of(ValueId id) const {
  const Type& t = graph_.value(id).type;
  if (!t.is_tensor() || !t.shape) return std::nullopt;
  Dims out;
  for (const Dim& d : *t.shape) {
    const auto n = d.evaluate(bindings_);
    if (!n || *n < 0) return std::nullopt;
    out.push_back(*n);
  }
  return out;
}

std::optional<Dims> CostContext::input_dims(size_t i) const {
  if (i >= node_->inputs.size() || node_->inputs[i] == kNoValue) return std::nullopt;
  return dims_of(node_->inputs[i]);
}

std::optional<Dims> CostContext::output_dims(size_t i) const {
  if (i >= node_->outputs.size() || node_->outputs[i] == kNoValue) return std::nullopt;
  return dims_of(node_->outputs[i]);
}

DType CostContext::input_dtype(size_t i) const {
  if (i >= node_->inputs.size() || node_->inputs[i] == kNoValue) return DType::kUndefined;
  return graph_.value(node_->inputs[i]).type.dtype;
}

DType CostContext::output_dtype(size_t i) const {
  if (i >= node_->outputs.size() || node_->outputs[i] == kNoValue) return DType::kUndefined;
  return graph_.value(node_->outputs[i]).type.dtype;
}

Cost node_cost(const Graph& graph, NodeId id, const Dim::Bindings& bindings) {
  const CostContext c(graph, id, bindings);
  const Node& node = graph.node(id);
  Cost cost = node.def->cost ? node.def->cost(c) : Cost{};
  double bytes = 0, elements = 0;
  bool known = true;
  const auto add = [&](const std::optional<Dims>& dims, DType dtype, bool output) {
    if (!dims) {
      known = false;
      return;
    }
    bytes += count(*dims) * static_cast<double>(element_size(dtype));
    if (output) elements += count(*dims);
  };
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    if (node.inputs[i] != kNoValue) add(c.input_dims(i), c.input_dtype(i), false);
  }
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i] != kNoValue) add(c.output_dims(i), c.output_dtype(i), true);
  }
  if (cost.bytes < 0 && known) cost.bytes = bytes;
  if (cost.flops < 0 && known && !node.def->cost) cost.flops = node.def->flags & kView ? 0 : elements;
  return cost;
}

Cost cost_conv(const CostContext& c) {
  const auto y = c.output_dims(0);
  const auto w = c.node().op == "QLinearConv" ? c.input_dims(3) : c.input_dims(1);
  if (!y || !w || w->empty() || (*w)[0] == 0) return {};
  return {2 * count(*y) * count(*w) / static_cast<double>((*w)[0])};
}

Cost cost_conv_transpose(const CostContext& c) {
  const auto x = c.input_dims(0), w = c.input_dims(1);
  if (!x || !w || w->empty() || (*w)[0] == 0) return {};
  return {2 * count(*x) * count(*w) / static_cast<double>((*w)[0])};
}

Cost cost_matmul(const CostContext& c) {
  const auto a = c.input_dims(0), y = c.output_dims(0);
  if (!a || a->empty() || !y) return {};
  return {2 * count(*y) * static_cast<double>(a->back())};
}

Cost cost_gemm(const CostContext& c) {
  const auto a = c.input_dims(0), y = c.output_dims(0);
  if (!a || a->size() != 2 || !y) return {};
  return {2 * count(*y) * static_cast<double>((*a)[c.i("transA") ? 0 : 1])};
}

Cost cost_recurrent(const CostContext& c) {
  const auto x = c.input_dims(0), w = c.input_dims(1), r = c.input_dims(2);
  if (!x || x->size() != 3 || !w || !r) return {};
  return {2 * static_cast<double>((*x)[0]) * static_cast<double>((*x)[1]) * (count(*w) + count(*r))};
}

}  // namespace anyrt
