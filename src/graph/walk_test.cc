#include "graph/walk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "graph/text.h"

namespace anyrt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Graph parse(std::string_view text) {
  Expected<Graph> g = parse_graph(text);
  EXPECT_TRUE(g.ok()) << g.status().message();
  return g.ok() ? std::move(*g) : Graph();
}

NodeId at(const Graph& g, size_t i) { return g.order()[i]; }

std::vector<std::string> ops(const Graph& g, const std::vector<bool>& marked) {
  std::vector<std::string> found;
  for (NodeId id : g.order()) {
    if (marked[index(id)]) found.push_back(g.node(id).op);
  }
  return found;
}

TEST(Walk, VisitsSubgraphs) {
  Graph g = parse(R"(graph (c) -> (y) {
    y = If(c) then_branch=graph () -> (a) { a = A() } else_branch=graph () -> (b) { b = Loop() body=graph () -> (d) { d = D() } }
    z = Z(y)
  })");
  std::vector<std::string> seen;
  for_each_node(g, [&](Graph& in, NodeId id) { seen.push_back(in.node(id).op); });
  EXPECT_THAT(seen, ElementsAre("If", "A", "Loop", "D", "Z"));
  EXPECT_EQ(count_nodes(g), 5u);
  size_t graphs = 0;
  for_each_graph(g, [&](Graph&) { ++graphs; });
  EXPECT_EQ(graphs, 4u);
  for_each_node(g, [](Graph& in, NodeId id) {
    if (in.node(id).op == "If") in.remove_node(id);
  });
  EXPECT_EQ(count_nodes(g), 1u);
}

TEST(Walk, ProducersAndConsumers) {
  Graph g = parse(R"(graph (x, w = f32[]{1}) -> (o) {
    c = f32[]{2}
    a = A(x, x)
    b = B(x, a, c)
    o = O(b, w)
  })");
  ValueId x = g.find_value("x"), a = g.find_value("a"), b = g.find_value("b"), o = g.find_value("o");
  EXPECT_EQ(producer(g, x), nullptr);
  EXPECT_EQ(producer(g, kNoValue), nullptr);
  EXPECT_EQ(producer(g, a)->op, "A");
  EXPECT_THAT(consumers(g, x), ElementsAre(at(g, 0), at(g, 1)));
  EXPECT_EQ(single_use(g, x), kNoNode);
  EXPECT_EQ(single_use(g, b), at(g, 2));
  EXPECT_EQ(single_use(g, o), kNoNode);
  g.outputs.push_back(b);
  EXPECT_EQ(single_use(g, b), kNoNode);
  EXPECT_FALSE(is_unused(g, o));
  EXPECT_EQ(fixed_constant(g, g.find_value("w")), nullptr);
  EXPECT_NE(fixed_constant(g, g.find_value("c")), nullptr);
  EXPECT_EQ(fixed_constant(g, kNoValue), nullptr);
}

TEST(Walk, Reachability) {
  Graph g = parse(R"(graph (x) -> (o) {
    a = A(x)
    b = B(x)
    d = D(b)
    o = If(a) then_branch=graph () captures (b) -> (b) {}
  })");
  EXPECT_THAT(ops(g, needed_nodes(g)), ElementsAre("A", "B", "If"));
  EXPECT_THAT(ops(g, downstream(g, at(g, 1))), ElementsAre("B", "D", "If"));
  EXPECT_THAT(ops(g, upstream(g, at(g, 2))), ElementsAre("B", "D"));
}

TEST(Walk, RemoveUnusedFollowsProducers) {
  Graph g = parse(R"(graph (x) -> (o) {
    a = A(x)
    b, b2 = B(a, a)
    d = D(b)
    o = O(a)
  })");
  EXPECT_EQ(remove_unused(g, at(g, 1)), 0u);
  EXPECT_EQ(remove_unused(g, at(g, 2)), 2u);
  EXPECT_EQ(g.node_count(), 2u);
  EXPECT_TRUE(verify_structure(g).ok());
}

constexpr std::string_view kOuter = R"(graph (x, y) -> (r, s) {
  a = A(x)
  r, s = Call(a, y) body=graph () captures (a, c = y) -> () {} @name "call"
}
)";

std::string inlined(std::string_view outer, std::string_view body_text, std::vector<std::string> args) {
  Graph g = parse(outer);
  NodeId call = g.last_node();
  // The body is parsed as an attribute, so that it may have captures.
  std::string holder = fmt::format("graph (p, q) -> () {{ = Holder() body={} }}", body_text);
  Graph held = parse(holder);
  Graph body = *held.node(held.first_node()).subgraphs()[0];
  std::vector<ValueId> ids;
  for (const std::string& name : args) ids.push_back(name == "_" ? kNoValue : g.find_value(name));
  Status s = inline_graph(g, call, body, ids, {.prefix = "call/", .identity = nullptr});
  if (!s.ok()) return s.message();
  Status sound = verify_structure(g);
  EXPECT_TRUE(sound.ok()) << sound.to_string() << "\n" << print_graph(g);
  return print_graph(g);
}

TEST(Inline, MapsInputsCapturesAndOutputs) {
  EXPECT_EQ(inlined(kOuter, R"(graph (i, j) captures (k = p, l = q) -> (o, t) {
    w = f32[]{1}
    m float32 = M(i, k, w) @name "m"
    t = T(m, j, l) sub=graph () captures (m) -> (m) {}
    o = O(t)
  })",
                    {"a", "y"}),
            R"(graph (x, y) -> (r, s) {
  call/w = f32[]{1}
  a = A(x)
  call/m float32 = M(a, a, call/w) @name "call/m"
  s = T(call/m, y, y) sub=graph () captures (m = call/m) -> (m) {
  }
  r = O(s)
}
)");
}

TEST(Inline, OutputsThatAreNotMadeInTheBody) {
  EXPECT_EQ(inlined(kOuter, "graph (i) captures (k = q) -> (o, o) { o = O(i) }", {"x"}),
            "graph (x, y) -> (r, s) {\n  a = A(x)\n  r = O(x)\n  s = Identity(r)\n}\n");
  EXPECT_EQ(inlined(kOuter, "graph (i) -> (i, c) { c = f32[]{1} }", {"x"}),
            "graph (x, y) -> (r, s) {\n  s = f32[]{1}\n  a = A(x)\n  r = Identity(x)\n}\n");
  EXPECT_EQ(inlined(kOuter, "graph (i) captures (k = p) -> (i, k) {}", {"a"}),
            "graph (x, y) -> (r, s) {\n  r = A(x)\n  s = Identity(r)\n}\n");
  EXPECT_EQ(inlined("graph (x) -> (r) {\n  r, t = Call(x)\n}\n", "graph (i) -> (o, i) { o = O(i) }", {"x"}),
            "graph (x) -> (r) {\n  r = O(x)\n}\n");
}

TEST(Inline, DefaultsAndErrors) {
  EXPECT_THAT(inlined(kOuter, "graph (i = f32[]{3}, j) -> (o, t) { o = O(i, j)\n t = T(o) }", {}),
              HasSubstr("r = O(call/i, _)"));
  EXPECT_THAT(inlined(kOuter, "graph () -> (o) { o = O() }", {}), HasSubstr("has 1 outputs, expected 2"));
  EXPECT_THAT(inlined(kOuter, "graph () -> (o, o) { o = O() }", {"x"}), HasSubstr("takes 0 inputs, found 1"));
  EXPECT_THAT(inlined(kOuter, "graph (i) -> (i, i) {}", {"_"}), HasSubstr("is an input that is omitted"));
}

// Inlining a random graph where a call of it stands gives that graph again.
TEST(Inline, RandomGraphs) {
  for (uint32_t seed = 0; seed < 100; ++seed) {
    std::mt19937 rng(seed);
    Graph body;
    for (int i = 0; i < 3; ++i) body.add_input("x", {});
    body.add_constant("w", Tensor::scalar(1.0f));
    for (int i = 0; i < 20; ++i) {
      Node n;
      n.op = "Op" + std::to_string(rng() % 3);
      for (uint32_t k = rng() % 4; k > 0; --k) {
        size_t pick = rng() % (body.value_capacity() + 1);
        n.inputs.push_back(pick == body.value_capacity() ? kNoValue : ValueId{static_cast<uint32_t>(pick)});
      }
      for (uint32_t k = rng() % 3; k > 0; --k) n.outputs.push_back(rng() % 5 ? body.add_value("") : kNoValue);
      body.add_node(std::move(n));
    }
    for (int i = 0; i < 3; ++i) body.outputs.push_back(ValueId{static_cast<uint32_t>(rng() % body.value_capacity())});
    ASSERT_TRUE(verify_structure(body).ok());

    Graph outer;
    Node call;
    call.op = "Call";
    for (int i = 0; i < 3; ++i) call.inputs.push_back(outer.add_input("x", {}));
    for (int i = 0; i < 3; ++i) call.outputs.push_back(outer.add_value("out"));
    std::vector<ValueId> args = call.inputs;
    outer.outputs = call.outputs;
    NodeId at_node = outer.add_node(std::move(call));
    ASSERT_TRUE(inline_graph(outer, at_node, body, args, {}).ok());
    Status sound = verify_structure(outer);
    ASSERT_TRUE(sound.ok()) << sound.to_string();
    std::vector<std::string> names;
    for (ValueId v : outer.outputs) names.push_back(outer.value(v).name);
    EXPECT_THAT(names, ElementsAre("out", "out_1", "out_2"));
    size_t identities = 0;
    for (NodeId id : outer.order()) identities += outer.node(id).op == "Identity";
    EXPECT_EQ(outer.node_count(), body.node_count() + identities);
  }
}

}  // namespace
}  // namespace anyrt
