#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"

namespace anyrt {

// What passes ask of a graph.

// The graph and its subgraphs at every depth; an outer graph comes before those in it.
void for_each_graph(Graph& graph, const std::function<void(Graph&)>& f);
void for_each_graph(const Graph& graph, const std::function<void(const Graph&)>& f);
// Every node, a node before those in its subgraphs. `f` may change or remove the node it is given, and add nodes before
// it.
void for_each_node(Graph& graph, const std::function<void(Graph&, NodeId)>& f);
void for_each_node(const Graph& graph, const std::function<void(const Graph&, const Node&)>& f);
size_t count_nodes(const Graph& graph);  // subgraphs included

// The node that makes a value; null for inputs, constants, captured values and kNoValue.
const Node* producer(const Graph& graph, ValueId v);
Node* producer(Graph& graph, ValueId v);
// The nodes that read a value, each once, in the order of their first use.
std::vector<NodeId> consumers(const Graph& graph, ValueId v);
// The only reader of a value: one use, as an input and not a capture, and no graph output. Else kNoNode.
NodeId single_use(const Graph& graph, ValueId v);
bool is_unused(const Graph& graph, ValueId v);  // nobody reads it and it is no graph output
// A constant that nobody can override: not also a graph input. Null otherwise.
const Tensor* fixed_constant(const Graph& graph, ValueId v);

// By node: what the graph outputs need.
std::vector<bool> needed_nodes(const Graph& graph);
// By node: what depends on `id`, itself included; or what it depends on.
std::vector<bool> downstream(const Graph& graph, NodeId id);
std::vector<bool> upstream(const Graph& graph, NodeId id);

// Whether replace_uses(from, to) leaves the names of the graph outputs as they are: true unless `from` is an output,
// and `to` an input or an output too.
bool may_replace(const Graph& graph, ValueId from, ValueId to);

// Removes the node if nobody reads its outputs, then its producers if that left them without readers, and so on.
// Returns the number of nodes removed. Nodes without outputs stay.
size_t remove_unused(Graph& graph, NodeId id);

struct InlineOptions {
  std::string prefix;               // put before the names of values and nodes
  const OpDef* identity = nullptr;  // Node::def of an Identity, see below
};
// Puts a copy of the body's nodes in place of node `at`, which is removed: its readers read the body's outputs. `args`
// stand for the body's inputs (kNoValue or too few: the input's constant, else omitted); captures of the body mean the
// captures of `at`. A graph output that would become a graph input, or another output, is made by an Identity.
Status inline_graph(Graph& into, NodeId at, const Graph& body, std::span<const ValueId> args,
                    const InlineOptions& options);

}  // namespace anyrt
