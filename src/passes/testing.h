#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "graph/text.h"
#include "interp/interp.h"
#include "opdef/inference.h"
#include "opdef/opdef.h"
#include "passes/pipeline.h"
#include "tensor/compare.h"
#include "tensor/literal.h"

// What the tests of passes share.
namespace anyrt::testing {

// The graph that the text describes, in the newest opsets, normalised and inferred.
inline Graph prepare(std::string_view text) {
  Expected<Model> model = parse_model(text);
  EXPECT_TRUE(model.ok()) << model.status().message();
  if (!model.ok()) return {};
  for (const OpDef* op : all_ops()) model->info.opsets[op->domain] = newest_opset(op->domain);
  const Status status = upgrade_and_infer(*model);
  EXPECT_TRUE(status.ok()) << status.message() << "\n" << text;
  return status.ok() ? std::move(model->graph) : Graph();
}

// The graph without what does not matter: unused values, names inside, types, order of attributes.
inline std::string canonical(Graph graph) {
  graph.compact();
  size_t next = 0;
  const auto rename = [&](Graph& g, ValueId v) {
    if (v == kNoValue || g.is_input(v) || g.is_output(v) || g.value(v).name.starts_with("%")) return;
    EXPECT_TRUE(g.rename_value(v, "%" + std::to_string(next++)).ok());
  };
  const auto visit = [&](const auto& self, Graph& g) -> void {
    for (NodeId id : g.order()) {
      Node& node = g.node(id);
      node.name.clear();
      std::sort(node.attrs.begin(), node.attrs.end(), [](const Attr& a, const Attr& b) { return a.name < b.name; });
      for (ValueId v : node.inputs) rename(g, v);
      for (ValueId v : node.captures) rename(g, v);
      for (ValueId v : node.outputs) rename(g, v);
      for (Graph* sub : node.subgraphs()) self(self, *sub);
    }
  };
  visit(visit, graph);
  PrintOptions options;
  options.types = false;
  options.max_elements = -1;
  // Constants print in the order of their ids, which does not matter: their lines are sorted.
  const std::string text = print_graph(graph, options);
  std::vector<std::string> constants;
  std::string rest;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at) + 1;
    const std::string line = text.substr(at, end - at);
    if (line.ends_with("}\n") && line.find("(") == std::string::npos && line.find(" = ") != std::string::npos) {
      constants.push_back(line);
    } else {
      rest += line;
    }
    at = end;
  }
  std::sort(constants.begin(), constants.end());
  for (const std::string& line : constants) rest += line;
  return rest;
}

// Random values for the inputs of a graph; symbols get the sizes in `sizes`, or new ones.
inline std::vector<Value> random_inputs(const Graph& graph, std::map<std::string, int64_t, std::less<>>& sizes,
                                        uint32_t seed) {
  std::mt19937 rng(seed);
  std::vector<Value> inputs;
  for (ValueId v : graph.inputs) {
    const ValueInfo& info = graph.value(v);
    if (info.is_constant()) {
      inputs.emplace_back();
      continue;
    }
    std::vector<std::string> symbols;
    Dims dims;
    for (const Dim& d : info.type.shape.value_or(SymShape())) {
      d.collect_symbols(symbols);
      for (const std::string& s : symbols) sizes.try_emplace(s, 1 + rng() % 4);
      dims.push_back(d.evaluate(sizes).value_or(2));
    }
    const std::string literal =
        fmt::format("{}{}{{rand:{}}}", dtype_name(info.type.dtype), shape_string(dims), rng() % 1000);
    std::string_view text = literal;
    Expected<Tensor> t = parse_tensor(text);
    EXPECT_TRUE(t.ok()) << literal;
    inputs.emplace_back(t.ok() ? *t : Tensor());
  }
  return inputs;
}

// Both graphs give the same on random inputs; bit by bit when `rtol` is 0.
inline void expect_same_results(const Graph& before, const Graph& after, double rtol = 0, uint32_t seeds = 4) {
  for (uint32_t seed = 0; seed < seeds; ++seed) {
    std::map<std::string, int64_t, std::less<>> sizes;
    const std::vector<Value> inputs = random_inputs(before, sizes, seed);
    const Expected<std::vector<Value>> expected = interpret(before, inputs);
    const Expected<std::vector<Value>> actual = interpret(after, inputs);
    ASSERT_EQ(expected.ok(), actual.ok()) << expected.status().message() << actual.status().message();
    if (!expected.ok()) continue;
    ASSERT_EQ(expected->size(), actual->size());
    for (size_t i = 0; i < expected->size(); ++i) {
      const Comparison c = compare_values((*actual)[i], (*expected)[i], {rtol, rtol});
      EXPECT_TRUE(c.equal) << "output " << i << ": " << c.message << "\n" << print_graph(after);
    }
  }
}

// Runs one pass: `before` must become `after`, and compute the same.
inline void expect_pass(std::string_view pass, std::string_view before, std::string_view after, double rtol = 0) {
  const Graph original = prepare(before);
  Graph graph = original;
  size_t changes = 0;
  const Status status = run_pass(pass, graph, {}, &changes);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(canonical(graph), canonical(prepare(after)));
  EXPECT_EQ(changes > 0, canonical(original) != canonical(graph)) << changes << " changes";
  expect_same_results(original, graph, rtol);
}

inline void expect_unchanged(std::string_view pass, std::string_view text) { expect_pass(pass, text, text); }

}  // namespace anyrt::testing
