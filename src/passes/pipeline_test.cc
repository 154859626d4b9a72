#include "passes/pipeline.h"

#include <gmock/gmock.h>

#include <set>

#include "passes/testing.h"

namespace anyrt {
namespace {

using testing::canonical;
using ::testing::HasSubstr;
using testing::prepare;

constexpr std::string_view kText = R"(graph (x float32[N]) -> (y) {
  two = f32[]{2}
  four = Mul(two, two)
  a = Identity(x)
  b = Mul(a, four)
  unused = Neg(b)
  y = Identity(b)
})";

TEST(Pipeline, RunsUntilNothingChanges) {
  Graph g = prepare(kText);
  PipelineReport report;
  std::vector<std::string> seen;
  PipelineOptions options;
  options.on_change = [&](std::string_view pass, const Graph&) { seen.emplace_back(pass); };
  ASSERT_TRUE(run_passes(g, options, &report).ok());
  EXPECT_EQ(canonical(g), canonical(prepare("graph (x float32[N]) -> (y) { c = f32[]{4}\n y = Mul(x, c) }")));
  EXPECT_EQ(report.changes, 4u);
  EXPECT_THAT(seen, ::testing::Contains("eliminate_identity"));
  EXPECT_THAT(report.to_string(), HasSubstr("eliminate_identity"));
  EXPECT_EQ(g.node_capacity(), 1u);
}

TEST(Pipeline, PassesCanBeSwitchedOff) {
  Graph g = prepare(kText);
  PipelineOptions options;
  options.disabled = {"eliminate_identity", "fold_constants"};
  ASSERT_TRUE(run_passes(g, options).ok());
  EXPECT_EQ(g.node_count(), 4u);
  options.disabled = {"no_such_pass"};
  const Status status = run_passes(g, options);
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("'no_such_pass'; the passes are: "));
  EXPECT_FALSE(run_pass("no_such_pass", g).ok());
}

TEST(Pipeline, EveryPassHasAnOwnNameAndADoc) {
  std::set<std::string> names;
  for (const PassRow& pass : all_passes()) {
    EXPECT_TRUE(names.insert(pass.name).second) << pass.name;
    EXPECT_NE(pass.doc, std::string());
    EXPECT_EQ(find_pass(pass.name), &pass);
  }
}

// What is quadratic in the number of nodes takes minutes here.
TEST(Pipeline, LargeGraphs) {
  std::string text = "graph (x float32[4]) -> (y) {\n a0 = Identity(x)\n";
  constexpr int kLayers = 5000;
  for (int i = 0; i < kLayers; ++i) {
    text += fmt::format(" w{0} = f32[4]{{{0} 1 2 3}}\n u{0} = f32[4]{{{0} 1 2 3}}\n", i);
    text += fmt::format(
        " b{0} = Add(a{0}, w{0})\n c{0} = Add(a{0}, u{0})\n d{0} = Mul(b{0}, c{0})\n a{1} = Identity(d{0})\n", i,
        i + 1);
  }
  Graph g = prepare(text + fmt::format(" y = Neg(a{})\n}}\n", kLayers));
  ASSERT_TRUE(run_passes(g).ok());
  EXPECT_EQ(g.node_count(), 2u * kLayers + 1);
}

TEST(Pipeline, WorksInSubgraphs) {
  Graph g = prepare(R"(graph (c bool[], x float32[2]) -> (y) {
    y = If(c) then_branch=graph () captures (x) -> (r) { one = f32[]{1}
                                                         two = Add(one, one)
                                                         i = Identity(x)
                                                         r = Mul(i, two) } else_branch=graph () captures (x) -> (s) { s = Neg(x) }
  })");
  const Graph original = g;
  ASSERT_TRUE(run_passes(g).ok());
  EXPECT_EQ(canonical(g), canonical(prepare(R"(graph (c bool[], x float32[2]) -> (y) {
    y = If(c) then_branch=graph () captures (x) -> (r) { two = f32[]{2}
                                                         r = Mul(x, two) } else_branch=graph () captures (x) -> (s) { s = Neg(x) }
  })")));
  testing::expect_same_results(original, g);
}

}  // namespace
}  // namespace anyrt
