#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"

namespace anyrt {

// Typed reading of a node's attributes. Nodes are verified and filled with schema defaults before anyone reads them, so
// a getter cannot fail: asking for an attribute that is neither there nor defaulted gives 0, "" or an empty list.
class AttrReader {
 public:
  explicit AttrReader(const Node& node) : node_(&node) {}
  const Node& node() const { return *node_; }
  bool has_attr(std::string_view name) const { return node_->find_attr(name) != nullptr; }
  int64_t i(std::string_view name, int64_t otherwise = 0) const;
  float f(std::string_view name, float otherwise = 0) const;
  const std::string& s(std::string_view name) const;
  const std::vector<int64_t>& ints(std::string_view name) const;
  const std::vector<float>& floats(std::string_view name) const;
  const std::vector<std::string>& strings(std::string_view name) const;
  const Tensor& tensor(std::string_view name) const;                              // undefined tensor when absent
  const Graph* graph(std::string_view name) const;                                // null when absent
  DType dtype(std::string_view name, DType otherwise = DType::kUndefined) const;  // an INT holding a TensorProto type

 protected:
  const Node* node_;
};

}  // namespace anyrt
