#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "tensor/type.h"
#include "tensor/value.h"

namespace anyrt {

class Graph;

// Owns a subgraph held by an attribute; copying clones it.
class GraphBox {
 public:
  GraphBox();
  explicit GraphBox(Graph graph);
  GraphBox(const GraphBox& other);
  GraphBox& operator=(const GraphBox& other);
  GraphBox(GraphBox&&) noexcept;
  GraphBox& operator=(GraphBox&&) noexcept;
  ~GraphBox();
  Graph& operator*() const { return *graph_; }
  Graph* operator->() const { return graph_.get(); }

 private:
  std::unique_ptr<Graph> graph_;
};

enum class AttrKind : uint8_t {
  kInt,
  kFloat,
  kString,
  kTensor,
  kGraph,
  kInts,
  kFloats,
  kStrings,
  kTensors,
  kGraphs,
  kType,
  kTypes,
  kSparse,
  kSparses
};
std::string_view attr_kind_name(AttrKind kind);  // ONNX's words: "INT", "FLOATS" …

using AttrValue = std::variant<int64_t, float, std::string, Tensor, GraphBox, std::vector<int64_t>, std::vector<float>,
                               std::vector<std::string>, std::vector<Tensor>, std::vector<GraphBox>, Type,
                               std::vector<Type>, SparseTensor, std::vector<SparseTensor>>;

struct Attr {
  std::string name;
  AttrValue value;
  AttrKind kind() const { return static_cast<AttrKind>(value.index()); }
};

}  // namespace anyrt
