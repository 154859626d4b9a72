#include <gmock/gmock.h>

#include "format/onnx/reader.h"
#include "format/onnx/test_messages.h"

namespace anyrt::onnx {
namespace {

using namespace testing;  // NOLINT: the builders
using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct FunctionParts {
  std::string_view name;
  Names inputs, outputs;
  std::vector<MessageOut> nodes;
  std::vector<std::string_view> attrs;
  std::vector<MessageOut> defaults;
  std::string_view overload;
  int64_t version = 17;
};

MessageOut function(FunctionParts parts) {
  MessageOut out;
  out.text(1, parts.name);
  for (const auto name : parts.inputs) out.text(4, name);
  for (const auto name : parts.outputs) out.text(5, name);
  for (const auto name : parts.attrs) out.text(6, name);
  for (MessageOut& n : parts.nodes) out.message(7, std::move(n));
  out.message(9, opset("", parts.version));
  out.text(10, "f");
  for (MessageOut& d : parts.defaults) out.message(11, std::move(d));
  out.text_if(13, parts.overload);
  return out;
}

std::string with(MessageOut call, std::vector<MessageOut> functions) {
  return model({.nodes = {std::move(call)}, .inputs = {value_info("x")}, .outputs = {value_info("y")}},
               std::move(functions));
}

Expected<Model> read(MessageOut call, std::vector<MessageOut> functions) {
  const std::string bytes = with(std::move(call), std::move(functions));
  auto m = read_onnx_bytes(as_bytes(bytes));
  if (m.ok()) {
    const Status structure = verify_structure(m->graph);
    EXPECT_TRUE(structure.ok()) << structure.to_string();
  }
  return m;
}

std::vector<std::string> ops(const Graph& g) {
  std::vector<std::string> out;
  for (const NodeId id : g.order()) out.push_back(g.node(id).op);
  return out;
}

TEST(Inline, bodies_replace_calls) {
  auto m = read(node("Twice", {"x"}, {"y"}, {}, "f"),
                {function({.name = "Twice",
                           .inputs = {"a"},
                           .outputs = {"c"},
                           .nodes = {node("Neg", {"a"}, {"b"}), node("Abs", {"b"}, {"c"})}})});
  ASSERT_TRUE(m.ok()) << m.status().to_string();
  EXPECT_THAT(ops(m->graph), ElementsAre("Neg", "Abs"));
  EXPECT_EQ(m->graph.value(m->graph.outputs[0]).name, "y");
  EXPECT_NE(m->graph.find_value("Twice/b"), kNoValue);
}

TEST(Inline, attributes_come_from_the_call_or_the_default) {
  const auto body = [] {
    return function({.name = "F",
                     .inputs = {"a"},
                     .outputs = {"b"},
                     .nodes = {node("Op", {"a"}, {"b"},
                                    {ref_attr("given", "p", kAttrInt), ref_attr("defaulted", "q", kAttrInt),
                                     ref_attr("absent", "r", kAttrInt)})},
                     .attrs = {"p", "r"},
                     .defaults = {int_attr("q", 7)}});
  };
  auto m = read(node("F", {"x"}, {"y"}, {int_attr("p", 5)}, "f"), {body()});
  ASSERT_TRUE(m.ok()) << m.status().to_string();
  const Node& n = m->graph.node(m->graph.order()[0]);
  ASSERT_EQ(n.attrs.size(), 2u);
  EXPECT_EQ(std::get<int64_t>(n.find_attr("given")->value), 5);
  EXPECT_EQ(std::get<int64_t>(n.find_attr("defaulted")->value), 7);
  EXPECT_THAT(read(node("F", {"x"}, {"y"}, {int_attr("z", 5)}, "f"), {body()}).status().message(),
              HasSubstr("has no attribute 'z'"));
}

TEST(Inline, calls_nest_and_pass_attributes_on) {
  auto m = read(node("Outer", {"x"}, {"y"}, {int_attr("p", 3)}, "f"),
                {function({.name = "Outer",
                           .inputs = {"a"},
                           .outputs = {"b"},
                           .nodes = {node("Inner", {"a"}, {"b"}, {ref_attr("q", "p", kAttrInt)}, "f")},
                           .attrs = {"p"}}),
                 function({.name = "Inner",
                           .inputs = {"a"},
                           .outputs = {"b"},
                           .nodes = {node("Op", {"a"}, {"b"}, {ref_attr("r", "q", kAttrInt)})},
                           .attrs = {"q"}})});
  ASSERT_TRUE(m.ok()) << m.status().to_string();
  EXPECT_EQ(std::get<int64_t>(m->graph.node(m->graph.order()[0]).find_attr("r")->value), 3);
}

TEST(Inline, subgraphs_in_bodies_see_the_body) {
  MessageOut branch = graph({.nodes = {node("Neg", {"a"}, {"r"})}, .outputs = {value_info("r")}});
  auto m = read(node("F", {"x"}, {"y"}, {}, "f"),
                {function({.name = "F",
                           .inputs = {"a"},
                           .outputs = {"b"},
                           .nodes = {node("If", {"a"}, {"b"}, {graph_attr("then_branch", std::move(branch))})}})});
  ASSERT_TRUE(m.ok()) << m.status().to_string();
  const Node& n = m->graph.node(m->graph.order()[0]);
  ASSERT_EQ(n.captures.size(), 1u);
  EXPECT_EQ(m->graph.value(n.captures[0]).name, "x");
}

TEST(Inline, outputs_that_are_inputs_and_omitted_inputs) {
  const auto body = [] {
    return function({.name = "F", .inputs = {"a", "b"}, .outputs = {"a"}, .nodes = {node("Op", {"a", "b"}, {"c"})}});
  };
  auto m = read(node("F", {"x"}, {"y"}, {}, "f"), {body()});
  ASSERT_TRUE(m.ok()) << m.status().to_string();
  EXPECT_THAT(ops(m->graph), ElementsAre("Op", "Identity"));
  EXPECT_EQ(m->graph.node(m->graph.order()[0]).inputs.size(), 1u);
}

TEST(Inline, overloads_and_own_opsets) {
  MessageOut call = node("F", {"x"}, {"y"}, {}, "f");
  call.text(8, "two");
  auto m = read(std::move(call),
                {function({.name = "F", .inputs = {"a"}, .outputs = {"b"}, .nodes = {node("One", {"a"}, {"b"})}}),
                 function({.name = "F",
                           .inputs = {"a"},
                           .outputs = {"b"},
                           .nodes = {node("Two", {"a"}, {"b"})},
                           .overload = "two",
                           .version = 11})});
  ASSERT_TRUE(m.ok()) << m.status().to_string();
  EXPECT_THAT(ops(m->graph), ElementsAre("Two"));
  EXPECT_EQ(m->graph.node(m->graph.order()[0]).opset, 11);
}

TEST(Inline, refuses_recursion_and_explosion) {
  EXPECT_THAT(
      read(node("F", {"x"}, {"y"}, {}, "f"),
           {function({.name = "F", .inputs = {"a"}, .outputs = {"b"}, .nodes = {node("F", {"a"}, {"b"}, {}, "f")}})})
          .status()
          .message(),
      HasSubstr("calls itself"));
  // Each of 40 functions calls the next one twice.
  std::vector<MessageOut> functions;
  std::vector<std::string> names;
  for (int i = 0; i <= 40; ++i) names.push_back(fmt::format("F{}", i));
  for (size_t i = 0; i < 40; ++i) {
    functions.push_back(
        function({.name = names[i],
                  .inputs = {"a"},
                  .outputs = {"c"},
                  .nodes = {node(names[i + 1], {"a"}, {"b"}, {}, "f"), node(names[i + 1], {"b"}, {"c"}, {}, "f")}}));
  }
  const std::string bytes = with(node("F0", {"x"}, {"y"}, {}, "f"), std::move(functions));
  ReadOptions options;
  options.max_inlined_nodes = 10000;
  EXPECT_THAT(read_onnx_bytes(as_bytes(bytes), nullptr, options).status().message(),
              HasSubstr("expand to more than 10000 nodes"));
}

}  // namespace
}  // namespace anyrt::onnx
