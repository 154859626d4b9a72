#include "opdef/infer.h"

namespace anyrt {

namespace {
constexpr int64_t kMaxElements = 1024;
const Type kUnknownType;
}  // namespace

InferContext::InferContext(Graph& graph, NodeId id) : AttrReader(graph.node(id)), graph_(graph) {}

bool InferContext::has_input(size_t i) const { return i < node_->inputs.size() && node_->inputs[i] != kNoValue; }
bool InferContext::has_output(size_t i) const { return i < node_->outputs.size() && node_->outputs[i] != kNoValue; }

const Type& InferContext::input_type(size_t i) const {
  return has_input(i) ? graph_.value(node_->inputs[i]).type : kUnknownType;
}

DType InferContext::input_dtype(size_t i) const {
  const Type& t = input_type(i);
  return t.is_tensor() ? t.dtype : DType::kUndefined;
}

const SymShape* InferContext::input_shape(size_t i) const {
  const Type& t = input_type(i);
  return t.is_tensor() && t.shape ? &*t.shape : nullptr;
}

std::optional<int64_t> InferContext::input_rank(size_t i) const {
  const SymShape* s = input_shape(i);
  if (!s) return std::nullopt;
  return static_cast<int64_t>(s->size());
}

const Tensor* InferContext::input_constant(size_t i) const {
  if (!has_input(i)) return nullptr;
  const ValueInfo& v = graph_.value(node_->inputs[i]);
  return v.is_constant() && !graph_.is_input(node_->inputs[i]) ? &v.constant : nullptr;
}

std::optional<SymShape> InferContext::input_elements(size_t i) const {
  if (!has_input(i)) return std::nullopt;
  // Arithmetic on narrower integers wraps, which expressions do not.
  if (const DType d = input_dtype(i); is_int(d) && d != DType::kInt64 && d != DType::kInt32) return std::nullopt;
  if (const Tensor* t = input_constant(i)) {
    if (!is_int(t->dtype()) || t->size() > kMaxElements) return std::nullopt;
    const auto values = to_int64s(*t);
    if (!values.ok()) return std::nullopt;
    return to_sym_shape(*values);
  }
  return graph_.value(node_->inputs[i]).known_elements;
}

std::optional<std::vector<int64_t>> InferContext::input_ints(size_t i) const {
  const auto elements = input_elements(i);
  if (!elements) return std::nullopt;
  return to_dims(*elements);
}

void InferContext::set_output(size_t i, Type type) {
  if (!has_output(i) || !type.defined()) return;
  ValueInfo& v = graph_.value(node_->outputs[i]);
  // What the file declares fills gaps only: inference is what memory is planned from.
  if (type.is_tensor() && v.type.is_tensor()) {
    if (type.dtype == DType::kUndefined) type.dtype = v.type.dtype;
    if (!type.shape) {
      type.shape = v.type.shape;
    } else if (v.type.shape && v.type.shape->size() == type.shape->size()) {
      for (size_t k = 0; k < type.shape->size(); ++k) {
        if ((*type.shape)[k].is_unknown()) (*type.shape)[k] = (*v.type.shape)[k];
      }
    }
  }
  v.type = std::move(type);
}

void InferContext::set_output(size_t i, DType dtype, std::optional<SymShape> shape) {
  set_output(i, Type::tensor(dtype, std::move(shape)));
}

void InferContext::set_output_elements(size_t i, SymShape elements) {
  if (!has_output(i) || elements.size() > static_cast<size_t>(kMaxElements)) return;
  graph_.value(node_->outputs[i]).known_elements = std::move(elements);
}

Dim InferContext::fresh_dim(std::string_view hint) {
  const ValueId out = node_->outputs.empty() ? kNoValue : node_->outputs[0];
  return Dim::symbol(fmt::format("{}_{}", hint, out == kNoValue ? std::string("0") : graph_.value(out).name));
}

Expected<std::vector<Type>> InferContext::infer_subgraph(std::string_view name, const std::vector<Type>& input_types) {
  const Attr* a = node_->find_attr(name);
  const GraphBox* box = a ? std::get_if<GraphBox>(&a->value) : nullptr;
  if (!box) return invalid_model("attribute '{}' must hold a graph", name);
  Graph& sub = **box;
  if (input_types.size() != sub.inputs.size()) {
    return invalid_model("subgraph '{}' has {} inputs, expected {}", name, sub.inputs.size(), input_types.size());
  }
  for (size_t k = 0; k < input_types.size(); ++k) {
    if (!input_types[k].defined()) continue;
    ValueInfo& v = sub.value(sub.inputs[k]);
    if (!same_kind_and_dtype(v.type, input_types[k])) {
      return invalid_model("input {} ('{}') of subgraph '{}' is declared {}, but gets {}", k, v.name, name,
                           v.type.to_string(), input_types[k].to_string());
    }
    v.type = input_types[k];
  }
  if (infer_graph) ANYRT_TRY(infer_graph(sub));
  std::vector<Type> out;
  for (ValueId id : sub.outputs) out.push_back(sub.value(id).type);
  return out;
}

}  // namespace anyrt
