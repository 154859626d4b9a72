#include "graph/hash.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "graph/text.h"
#include "tensor/literal.h"

namespace anyrt {
namespace {

Graph parse(std::string_view text) {
  Expected<Graph> g = parse_graph(text);
  EXPECT_TRUE(g.ok()) << g.status().message();
  return g.ok() ? std::move(*g) : Graph();
}

uint64_t literal_hash(std::string_view text) {
  Expected<Tensor> t = parse_tensor(text);
  EXPECT_TRUE(t.ok()) << t.status().message();
  return t.ok() ? hash_tensor(*t) : 0;
}

TEST(Hash, TensorsCountTypeShapeAndContent) {
  std::set<uint64_t> seen;
  for (const char* text : {"f32[2]{0 0}", "f32[1,2]{0 0}", "i32[2]{0 0}", "f32[2]{0 1}", "str[2]{\"ab\" \"c\"}",
                           "str[2]{\"a\" \"bc\"}", "f32[0]{}", "f32[0,2]{}"}) {
    seen.insert(literal_hash(text));
  }
  EXPECT_EQ(seen.size(), 8u);
  EXPECT_EQ(literal_hash("i64[2]{1 2}"), literal_hash("i64[2]{1 2}"));
}

TEST(Hash, GraphsCountStructureNotNames) {
  Graph g = parse("graph (x, y) -> (z) { a = Neg(x) k=1 l=2\n b = Abs(y)\n z = Sub(a, b) }");
  uint64_t h = hash_graph(g);
  EXPECT_EQ(h, hash_graph(parse("graph (p, q) -> (r) { t = Abs(q)\n s = Neg(p) l=2 k=1\n r = Sub(s, t) }")));
  EXPECT_NE(h, hash_graph(parse("graph (x, y) -> (z) { a = Neg(x) k=1 l=2\n b = Abs(y)\n z = Sub(b, a) }")));
  EXPECT_NE(h, hash_graph(parse("graph (y, x) -> (z) { a = Neg(x) k=1 l=2\n b = Abs(y)\n z = Sub(a, b) }")));
  EXPECT_NE(h, hash_graph(parse("graph (x, y) -> (z) { a = Neg(x) k=1 l=3\n b = Abs(y)\n z = Sub(a, b) }")));
  EXPECT_NE(h,
            hash_graph(parse("graph (x, y) -> (z) { a = Neg(x) k=1 l=2\n b = Abs(y)\n z = Sub(a, b)\n d = Abs(z) }")));
  EXPECT_NE(hash_graph(g, true),
            hash_graph(parse("graph (p, y) -> (z) { a = Neg(p) k=1 l=2\n b = Abs(y)\n z = Sub(a, b) }"), true));
  EXPECT_EQ(hash_graph(g, true), hash_graph(Graph(g), true));
}

TEST(Hash, SubgraphsCountWhatTheyCapture) {
  auto text = [](std::string_view captures) {
    return fmt::format(
        "graph (c, x, y) -> (z) {{ z = If(c) then_branch=graph () captures ({}) -> (r) {{ r = Sub(a, b) }} }}",
        captures);
  };
  EXPECT_EQ(hash_graph(parse(text("a = x, b = y"))), hash_graph(parse(text("b = y, a = x"))));
  EXPECT_NE(hash_graph(parse(text("a = x, b = y"))), hash_graph(parse(text("a = y, b = x"))));
}

TEST(Hash, SameAttributes) {
  Graph g = parse(R"(graph (x) -> () {
    = Op(x) a=1 b=nan c=f32[1]{1} d=[1, 2]
    = Op(x) d=[1, 2] c=f32[1]{1} b=nan a=1
    = Op(x) a=1 b=nan c=f32[1]{2} d=[1, 2]
    = Op(x) a=1.0 b=nan c=f32[1]{1} d=[1, 2]
    = Op(x) g=graph () -> () {}
  })");
  const Node& first = g.node(g.order()[0]);
  EXPECT_TRUE(same_attrs(first, g.node(g.order()[1])));
  EXPECT_FALSE(same_attrs(first, g.node(g.order()[2])));
  EXPECT_FALSE(same_attrs(first, g.node(g.order()[3])));
  EXPECT_FALSE(same_attrs(g.node(g.order()[4]), g.node(g.order()[4])));
  EXPECT_EQ(hash_attr(first.attrs[3]), hash_attr(g.node(g.order()[1]).attrs[0]));
}

}  // namespace
}  // namespace anyrt
