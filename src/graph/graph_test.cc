#include "graph/graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <thread>

namespace anyrt {
namespace {

using testing::HasSubstr;

Node make_node(std::string op, std::vector<ValueId> inputs, std::vector<ValueId> outputs) {
  Node n;
  n.op = std::move(op);
  n.inputs = std::move(inputs);
  n.outputs = std::move(outputs);
  return n;
}

ValueId append(Graph& g, std::string op, std::vector<ValueId> inputs, NodeId before = kNoNode) {
  ValueId out = g.add_value("");
  g.add_node(make_node(std::move(op), std::move(inputs), {out}), before);
  return out;
}

void expect_sound(const Graph& g) {
  Status s = verify_structure(g);
  ASSERT_TRUE(s.ok()) << s.to_string();
}

TEST(Graph, TracksUses) {
  Graph g;
  ValueId x = g.add_input("x", {});
  ValueId y = append(g, "Add", {x, x});
  ValueId z = append(g, "Clip", {y, kNoValue, x});
  g.outputs = {z};
  expect_sound(g);
  EXPECT_EQ(g.value(x).uses.size(), 3u);
  EXPECT_EQ(g.value(y).uses.size(), 1u);
  NodeId clip = g.value(z).producer;
  g.set_input(clip, 1, y);
  g.set_input(clip, 4, x);
  EXPECT_EQ(g.node(clip).inputs, (std::vector<ValueId>{y, y, x, kNoValue, x}));
  expect_sound(g);
  g.truncate_inputs(clip, 1);
  EXPECT_EQ(g.node(clip).inputs, (std::vector<ValueId>{y}));
  EXPECT_EQ(g.value(x).uses.size(), 2u);
  expect_sound(g);
}

TEST(Graph, NamesAreUnique) {
  Graph g;
  EXPECT_EQ(g.value(g.add_value("x")).name, "x");
  ValueId second = g.add_value("x");
  EXPECT_EQ(g.value(second).name, "x_1");
  EXPECT_EQ(g.value(g.add_value("x")).name, "x_2");
  EXPECT_EQ(g.value(g.add_value("x_1")).name, "x_1_1");
  EXPECT_EQ(g.find_value("x_1"), second);
  EXPECT_EQ(g.find_value("y"), kNoValue);
  EXPECT_NE(g.value(g.add_value("")).name, "");
  EXPECT_FALSE(g.rename_value(second, "x").ok());
  EXPECT_FALSE(g.rename_value(second, "").ok());
  EXPECT_TRUE(g.rename_value(second, "y").ok());
  EXPECT_EQ(g.find_value("y"), second);
  EXPECT_EQ(g.find_value("x_1"), kNoValue);
  expect_sound(g);
}

TEST(Graph, InsertsRemovesAndMoves) {
  Graph g;
  ValueId x = g.add_input("x", {});
  ValueId y = append(g, "Abs", {x});
  NodeId abs = g.value(y).producer;
  ValueId n = append(g, "Neg", {x}, abs);
  NodeId neg = g.value(n).producer;
  EXPECT_EQ(g.order(), (std::vector<NodeId>{neg, abs}));
  g.move_node(neg, kNoNode);
  EXPECT_EQ(g.order(), (std::vector<NodeId>{abs, neg}));
  g.move_node(neg, abs);
  EXPECT_EQ(g.order(), (std::vector<NodeId>{neg, abs}));
  g.remove_node(abs);
  EXPECT_EQ(g.order(), (std::vector<NodeId>{neg}));
  EXPECT_EQ(g.value(y).producer, kNoNode);
  EXPECT_FALSE(g.node(abs).alive);
  EXPECT_EQ(g.value(x).uses.size(), 1u);
  EXPECT_EQ(g.next_node(neg), kNoNode);
  expect_sound(g);
}

TEST(Graph, ReplaceUsesKeepsOutputNames) {
  Graph g;
  ValueId x = g.add_input("x", {});
  ValueId a = g.add_value("a");
  g.add_node(make_node("Abs", {x}, {a}));
  ValueId out = g.add_value("out");
  g.add_node(make_node("Identity", {a}, {out}));
  g.outputs = {out};
  g.replace_uses(out, a);
  g.remove_node(g.order().back());
  EXPECT_EQ(g.outputs, (std::vector<ValueId>{a}));
  EXPECT_EQ(g.value(a).name, "out");
  EXPECT_EQ(g.find_value("out"), a);
  EXPECT_EQ(g.find_value("a"), out);
  expect_sound(g);
}

TEST(Graph, ReplaceUsesSparesTheInsertedNode) {
  Graph g;
  ValueId x = g.add_input("x", {});
  ValueId y = append(g, "Abs", {x});
  g.outputs = {y};
  ValueId relu = append(g, "Relu", {x}, g.value(y).producer);
  g.replace_uses(x, relu, g.value(relu).producer);
  EXPECT_EQ(g.node(g.value(y).producer).inputs[0], relu);
  EXPECT_EQ(g.node(g.value(relu).producer).inputs[0], x);
  expect_sound(g);
}

Graph branch_reading(uint32_t slot) {
  Graph sub;
  ValueId inner = sub.add_value("inner");
  sub.captures.push_back({slot, inner});
  sub.outputs = {append(sub, "Neg", {inner})};
  return sub;
}

TEST(Graph, CapturesAreUses) {
  Graph g;
  ValueId c = g.add_input("c", {}), x = g.add_input("x", {}), y = g.add_input("y", {});
  Node n = make_node("If", {c}, {g.add_value("out")});
  n.set_attr("then_branch", GraphBox(branch_reading(0)));
  n.set_attr("else_branch", GraphBox(branch_reading(1)));
  n.captures = {x, y};
  NodeId id = g.add_node(std::move(n));
  g.outputs = g.node(id).outputs;
  expect_sound(g);
  EXPECT_EQ(g.value(y).uses, (std::vector<Use>{{id, 2}}));
  EXPECT_EQ(g.add_capture(id, x), 0u);
  EXPECT_EQ(g.add_capture(id, c), 2u);
  expect_sound(g);

  g.append_input(id, x);
  EXPECT_EQ(g.value(y).uses, (std::vector<Use>{{id, 3}}));
  expect_sound(g);
  g.truncate_inputs(id, 1);
  g.replace_uses(y, x);
  EXPECT_EQ(g.node(id).captures, (std::vector<ValueId>{x, x, c}));
  expect_sound(g);

  g.node(id).subgraphs()[0]->captures[0].slot = 1;
  g.remove_capture(id, 0);
  EXPECT_EQ(g.node(id).subgraphs()[0]->captures[0].slot, 0u);
  EXPECT_EQ(g.node(id).subgraphs()[1]->captures[0].slot, 0u);
  expect_sound(g);
  g.remove_capture(id, 1);
  expect_sound(g);

  g.node(id).subgraphs()[1]->captures[0].slot = 1;
  EXPECT_THAT(verify_structure(g).message(), HasSubstr("capture 1 of its node, which has 1"));
}

TEST(Graph, SortKeepsAnOrderThatIsGood) {
  Graph g;
  ValueId x = g.add_input("x", {});
  ValueId a = append(g, "A", {x}), b = append(g, "B", {x}), c = append(g, "C", {a, b});
  g.outputs = {c};
  std::vector<NodeId> before = g.order();
  ASSERT_TRUE(g.sort().ok());
  EXPECT_EQ(g.order(), before);
  g.move_node(before[0], kNoNode);
  EXPECT_FALSE(verify_structure(g).ok());
  ASSERT_TRUE(g.sort().ok());
  expect_sound(g);
  EXPECT_EQ(g.order(), (std::vector<NodeId>{before[1], before[0], before[2]}));
}

TEST(Graph, SortNamesTheCycle) {
  Graph g;
  ValueId x = g.add_input("x", {});
  ValueId a = g.add_value("a"), b = g.add_value("b");
  Node first = make_node("Add", {x, b}, {a}), second = make_node("Neg", {a}, {b});
  first.name = "first";
  second.name = "second";
  g.add_node(std::move(first));
  g.add_node(std::move(second));
  Status s = g.sort();
  EXPECT_EQ(s.code(), Code::kInvalidModel);
  EXPECT_THAT(s.message(), HasSubstr("Add 'first' -> Neg 'second' -> Add 'first'"));
  g.set_input(g.order()[0], 1, x);
  g.set_input(g.order()[1], 0, b);
  EXPECT_THAT(g.sort().message(), HasSubstr("Neg 'second' -> Neg 'second'"));
}

TEST(Graph, VerifyFindsWhatIsBroken) {
  Graph g;
  ValueId x = g.add_input("x", {});
  ValueId y = append(g, "Abs", {x});
  g.outputs = {y};
  expect_sound(g);
  {
    Graph broken = g;
    broken.outputs = {broken.add_value("nobody")};
    EXPECT_THAT(verify_structure(broken).message(), HasSubstr("output 'nobody' is never produced"));
  }
  {
    Graph broken = g;
    broken.set_input(broken.order()[0], 0, broken.add_value("nobody"));
    EXPECT_THAT(verify_structure(broken).message(), HasSubstr("input 'nobody' is never produced"));
  }
  {
    Graph broken = g;
    broken.node(broken.order()[0]).inputs[0] = y;
    EXPECT_FALSE(verify_structure(broken).ok());
  }
  {
    Graph broken = g;
    broken.inputs.push_back(y);
    EXPECT_THAT(verify_structure(broken).message(), HasSubstr("also the output of Abs"));
  }
  {
    Graph broken = g;
    broken.inputs.push_back(x);
    EXPECT_THAT(verify_structure(broken).message(), HasSubstr("twice"));
  }
  {
    Graph broken = g;
    broken.captures.push_back({0, broken.add_value("outer")});
    EXPECT_FALSE(verify_structure(broken).ok());
  }
  {
    Graph broken = g;
    broken.node(broken.order()[0]).attrs = {{"a", int64_t{1}}, {"a", 2.0f}};
    EXPECT_THAT(verify_structure(broken).message(), HasSubstr("'a' is given twice"));
  }
}

TEST(Graph, CopiesAreDeepAndMovesLeaveAnEmptyGraph) {
  Graph g;
  ValueId c = g.add_input("c", {});
  Node n = make_node("If", {c}, {g.add_value("out")});
  n.set_attr("then_branch", GraphBox(branch_reading(0)));
  n.captures = {c};
  g.add_node(std::move(n));
  Graph copy = g;
  Graph* original_sub = g.node(g.order()[0]).subgraphs()[0];
  Graph* copied_sub = copy.node(copy.order()[0]).subgraphs()[0];
  EXPECT_NE(original_sub, copied_sub);
  copied_sub->add_value("more");
  EXPECT_NE(original_sub->value_capacity(), copied_sub->value_capacity());
  expect_sound(copy);
  Graph moved = std::move(copy);
  expect_sound(moved);
  EXPECT_EQ(moved.node(moved.order()[0]).subgraphs()[0], copied_sub);
  EXPECT_EQ(copy.node_count(), 0u);  // NOLINT: a moved-from graph may be asked
  EXPECT_TRUE(copy.order().empty());
}

TEST(Graph, ReferencesStayGoodWhileTheGraphGrows) {
  Graph g;
  ValueId x = g.add_input("x", {});
  append(g, "Abs", {x});
  const Node* node = &g.node(g.first_node());
  const ValueInfo* info = &g.value(x);
  for (int i = 0; i < 1000; ++i) append(g, "Abs", {x});
  EXPECT_EQ(node, &g.node(g.first_node()));
  EXPECT_EQ(info, &g.value(x));
  Graph copy = g;
  node = &copy.node(copy.last_node());
  for (int i = 0; i < 1000; ++i) append(copy, "Abs", {x});
  EXPECT_EQ(node->id, g.last_node());
  expect_sound(copy);
}

TEST(Graph, CompactDropsWhatIsUnused) {
  Graph g;
  ValueId x = g.add_input("x", {});
  ValueId unused_input = g.add_input("unused", {});
  ValueId dead = append(g, "Neg", {x});
  ValueId y = append(g, "Abs", {x});
  g.outputs = {y};
  g.add_value("nothing");
  g.remove_node(g.value(dead).producer);
  g.move_node(g.value(y).producer, kNoNode);
  g.compact();
  expect_sound(g);
  EXPECT_EQ(g.node_capacity(), 1u);
  EXPECT_EQ(g.value_capacity(), 3u);
  EXPECT_EQ(g.inputs.size(), 2u);
  EXPECT_EQ(g.value(g.inputs[1]).name, "unused");
  EXPECT_EQ(g.find_value("nothing"), kNoValue);
  (void)unused_input;
}

TEST(Graph, OrderMayBeAskedByThreadsAtOnce) {
  Graph g;
  ValueId x = g.add_input("x", {});
  for (int i = 0; i < 1000; ++i) append(g, "Abs", {x}, g.first_node());
  std::vector<std::thread> threads;
  std::atomic<size_t> total = 0;
  for (int t = 0; t < 4; ++t) threads.emplace_back([&] { total += g.order().size(); });
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(total, 4000u);
}

// Random edits of every kind; the graph must be sound after each.
class RandomEdits {
 public:
  explicit RandomEdits(uint32_t seed) : rng_(seed) {
    for (int i = 0; i < 3; ++i) g_.add_input("x", {});
    g_.outputs = {append(g_, "Start", {g_.inputs[0]})};
  }
  size_t pick(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(rng_); }

  // A value that may be read right before `place`.
  ValueId readable(NodeId place) {
    std::vector<ValueId> found = g_.inputs;
    for (NodeId id : g_.order()) {
      if (id == place) break;
      for (ValueId v : g_.node(id).outputs) found.push_back(v);
    }
    return found[pick(found.size())];
  }
  NodeId random_place() {
    size_t i = pick(g_.node_count() + 1);
    return i == g_.node_count() ? kNoNode : g_.order()[i];
  }

  void step() {
    NodeId place = random_place();
    switch (pick(9)) {
      case 0:
      case 1: append(g_, "Op", {readable(place), pick(3) ? readable(place) : kNoValue}, place); break;
      case 2:
        if (place != kNoNode) g_.set_input(place, pick(4), readable(place));
        break;
      case 3:
        if (place != kNoNode) g_.truncate_inputs(place, pick(3));
        break;
      case 4:
        if (place != kNoNode) {
          uint32_t k = g_.add_capture(place, readable(place));
          if (g_.node(place).attrs.empty()) g_.node(place).set_attr("body", GraphBox());
          Graph& body = *g_.node(place).subgraphs()[0];
          body.captures.push_back({k, body.add_value("seen")});
        }
        break;
      case 5:
        if (place != kNoNode && !g_.node(place).captures.empty()) {
          g_.remove_capture(place, static_cast<uint32_t>(pick(g_.node(place).captures.size())));
        }
        break;
      case 6:
        if (place != kNoNode && g_.node_count() > 5) {
          ValueId to = readable(place);
          for (ValueId out : std::vector(g_.node(place).outputs)) g_.replace_uses(out, to);
          g_.remove_node(place);
        }
        break;
      case 7:
        if (place != kNoNode) g_.append_input(place, readable(place));
        break;
      case 8:
        if (pick(10) == 0) g_.compact();
        break;
    }
  }
  Graph& graph() { return g_; }

 private:
  std::mt19937 rng_;
  Graph g_;
};

TEST(Graph, RandomEditsKeepItSound) {
  for (uint32_t seed = 0; seed < 40; ++seed) {
    RandomEdits edits(seed);
    for (int i = 0; i < 150; ++i) {
      edits.step();
      Status s = verify_structure(edits.graph());
      ASSERT_TRUE(s.ok()) << "seed " << seed << ", step " << i << ": " << s.to_string();
    }
  }
}

// Each step here is done 100000 times on one graph: anything quadratic takes minutes.
TEST(Graph, LargeGraphsAreNotQuadratic) {
  constexpr uint32_t kNodes = 100000;
  Graph g;
  ValueId x = g.add_input("x", {});
  ValueId last = x;
  for (uint32_t i = 0; i < kNodes; ++i) last = append(g, "Add", {last, x});
  g.outputs = {last};
  expect_sound(g);
  for (uint32_t i = 0; i < kNodes; ++i) g.add_value("same");
  for (NodeId id = g.first_node(); id != kNoNode; id = g.next_node(id)) append(g, "Const", {}, id);
  for (uint32_t i = 0; i < kNodes; ++i) g.set_input(NodeId{i}, 1, g.value(x).uses.size() % 2 ? x : kNoValue);
  g.move_node(NodeId{0}, kNoNode);
  ASSERT_TRUE(g.sort().ok());
  expect_sound(g);
  for (uint32_t i = 0; i < kNodes; i += 2) {
    g.replace_uses(g.node(NodeId{i}).outputs[0], x);
    g.remove_node(NodeId{i});
  }
  expect_sound(g);
  g.compact();
  expect_sound(g);
  EXPECT_EQ(g.node_count(), kNodes + kNodes / 2);
}

TEST(Node, LabelsAndAttributes) {
  Node n;
  n.op = "Conv";
  n.id = NodeId{4};
  EXPECT_EQ(n.label(), "Conv #4");
  n.name = "c1";
  n.domain = "com.x";
  EXPECT_EQ(n.label(), "com.x.Conv 'c1'");
  n.set_attr("group", int64_t{2});
  n.set_attr("group", int64_t{3});
  EXPECT_EQ(std::get<int64_t>(n.find_attr("group")->value), 3);
  EXPECT_EQ(n.attrs.size(), 1u);
  EXPECT_TRUE(n.remove_attr("group"));
  EXPECT_FALSE(n.remove_attr("group"));
  EXPECT_EQ(attr_kind_name(Attr{"a", std::vector<float>{}}.kind()), "FLOATS");
  EXPECT_EQ(attr_kind_name(Attr{"a", std::vector<SparseTensor>{}}.kind()), "SPARSE_TENSORS");
}

TEST(GraphBox, MovedFromBoxesMayBeCopied) {
  GraphBox box;
  box->name = "a";
  GraphBox other = std::move(box);
  GraphBox copy = box;  // NOLINT: on purpose
  box = other;
  EXPECT_EQ(box->name, "a");
}

}  // namespace
}  // namespace anyrt
