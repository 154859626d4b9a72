#include "graph/patch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/text.h"

namespace anyrt {
namespace {

using testing::HasSubstr;

Graph parse(std::string_view text) {
  Expected<Graph> g = parse_graph(text);
  EXPECT_TRUE(g.ok()) << g.status().message();
  return g.ok() ? std::move(*g) : Graph();
}

Node make_node(std::string op, std::vector<ValueId> inputs) {
  Node n;
  n.op = std::move(op);
  n.inputs = std::move(inputs);
  return n;
}

ValueId first_output(Graph& g, NodeId id) { return g.node(id).outputs[0]; }

constexpr std::string_view kText = R"(graph (x) -> (z) {
  a float32[2] = A(x)
  b float32[2] = B(a)
  z float32[2] = Z(b)
}
)";

TEST(Patch, ReplacesAndCleansUp) {
  Graph g = parse(kText);
  {
    Patch patch(g, g.value(g.find_value("b")).producer);
    ValueId two = patch.constant(Tensor::scalar(2.0f));
    NodeId fused = patch.add(make_node("AB", {g.find_value("x"), two}));
    patch.add(make_node("Unneeded", {two}));
    patch.replace(g.find_value("b"), first_output(g, fused));
    ASSERT_TRUE(patch.apply().ok());
  }
  EXPECT_TRUE(verify_structure(g).ok());
  EXPECT_EQ(print_graph(g),
            "graph (x) -> (z) {\n  v0 = f32[]{2}\n  b float32[2] = AB(x, v0)\n  z float32[2] = Z(b)\n}\n");
}

TEST(Patch, InsertsAfterAValue) {
  Graph g = parse(kText);
  ValueId a = g.find_value("a");
  Patch patch(g, g.value(g.find_value("b")).producer);
  patch.replace(a, first_output(g, patch.add(make_node("Relu", {a}))));
  ASSERT_TRUE(patch.apply().ok());
  EXPECT_THAT(print_graph(g), HasSubstr("A(x)\n  a float32[2] = Relu("));
  EXPECT_TRUE(verify_structure(g).ok());
}

TEST(Patch, GraphOutputsKeepTheirNames) {
  Graph g = parse(kText);
  Patch patch(g, kNoNode);
  patch.replace(g.find_value("z"), g.find_value("a"));
  ASSERT_TRUE(patch.apply().ok());
  EXPECT_EQ(print_graph(g), "graph (x) -> (z) {\n  z float32[2] = A(x)\n}\n");
}

TEST(Patch, UndoesWhatIsNotApplied) {
  Graph g = parse(kText);
  {
    Patch patch(g, kNoNode);
    patch.add(make_node("More", {g.find_value("x"), patch.constant(Tensor::scalar(1.0f))}));
    patch.replace(g.find_value("a"), g.find_value("x"));
  }
  EXPECT_TRUE(verify_structure(g).ok());
  EXPECT_EQ(print_graph(g), kText);
}

TEST(Patch, RefusesWhatIsWrong) {
  Graph g = parse(kText);
  ValueId a = g.find_value("a"), z = g.find_value("z"), x = g.find_value("x");
  auto error_of = [&](ValueId from, ValueId to) {
    Patch patch(g, kNoNode);
    patch.replace(from, to);
    return patch.apply().message();
  };
  EXPECT_THAT(error_of(a, a), HasSubstr("by itself"));
  EXPECT_THAT(error_of(z, x), HasSubstr("graph output 'z' cannot be replaced by 'x'"));
  ValueId other = g.add_constant("other", Tensor::int64s({1, 2}));
  EXPECT_THAT(error_of(a, other), HasSubstr("value 'a' cannot be replaced by 'other'"));
  EXPECT_THAT(error_of(a, g.add_constant("shape", Tensor::vector<float>(std::vector<float>{1, 2, 3}))),
              HasSubstr("differ"));
  EXPECT_EQ(g.node_count(), 3u);
  EXPECT_TRUE(verify_structure(g).ok());
}

TEST(Patch, TwoOutputsCannotBecomeOne) {
  Graph g = parse("graph (x) -> (a, b) {\n  a = A(x)\n  b = B(x)\n}\n");
  std::string before = print_graph(g);
  Patch patch(g, kNoNode);
  ValueId both = first_output(g, patch.add(make_node("AB", {g.find_value("x")})));
  patch.replace(g.find_value("a"), both);
  patch.replace(g.find_value("b"), both);
  EXPECT_FALSE(patch.apply().ok());
  EXPECT_EQ(print_graph(g), before);
}

}  // namespace
}  // namespace anyrt
