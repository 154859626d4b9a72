#include "graph/hash.h"

#include <bit>
#include <span>

#include "base/hash.h"

namespace anyrt {
namespace {

class GraphHash {
 public:
  GraphHash(const Graph& graph, bool with_names, std::span<const uint64_t> captured)
      : graph_(graph), names_(with_names), values_(graph.value_capacity(), 0) {
    for (size_t i = 0; i < graph.inputs.size(); ++i) {
      ValueId v = graph.inputs[i];
      set(v, hash_combine(hash_text("input", i), hash_type(graph.value(v).type)));
    }
    for (const Capture& c : graph.captures) set(c.inner, c.slot < captured.size() ? captured[c.slot] : c.slot);
  }

  uint64_t run() {
    uint64_t nodes = 0;
    for (NodeId id : graph_.order()) nodes += node(graph_.node(id));
    uint64_t h = hash_combine(nodes, graph_.inputs.size());
    for (ValueId v : graph_.inputs) {
      if (graph_.value(v).is_constant()) h = hash_combine(h, hash_tensor(graph_.value(v).constant));
      h = hash_combine(h, value(v));
    }
    for (ValueId v : graph_.outputs) h = hash_combine(h, value(v));
    return names_ ? hash_text(graph_.name, h) : h;
  }

 private:
  void set(ValueId v, uint64_t h) { values_[index(v)] = (names_ ? hash_text(graph_.value(v).name, h) : h) | 1; }

  uint64_t value(ValueId v) {
    if (v == kNoValue) return 2;
    uint64_t& h = values_[index(v)];
    if (h == 0) set(v, graph_.value(v).is_constant() ? hash_tensor(graph_.value(v).constant) : 4);
    return h;
  }

  uint64_t attr(const Attr& a, std::span<const uint64_t> captured) {
    uint64_t h = hash_text(a.name, a.value.index());
    if (const auto* one = std::get_if<GraphBox>(&a.value)) {
      h = hash_combine(h, GraphHash(**one, names_, captured).run());
    } else if (const auto* many = std::get_if<std::vector<GraphBox>>(&a.value)) {
      for (const GraphBox& g : *many) h = hash_combine(h, GraphHash(*g, names_, captured).run());
    } else {
      h = hash_attr(a);
    }
    return hash_combine(h, 0);
  }

  uint64_t node(const Node& n) {
    uint64_t h = hash_text(n.op, hash_text(n.domain));
    if (names_) h = hash_text(n.name, h);
    for (ValueId v : n.inputs) h = hash_combine(h, value(v));
    std::vector<uint64_t> captured;
    for (ValueId v : n.captures) captured.push_back(value(v));
    uint64_t attrs = 0;
    for (const Attr& a : n.attrs) attrs += attr(a, captured);
    h = hash_combine(h, attrs);
    for (size_t i = 0; i < n.outputs.size(); ++i) {
      if (n.outputs[i] != kNoValue) set(n.outputs[i], hash_combine(h, i));
    }
    return hash_combine(h, n.outputs.size());
  }

  const Graph& graph_;
  bool names_;
  std::vector<uint64_t> values_;  // 0: not known yet
};

struct AttrHash {
  uint64_t operator()(int64_t v) const { return static_cast<uint64_t>(v); }
  uint64_t operator()(float v) const { return std::bit_cast<uint32_t>(v); }
  uint64_t operator()(const std::string& v) const { return hash_text(v); }
  uint64_t operator()(const Tensor& v) const { return hash_tensor(v); }
  uint64_t operator()(const GraphBox& v) const { return hash_graph(*v); }
  uint64_t operator()(const Type& v) const { return hash_type(v); }
  uint64_t operator()(const SparseTensor& v) const {
    uint64_t h = hash_combine(hash_tensor(v.values), hash_tensor(v.indices));
    return hash_bytes(v.dims.data(), v.dims.size() * sizeof(int64_t), h);
  }
  template <class T>
  uint64_t operator()(const std::vector<T>& list) const {
    uint64_t h = list.size();
    for (const T& v : list) h = hash_combine(h, (*this)(v));
    return h;
  }
};

struct SameValue {
  bool operator()(float a, float b) const { return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b); }
  bool operator()(const Tensor& a, const Tensor& b) const { return identical(a, b); }
  bool operator()(const GraphBox&, const GraphBox&) const { return false; }
  bool operator()(const Type& a, const Type& b) const { return a.to_string() == b.to_string(); }
  bool operator()(const SparseTensor& a, const SparseTensor& b) const {
    return a.dims == b.dims && identical(a.values, b.values) && identical(a.indices, b.indices);
  }
  template <class T>
  bool operator()(const std::vector<T>& a, const std::vector<T>& b) const {
    if (a.size() != b.size()) return false;
    for (size_t i = 0; i < a.size(); ++i) {
      if (!(*this)(a[i], b[i])) return false;
    }
    return true;
  }
  template <class T>
  bool operator()(const T& a, const T& b) const {
    return a == b;
  }
  template <class A, class B>
  bool operator()(const A&, const B&) const {
    return false;
  }
};

}  // namespace

uint64_t hash_tensor(const Tensor& tensor) {
  uint64_t h =
      hash_bytes(tensor.dims().data(), tensor.dims().size() * sizeof(int64_t), static_cast<uint64_t>(tensor.dtype()));
  if (tensor.dtype() != DType::kString) return hash_bytes(tensor.unaligned_raw(), tensor.bytes(), h);
  for (const std::string& s : tensor.span<std::string>()) h = hash_text(s, h);
  return h;
}

uint64_t hash_type(const Type& type) { return hash_text(type.to_string()); }

uint64_t hash_attr(const Attr& attr) {
  return hash_combine(hash_text(attr.name, attr.value.index()), std::visit(AttrHash(), attr.value));
}

bool same_attr_value(const AttrValue& a, const AttrValue& b) { return std::visit(SameValue(), a, b); }

bool same_attrs(const Node& a, const Node& b) {
  if (a.attrs.size() != b.attrs.size()) return false;
  for (const Attr& attr : a.attrs) {
    const Attr* other = b.find_attr(attr.name);
    if (!other || !same_attr_value(attr.value, other->value)) return false;
  }
  return true;
}

uint64_t hash_graph(const Graph& graph, bool with_names) { return GraphHash(graph, with_names, {}).run(); }

}  // namespace anyrt
