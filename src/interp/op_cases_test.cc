#include <gtest/gtest.h>

#include "interp/case_graph.h"
#include "interp/interp.h"
#include "opdef/inference.h"
#include "tensor/compare.h"
#include "tensor/literal.h"

namespace anyrt {
namespace {

Status run_case(const OpDef& def, const OpCase& one) {
  CaseGraph made = make_case_graph(def, one);
  Graph& g = made.graph;
  const NodeId id = made.node;
  ANYRT_TRY(normalize_node(g, id));
  ANYRT_TRY(infer_types(g));
  ANYRT_ASSIGN(const std::vector<Value> out, interpret(g, made.inputs));
  size_t k = 0;
  for (size_t i = 0; i < made.outputs; ++i) {
    if (g.node(id).outputs[i] == kNoValue) continue;
    const Value& found = out[k++];
    if (i < one.outputs.size()) {
      const Comparison c = compare_values(found, one.outputs[i], {one.rtol, one.atol});
      if (!c.equal) {
        return internal_error("output {}: {}; found {}", i, c.message,
                              found.is_tensor() ? print_tensor(found.tensor(), 64) : found.type_string());
      }
    }
    // An optional with a value is that value.
    Type inferred = g.value(g.node(id).outputs[i]).type;
    if (inferred.is_optional() && inferred.elem) inferred = Type(*inferred.elem);
    const Type actual = found.type();
    if (actual.defined() && !same_kind_and_dtype(inferred, actual)) {
      return internal_error("output {} inferred as {}, found {}", i, inferred.to_string(), actual.to_string());
    }
    if (inferred.is_tensor() && inferred.shape && actual.is_tensor()) {
      if (Expected<Type> both = refine_type(actual, inferred); !both.ok())
        return std::move(both).status().with_context("inference");
    }
  }
  return {};
}

TEST(OpCases, EveryCaseOfEveryOperator) {
  size_t count = 0, without = 0;
  for (const OpDef* def : all_ops()) {
    if (!def->cases) {
      ++without;
      continue;
    }
    const auto cases = parse_cases(def->cases);
    ASSERT_TRUE(cases.ok()) << def->name << ": " << cases.status().message();
    for (size_t i = 0; i < cases->size(); ++i) {
      ++count;
      const OpCase& one = (*cases)[i];
      const Status s = run_case(*def, one);
      if (!one.expected_error.empty()) {
        EXPECT_FALSE(s.ok()) << def->name << " case " << i << ": expected an error with '" << one.expected_error << "'";
        EXPECT_NE(s.message().find(one.expected_error), std::string::npos)
            << def->name << " case " << i << ": " << s.message();
      } else {
        EXPECT_TRUE(s.ok()) << def->name << " case " << i << ": " << s.message();
      }
    }
  }
  RecordProperty("cases", static_cast<int>(count));
  RecordProperty("operators_without_cases", static_cast<int>(without));
  EXPECT_GT(count, 0u);
}

// Every schema row names a type rule of its operator or an element type.
TEST(OpCases, SchemasAreConsistent) {
  for (const OpDef* def : all_ops()) {
    EXPECT_TRUE(def->eval || def->decompose || (def->flags & kDeprecated)) << def->name;
    EXPECT_TRUE(def->first <= def->since) << def->name;
    EXPECT_TRUE(def->first == def->since || def->upgrade) << def->name << " cannot be read from older opsets";
    for (const auto& params : {def->inputs, def->outputs}) {
      for (const Param& p : params) {
        bool known = parse_dtype(p.type).has_value();
        for (const TypeRule& r : def->types) known = known || std::string_view(r.name) == p.type;
        EXPECT_TRUE(known) << def->name << " " << p.name << ": unknown type " << p.type;
      }
    }
  }
}

}  // namespace
}  // namespace anyrt
