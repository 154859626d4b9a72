#pragma once

#include <cstdint>

#include "graph/graph.h"

namespace anyrt {

// Hashes of content, the same in every process. Who merges what hashes alike compares first.
uint64_t hash_tensor(const Tensor& tensor);  // dtype, dims, elements
uint64_t hash_type(const Type& type);
uint64_t hash_attr(const Attr& attr);  // name and value; a graph's captures count by slot

// Equal in kind, and in value bit by bit. Graphs are never the same.
bool same_attr_value(const AttrValue& a, const AttrValue& b);
// The same attributes in any order.
bool same_attrs(const Node& a, const Node& b);

// What the graph computes: independent of ids, of the order of nodes and attributes, of docs, and unless `with_names`
// also of the names of values and nodes. Constants count by content, inputs by position and type.
uint64_t hash_graph(const Graph& graph, bool with_names = false);

}  // namespace anyrt
