#pragma once

#include <functional>
#include <string_view>

#include "base/status.h"
#include "graph/graph.h"
#include "opdef/opdef.h"

namespace anyrt {

// Sets node.def. NotImplemented names the operator and the nearest known name. `custom` (may be null): operators beside
// anyrt's own, which must live as long as the node.
Status resolve_op(Node& node, const OpSet* custom = nullptr);

// Checks attributes against the newest schema: unknown ones, wrong kinds, missing required ones.
Status verify_attrs(const Node& node);
// Adds schema defaults for attributes that are absent.
void fill_attr_defaults(Node& node);
// Number of inputs and outputs, and omitted ones, against the schema.
Status verify_arity(const Node& node);

// Checks types against the operator's type rules; undefined types pass. `input` gives the type of input i.
Status verify_types(const OpDef& def, size_t num_inputs, const std::function<Type(size_t)>& input);

// All of the above for one node in its newest form.
Status normalize_node(Graph& graph, NodeId id);

// The formal parameter that actual number i belongs to; null when there are too many.
const Param* formal_param(std::span<const Param> params, size_t i);

}  // namespace anyrt
