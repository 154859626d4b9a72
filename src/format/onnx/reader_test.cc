#include "format/onnx/reader.h"

#include <gmock/gmock.h>

#include "format/onnx/test_messages.h"

namespace anyrt::onnx {
namespace {

using namespace testing;  // NOLINT: the builders
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kOne("\0\0\x80\x3f", 4);

Model read(const std::string& bytes) {
  auto model = read_onnx_bytes(as_bytes(bytes));
  EXPECT_TRUE(model.ok()) << model.status().to_string();
  if (!model.ok()) return {};
  const Status structure = verify_structure(model->graph);
  EXPECT_TRUE(structure.ok()) << structure.to_string();
  return std::move(*model);
}

std::string error_of(const std::string& bytes) { return read_onnx_bytes(as_bytes(bytes)).status().message(); }

std::vector<std::string> names(const Graph& g, const std::vector<ValueId>& ids) {
  std::vector<std::string> out;
  for (const ValueId id : ids) out.push_back(id == kNoValue ? "" : g.value(id).name);
  return out;
}

TEST(Reader, makes_a_graph) {
  const Model m = read(model({.nodes = {node("Clip", {"x", "", "c"}, {"y"})},
                              .initializers = {raw_tensor("c", 1, {}, kOne)},
                              .inputs = {value_info("x")},
                              .outputs = {value_info("y")}}));
  const Graph& g = m.graph;
  EXPECT_THAT(names(g, g.inputs), ElementsAre("x"));
  EXPECT_THAT(names(g, g.outputs), ElementsAre("y"));
  ASSERT_EQ(g.node_count(), 1u);
  EXPECT_THAT(names(g, g.node(g.order()[0]).inputs), ElementsAre("x", "", "c"));
  EXPECT_EQ(g.value(g.inputs[0]).type.to_string(), "float32[2]");
  EXPECT_TRUE(g.value(g.find_value("c")).is_constant());
  EXPECT_EQ(m.info.opsets.at(""), 17);
}

TEST(Reader, initializers_among_inputs_depend_on_the_ir_version) {
  const auto parts = [] {
    return GraphParts{.nodes = {node("Add", {"x", "c"}, {"y"})},
                      .initializers = {raw_tensor("c", 1, {}, kOne)},
                      .inputs = {value_info("x"), value_info("c", {})},
                      .outputs = {value_info("y")}};
  };
  EXPECT_EQ(read(model(parts(), {}, 3)).graph.inputs.size(), 1u);
  const Model m = read(model(parts(), {}, 4));
  EXPECT_EQ(m.graph.inputs.size(), 2u);
  EXPECT_TRUE(m.graph.value(m.graph.inputs[1]).is_constant());
}

TEST(Reader, sorts_nodes_and_names_cycles) {
  const Model m = read(model({.nodes = {node("Neg", {"a"}, {"y"}), node("Abs", {"x"}, {"a"})},
                              .inputs = {value_info("x")},
                              .outputs = {value_info("y")}}));
  EXPECT_EQ(m.graph.node(m.graph.order()[0]).op, "Abs");
  EXPECT_THAT(
      error_of(model({.nodes = {node("Neg", {"a"}, {"b"}), node("Abs", {"b"}, {"a"})}, .outputs = {value_info("b")}})),
      HasSubstr("cycle"));
}

TEST(Reader, names_what_is_wrong) {
  const auto one_node = [](MessageOut n) {
    return model({.nodes = {std::move(n)}, .inputs = {value_info("x")}, .outputs = {value_info("x")}});
  };
  EXPECT_THAT(error_of(one_node(node("Neg", {"q"}, {"y"}))), HasSubstr("node Neg -> 'y' reads 'q'"));
  EXPECT_THAT(error_of(one_node(node("Neg", {"x"}, {"x"}))), HasSubstr("its output 'x' is also"));
  EXPECT_THAT(error_of(one_node(node("", {"x"}, {"y"}))), HasSubstr("has no operator type"));
  EXPECT_THAT(error_of(one_node(node("Neg", {"x"}, {"y"}, {ref_attr("a", "b", kAttrInt)}))),
              HasSubstr("outside of functions"));
  EXPECT_THAT(error_of(one_node(node("Neg", {"x"}, {"y"}, {int_attr("a", 1), int_attr("a", 1)}))),
              HasSubstr("appears twice"));
  EXPECT_THAT(error_of(model({.outputs = {value_info("y")}})), HasSubstr("graph output 'y'"));
  EXPECT_THAT(error_of(""), HasSubstr("not an ONNX model"));
  EXPECT_THAT(error_of("\x08\x08"), HasSubstr("no graph"));
  EXPECT_THAT(error_of(model({.initializers = {raw_tensor("c", 7, {}, "abcdefgh")}, .inputs = {value_info("c", {})}})),
              HasSubstr("initializer 'c' is int64[], but its value is declared as float32[]"));
}

TEST(Reader, subgraphs_capture_through_every_level) {
  MessageOut inner = graph({.nodes = {node("Add", {"x", "x"}, {"r"})}, .outputs = {value_info("r")}});
  MessageOut middle = graph({.nodes = {node("If", {"c"}, {"m"}, {graph_attr("then_branch", std::move(inner))})},
                             .outputs = {value_info("m")}});
  const Model m = read(model({.nodes = {node("If", {"c"}, {"y"}, {graph_attr("then_branch", std::move(middle))})},
                              .inputs = {value_info("c"), value_info("x")},
                              .outputs = {value_info("y")}}));
  const Node& outer = m.graph.node(m.graph.order()[0]);
  EXPECT_THAT(names(m.graph, outer.captures), ::testing::UnorderedElementsAre("c", "x"));
  const Graph& mid = *outer.subgraphs()[0];
  const Node& nested = mid.node(mid.order()[0]);
  EXPECT_THAT(names(mid, nested.captures), ElementsAre("x"));
  EXPECT_EQ(nested.subgraphs()[0]->captures.size(), 1u);
}

TEST(Reader, subgraphs_may_shadow_outer_names) {
  MessageOut inner = graph({.nodes = {node("Abs", {"c"}, {"x"})}, .outputs = {value_info("x")}});
  const Model m = read(model({.nodes = {node("If", {"c"}, {"y"}, {graph_attr("then_branch", std::move(inner))})},
                              .inputs = {value_info("c"), value_info("x")},
                              .outputs = {value_info("y")}}));
  EXPECT_THAT(names(m.graph, m.graph.node(m.graph.order()[0]).captures), ElementsAre("c"));
}

TEST(Reader, refuses_deep_nesting) {
  MessageOut g = graph({.nodes = {node("Neg", {"x"}, {"a"})}, .outputs = {value_info("a")}});
  for (int i = 0; i < 100; ++i) {
    g = graph(
        {.nodes = {node("If", {"x"}, {"a"}, {graph_attr("then_branch", std::move(g))})}, .outputs = {value_info("a")}});
  }
  EXPECT_THAT(error_of(model({.nodes = {node("If", {"x"}, {"y"}, {graph_attr("then_branch", std::move(g))})},
                              .inputs = {value_info("x")},
                              .outputs = {value_info("y")}})),
              HasSubstr("nested deeper than 64"));
}

TEST(Reader, deduces_the_type_of_attributes_of_old_models) {
  MessageOut attr;
  attr.text(1, "axes");
  attr.integer(8, 1);
  attr.integer(8, 2);
  const Model m = read(model({.nodes = {node("Squeeze", {"x"}, {"y"}, {std::move(attr)})},
                              .inputs = {value_info("x")},
                              .outputs = {value_info("y")}}));
  const Attr* axes = m.graph.node(m.graph.order()[0]).find_attr("axes");
  ASSERT_NE(axes, nullptr);
  EXPECT_THAT(std::get<std::vector<int64_t>>(axes->value), ElementsAre(1, 2));
}

TEST(Reader, sparse_initializers_become_dense) {
  MessageOut sparse;
  sparse.message(1, raw_tensor("c", 1, {1}, kOne));
  sparse.message(2, raw_tensor("", 7, {1}, std::string("\1\0\0\0\0\0\0\0", 8)));
  sparse.integer(3, 3);
  const Model m =
      read(model({.nodes = {node("Neg", {"c"}, {"y"})}, .sparse = {std::move(sparse)}, .outputs = {value_info("y")}}));
  const Tensor& c = m.graph.value(m.graph.find_value("c")).constant;
  EXPECT_THAT(c.span<float>(), ElementsAre(0, 1, 0));
  MessageOut huge;
  huge.message(1, raw_tensor("c", 1, {1}, kOne));
  huge.message(2, raw_tensor("", 7, {1}, std::string(8, '\0')));
  huge.integer(3, int64_t{1} << 40);
  EXPECT_THAT(error_of(model({.sparse = {std::move(huge)}})), HasSubstr("sparse initializer 'c'"));
}

TEST(Reader, weights_are_views_of_the_bytes) {
  const auto parts = GraphParts{.nodes = {node("Neg", {"c"}, {"y"})},
                                .initializers = {raw_tensor("c", 2, {3}, "abc")},
                                .outputs = {value_info("y")}};
  auto bytes = std::make_shared<std::string>(model(parts));
  auto shared = read_onnx_bytes(as_bytes(*bytes), bytes);
  ASSERT_TRUE(shared.ok());
  const auto* data = reinterpret_cast<const char*>(shared->graph.value(shared->graph.find_value("c")).constant.raw());
  EXPECT_TRUE(data >= bytes->data() && data < bytes->data() + bytes->size());
  auto copied = read_onnx_bytes(as_bytes(*bytes));
  ASSERT_TRUE(copied.ok());
  data = reinterpret_cast<const char*>(copied->graph.value(copied->graph.find_value("c")).constant.raw());
  EXPECT_FALSE(data >= bytes->data() && data < bytes->data() + bytes->size());
}

void check_sound(const std::string& bytes) {
  auto m = read_onnx_bytes(as_bytes(bytes));
  if (!m.ok()) return;
  const Status structure = verify_structure(m->graph);
  EXPECT_TRUE(structure.ok()) << structure.to_string();
}

// Cuts and bit flips give an error or another model, never worse.
TEST(Reader, survives_damage) {
  MessageOut inner = graph({.nodes = {node("Add", {"x", "x"}, {"r"})}, .outputs = {value_info("r")}});
  const std::string good = model({.nodes = {node("If", {"x"}, {"y"}, {graph_attr("then_branch", std::move(inner))})},
                                  .initializers = {raw_tensor("w", 1, {1}, kOne)},
                                  .inputs = {value_info("x")},
                                  .outputs = {value_info("y")}});
  for (size_t cut = 0; cut < good.size(); ++cut) {
    check_sound(good.substr(0, cut));
  }
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    check_sound(bad);
  }
}

}  // namespace
}  // namespace anyrt::onnx
