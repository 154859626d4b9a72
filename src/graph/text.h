#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "graph/graph.h"

namespace anyrt {

// The text form of graphs and models; docs/text-form.md has the grammar.
struct PrintOptions {
  int64_t max_elements = 64;    // tensors with more are elided, and the text then does not parse back; -1 = print all
  bool types = true;            // of values
  bool known_elements = false;  // what inference knows of integer contents
  bool docs = true;
};
std::string print_graph(const Graph& graph, const PrintOptions& options = {});
std::string print_model(const Model& model, const PrintOptions& options = {});
std::string print_attr_value(const AttrValue& value, const PrintOptions& options = {});

struct ParseOptions {
  // Gives Node::def. Without it, or when it gives null, nodes have none.
  std::function<const OpDef*(std::string_view domain, std::string_view op)> find_op;
};
// Errors give line and column. The graph that comes back passes verify_structure.
Expected<Model> parse_model(std::string_view text, const ParseOptions& options = {});
Expected<Graph> parse_graph(std::string_view text, const ParseOptions& options = {});

// A name or string in double quotes, with escapes; what is not UTF-8 is escaped byte by byte.
std::string quote(std::string_view text);
// The name itself where the text form can do without quotes.
std::string quote_name(std::string_view name);

}  // namespace anyrt
