#include <gtest/gtest.h>

#include "interp/case_graph.h"
#include "interp/interp.h"
#include "opdef/inference.h"
#include "opdef/rewrite.h"
#include "tensor/compare.h"

// Decompositions and downgrades mean what the operator means: their results are compared with `eval` on all test cases.

namespace anyrt {
namespace {

bool narrow(const Value& v) {
  if (!v.is_tensor()) return false;
  const DType d = v.tensor().dtype();
  return is_float(d) && d != DType::kFloat32 && d != DType::kFloat64;
}

Status same(const std::vector<Value>& found, const std::vector<Value>& expected) {
  for (size_t i = 0; i < expected.size(); ++i) {
    // Decompositions round between the steps.
    const Tolerance tolerance = narrow(expected[i]) ? Tolerance{0.06, 0.06} : Tolerance{1e-4, 1e-5};
    const Comparison c = compare_values(found[i], expected[i], tolerance);
    if (!c.equal) return internal_error("output {}: {}", i, c.message);
  }
  return {};
}

// Calls f(operator, case, expected outputs) for every case that is to succeed.
template <class F>
void each_case(const F& f) {
  for (const OpDef* def : all_ops()) {
    if (!def->cases || (def->flags & kRandom)) continue;
    const auto cases = parse_cases(def->cases);
    ASSERT_TRUE(cases.ok()) << def->name;
    for (size_t i = 0; i < cases->size(); ++i) {
      const OpCase& one = (*cases)[i];
      if (!one.expected_error.empty()) continue;
      CaseGraph made = make_case_graph(*def, one);
      if (!normalize_node(made.graph, made.node).ok() || !infer_types(made.graph).ok()) continue;
      const auto expected = interpret(made.graph, made.inputs);
      if (expected.ok()) f(*def, i, one, *expected);
    }
  }
}

TEST(RewriteCases, DecompositionsGiveTheSame) {
  each_case([](const OpDef& def, size_t number, const OpCase& one, const std::vector<Value>& expected) {
    if (!def.decompose || !def.eval) return;
    for (const bool constants : {false, true}) {
      CaseGraph made = make_case_graph(def, one, constants);
      Graph& g = made.graph;
      ASSERT_TRUE(normalize_node(g, made.node).ok());
      ASSERT_TRUE(infer_types(g).ok());
      RewriteContext c(g, made.node, def.since);
      Status s = def.decompose(c);
      if (s.code() == Code::kNotImplemented) continue;
      if (s.ok()) s = c.finish();
      if (s.ok()) s = g.sort();
      if (s.ok()) s = verify_structure(g);
      if (s.ok()) {
        const auto found = interpret(g, made.inputs);
        s = found.ok() ? same(*found, expected) : found.status();
      }
      EXPECT_TRUE(s.ok()) << def.name << " case " << number << (constants ? " (constants): " : ": ") << s.message();
    }
  });
}

TEST(RewriteCases, DowngradesReadBackTheSame) {
  each_case([](const OpDef& def, size_t number, const OpCase& one, const std::vector<Value>& expected) {
    if (!def.downgrade) return;
    for (int version = def.first; version < def.since; ++version) {
      CaseGraph made = make_case_graph(def, one, true);
      Model model;
      model.graph = std::move(made.graph);
      ASSERT_TRUE(normalize_node(model.graph, made.node).ok());
      ASSERT_TRUE(infer_types(model.graph).ok());
      RewriteContext c(model.graph, made.node, version);
      Status s = def.downgrade(c);
      if (s.code() == Code::kNotImplemented) continue;
      if (s.ok()) s = c.finish();
      if (!s.ok() || !model.graph.node(made.node).alive) {
        EXPECT_TRUE(s.ok()) << def.name << " case " << number << " to " << version << ": " << s.message();
        continue;
      }
      RewriteContext back(model.graph, made.node, version);
      s = def.upgrade(back);
      if (s.ok()) s = back.finish();
      if (s.ok() && model.graph.node(made.node).alive) s = normalize_node(model.graph, made.node);
      if (s.ok()) s = infer_types(model.graph);
      if (s.ok()) {
        const auto found = interpret(model.graph, made.inputs);
        s = found.ok() ? same(*found, expected) : found.status();
      }
      EXPECT_TRUE(s.ok()) << def.name << " case " << number << " to " << version << ": " << s.message();
    }
  });
}

}  // namespace
}  // namespace anyrt
