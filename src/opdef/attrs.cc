#include "opdef/attrs.h"

namespace anyrt {

namespace {

template <class T>
const T* get(const Node& node, std::string_view name) {
  const Attr* a = node.find_attr(name);
  return a ? std::get_if<T>(&a->value) : nullptr;
}

template <class T>
const T& get_or_empty(const Node& node, std::string_view name) {
  static const T kEmpty{};
  const T* v = get<T>(node, name);
  return v ? *v : kEmpty;
}

}  // namespace

int64_t AttrReader::i(std::string_view name, int64_t otherwise) const {
  const int64_t* v = get<int64_t>(*node_, name);
  return v ? *v : otherwise;
}
float AttrReader::f(std::string_view name, float otherwise) const {
  const float* v = get<float>(*node_, name);
  return v ? *v : otherwise;
}
const std::string& AttrReader::s(std::string_view name) const { return get_or_empty<std::string>(*node_, name); }
const std::vector<int64_t>& AttrReader::ints(std::string_view name) const {
  return get_or_empty<std::vector<int64_t>>(*node_, name);
}
const std::vector<float>& AttrReader::floats(std::string_view name) const {
  return get_or_empty<std::vector<float>>(*node_, name);
}
const std::vector<std::string>& AttrReader::strings(std::string_view name) const {
  return get_or_empty<std::vector<std::string>>(*node_, name);
}
const Tensor& AttrReader::tensor(std::string_view name) const { return get_or_empty<Tensor>(*node_, name); }
const Graph* AttrReader::graph(std::string_view name) const {
  const GraphBox* g = get<GraphBox>(*node_, name);
  return g ? &**g : nullptr;
}
DType AttrReader::dtype(std::string_view name, DType otherwise) const {
  const int64_t* v = get<int64_t>(*node_, name);
  if (!v) return otherwise;
  return *v >= 0 && *v < kDTypeCount ? static_cast<DType>(*v) : DType::kUndefined;
}

}  // namespace anyrt
