#include <gtest/gtest.h>

#include "engine/session.h"
#include "interp/case_graph.h"
#include "interp/interp.h"
#include "opdef/cases.h"
#include "opdef/inference.h"
#include "opdef/schema.h"
#include "tensor/compare.h"

namespace anyrt {
namespace {

// Every case of every operator on a device, against the reference: what a kernel, the planner or a copy gets wrong
// shows here.
void run_all_cases(const char* device) {
  size_t count = 0;
  for (const OpDef* def : all_ops()) {
    if (!def->cases || (def->flags & kRandom)) continue;
    const auto cases = parse_cases(def->cases);
    ASSERT_TRUE(cases.ok()) << def->name;
    for (size_t i = 0; i < cases->size(); ++i) {
      const OpCase& one = (*cases)[i];
      if (!one.expected_error.empty()) continue;
      CaseGraph made = make_case_graph(*def, one);
      if (!normalize_node(made.graph, made.node).ok() || !infer_types(made.graph).ok()) continue;
      const auto want = interpret(made.graph, made.inputs);
      if (!want.ok()) continue;
      Model model;
      model.graph = made.graph;
      for (const OpDef* known : all_ops()) model.info.opsets[known->domain] = 1 << 20;
      model.info.opsets[""] = newest_opset("");
      SessionOptions options;
      options.device = device;
      const auto session = Session::from_model(std::move(model), options);
      ASSERT_TRUE(session.ok()) << def->name << " case " << i << ": " << session.status().message();
      const auto got = (*session)->run(made.inputs);
      ASSERT_TRUE(got.ok()) << def->name << " case " << i << ": " << got.status().message();
      ASSERT_EQ(got->size(), want->size());
      for (size_t k = 0; k < want->size(); ++k) {
        const Comparison c = compare_values((*got)[k], (*want)[k], {1e-5, 1e-6});
        EXPECT_TRUE(c.equal) << device << ": " << def->name << " case " << i << " output " << k << ": " << c.message;
      }
      ++count;
    }
  }
  EXPECT_GT(count, 500u);
}

TEST(DeviceCases, Cpu) { run_all_cases("cpu"); }
TEST(DeviceCases, Loopback) { run_all_cases("loopback"); }

}  // namespace
}  // namespace anyrt
