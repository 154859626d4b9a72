#pragma once

#include <utility>

#include "devices/cpu/kernel_testing.h"

namespace anyrt::cpu {

namespace detail {
inline const KernelRow* stand_in = nullptr;
inline const void* stand_in_state = nullptr;
inline const OpDef* stand_in_for = nullptr;

// The kernel, which may hand on to the node's eval.
inline Status run_stand_in(EvalContext& c) {
  const KernelRow* row = std::exchange(stand_in, nullptr);
  return row ? row->run(c, stand_in_state) : stand_in_for->eval(c);
}
}  // namespace detail

// For kernels, or sizes, that are not bound: the kernel's `run` stands in for the operator's eval and gives the same
// within `tolerance`, or fails as the reference does, with a message that contains `error`.
inline void check_kernel_run(const char* domain, const char* op, const std::string& line, const std::string& error = "",
                             Tolerance tolerance = {0, 0}) {
  SCOPED_TRACE(std::string(op) + " " + line);
  const OpDef* def = find_op(domain, op);
  const auto cases = parse_cases(line);
  ASSERT_TRUE(def && cases.ok()) << cases.status().message();
  const OpCase& one = (*cases)[0];
  Graph graph;
  Node made = case_node(*def, one);
  for (const Value& v : one.inputs) made.inputs.push_back(v.empty() ? kNoValue : graph.add_input("", v.type()));
  for (size_t i = 0; i < case_output_count(*def, one); ++i) made.outputs.push_back(graph.add_value(""));
  const NodeId id = graph.add_node(std::move(made));
  ASSERT_TRUE(normalize_node(graph, id).ok());
  ASSERT_TRUE(infer_types(graph).ok());
  const auto want = interpret_node(graph.node(id), one.inputs);
  const KernelQuery query(graph, id, Accuracy::kDefault);
  const KernelRow* row = find_kernel(query);
  ASSERT_TRUE(row && row->run);
  std::shared_ptr<const void> state;
  if (row->prepare) {
    auto prepared = row->prepare(query);
    ASSERT_TRUE(prepared.ok()) << prepared.status().message();
    state = std::move(*prepared);
  }
  detail::stand_in = row;
  detail::stand_in_state = state.get();
  detail::stand_in_for = def;
  OpDef other = *def;
  other.eval = detail::run_stand_in;
  Node node = graph.node(id);
  node.def = &other;
  const auto got = interpret_node(node, one.inputs);
  ASSERT_EQ(got.ok(), want.ok());
  if (!got.ok()) {
    EXPECT_EQ(got.status().code(), want.status().code());
    EXPECT_NE(got.status().message().find(error), std::string::npos) << got.status().message();
    return;
  }
  EXPECT_TRUE(error.empty());
  ASSERT_EQ(got->size(), want->size());
  for (size_t i = 0; i < got->size(); ++i) {
    const Comparison c = compare_values((*got)[i], (*want)[i], tolerance);
    EXPECT_TRUE(c.equal) << c.message;
  }
}

}  // namespace anyrt::cpu
