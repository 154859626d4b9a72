#include "graph/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace anyrt {
namespace {

using testing::HasSubstr;

std::string round_trip(std::string_view text, const PrintOptions& options = {}) {
  Expected<Model> model = parse_model(text);
  return model.ok() ? print_model(*model, options) : model.status().message();
}

constexpr std::string_view kEverything = R"(ir_version 10
opset 21
opset "com.microsoft" 1
producer_name "test"
producer_version "1.0"
domain "org.example"
model_version 3
doc "a \"model\"\nof two lines"
metadata "key" "text with \x00 and \\"
graph main(x float32[N,3,floor(H/2)], s seq(int64[?]) @doc "a sequence", w float32[2] = f32[2]{1 2}) -> (y, z) @doc "the graph" {
  bias = f32[3]{0.1 -inf nan}
  odd int64[?] = i64[2]{1 2}
  "a name" float32[N,3], _, mask = com.microsoft.Fused(x, _, bias) alpha=1.5 axis=-1 mode="linear" @opset 3 @name "f 1" @device "cpu" @doc "d"
  y float32 = op "" "Strange.Op"("a name", w) e=ints[] f=[1.0, 2.5] g=[1, -2] s=["a", "b\"c"] t=f32[]{3} ts=[i64[1]{1}, str[1]{"x"}] ty=type map(int64,float32[?,2]) tys=[type none, type optional(seq(bool))]
  z sparse(float32[2,2]) = Sparse(s) none=none v=sparse[2,2](f32[1]{1}, i64[1]{3}) vs=[sparse[4](f32[0]{}, i64[0]{})] all=floats[] b=strings[] c=tensors[] d=graphs[] k=types[] l=sparses[]
  = Print(z)
  last = If(mask) then_branch=graph then() captures (y float32, outer = z) -> (y) {
  } else_branch=graph () captures (y) -> (k) {
    one = i64[]{1}
    k = Loop(one, _, y) body=graph body(
        i int64[],
        c bool[],
        a,
        b,
        d) captures (one, two = y) -> (c, one) {
      unused = Neg(two)
    }
  }
}
)";

TEST(Text, RoundTrip) { EXPECT_EQ(round_trip(kEverything), kEverything); }

TEST(Text, WhatIsParsedIsThere) {
  Expected<Model> model = parse_model(kEverything);
  ASSERT_TRUE(model.ok()) << model.status().message();
  const Graph& g = model->graph;
  EXPECT_EQ(model->info.opsets.at(""), 21);
  EXPECT_EQ(model->info.metadata.at("key"), std::string("text with \0 and \\", 17));
  EXPECT_EQ(g.value(g.inputs[0]).type.shape->at(0), Dim::symbol("N"));
  EXPECT_TRUE(g.value(g.inputs[2]).is_constant());
  const Node& fused = g.node(g.order()[0]);
  EXPECT_EQ(fused.domain, "com.microsoft");
  EXPECT_EQ(fused.op, "Fused");
  EXPECT_EQ(fused.inputs[1], kNoValue);
  EXPECT_EQ(fused.outputs[1], kNoValue);
  EXPECT_EQ(fused.name, "f 1");
  EXPECT_EQ(std::get<float>(fused.find_attr("alpha")->value), 1.5f);
  const Node& last = g.node(g.order()[4]);
  EXPECT_EQ(last.captures.size(), 2u);
  EXPECT_EQ(last.subgraphs().size(), 2u);
  EXPECT_TRUE(verify_structure(g).ok());
}

TEST(Text, HandWritten) {
  EXPECT_EQ(round_trip("graph (x)->(y){y=Relu(x)}"), "graph (x) -> (y) {\n  y = Relu(x)\n}\n");
  EXPECT_EQ(round_trip(R"(
    # a comment
    graph g (x   # another
             , "y z") -> (z) {

      z = Add(t, x)  # nodes may come in any order
      t float[1,2] = "Sub"(x,
                           "y z")
    }
  )"),
            "graph g(x, \"y z\") -> (z) {\n  t float32[1,2] = Sub(x, \"y z\")\n  z = Add(t, x)\n}\n");
  EXPECT_THAT(round_trip("graph (x) -> (y) { y = Op(x) a=[1, 2.5] }"), HasSubstr("a=[1.0, 2.5]"));
}

TEST(Text, NumbersAreExact) {
  for (float v : {0.1f, 1e-45f, 3.4028235e38f, 16777216.0f, -0.0f, 1e10f}) {
    Graph g;
    Node n;
    n.op = "Op";
    n.set_attr("v", v);
    g.add_node(std::move(n));
    Expected<Graph> back = parse_graph(print_graph(g));
    ASSERT_TRUE(back.ok()) << print_graph(g) << back.status().message();
    float got = std::get<float>(back->node(back->order()[0]).attrs[0].value);
    EXPECT_EQ(std::signbit(got), std::signbit(v));
    EXPECT_EQ(got, v);
  }
  EXPECT_EQ(print_attr_value(-std::numeric_limits<float>::quiet_NaN()), "nan");
  EXPECT_EQ(print_attr_value(std::numeric_limits<int64_t>::min()), "-9223372036854775808");
  EXPECT_THAT(round_trip("graph () -> () { = Op() v=-9223372036854775808 w=inf x=[-inf, nan] }"),
              HasSubstr("v=-9223372036854775808 w=inf x=[-inf, nan]"));
}

TEST(Text, Elides) {
  std::string text = "graph () -> (w) {\n  w = f32[3]{1 2 3}\n}\n";
  PrintOptions options;
  options.max_elements = 2;
  std::string elided = round_trip(text, options);
  EXPECT_THAT(elided, HasSubstr("  w = elided float32[3] hash "));
  EXPECT_THAT(round_trip(elided), HasSubstr("line 2, column 7: the elements of this tensor were left out"));
  options.max_elements = -1;
  EXPECT_EQ(round_trip(text, options), text);
}

TEST(Text, KnownElements) {
  std::string text = "graph (x) -> (y) {\n  y int64[2] @elements [N,3*N] = Shape(x)\n}\n";
  PrintOptions options;
  options.known_elements = true;
  EXPECT_EQ(round_trip(text, options), text);
}

TEST(Text, ErrorsSayWhere) {
  struct Case {
    std::string_view text;
    std::string_view message;
  };
  for (const Case& c : std::initializer_list<Case>{
           {"", "line 1, column 1: expected 'graph' or a line of the model's header, found the end"},
           {"graph (x) -> (y) {\n  y = Relu(q)\n}", "line 2, column 12: value 'q' is not defined"},
           {"graph (x) -> (q) {\n}", "line 1, column 15: value 'q' is not defined"},
           {"graph (x) -> (x) {\n  x = Relu(x)\n}", "line 2, column 3: value 'x' is defined twice"},
           {"graph (x, x) -> (x) {}", "line 1, column 11: value 'x' is defined twice"},
           {"graph (x) -> (x) {\n  y = Relu(x", "line 2, column 13: expected ',' or ')', found the end"},
           {"graph (x) -> (x) {\n  y = Relu(x) a=1 a=2\n}", "attribute 'a' is given twice"},
           {"graph (x) -> (x) {\n  y = Relu(x) a=\"b\n}", "line 2, column 17: the string does not end on this line"},
           {"graph (x) -> (x) {\n  y = Relu(x) a=\"\\q\"\n}", "column 18: expected one of"},
           {"graph (x) -> (x) {\n  y = Relu(x) a=[1, \"b\"]\n}", "differ in kind"},
           {"graph (x) -> (x) {\n  y = Relu(x) a=[]\n}", "an empty list needs its kind"},
           {"graph (x) -> (x) {\n  y = Relu(x) a=[[1], [2]]\n}", "found a list of lists"},
           {"graph (x) -> (x) {\n  y = Relu(x) a=99999999999999999999\n}", "column 17: expected a 64-bit integer"},
           {"graph (x) -> (x) {\n  y = Relu(x) a=1e999\n}", "expected the value of an attribute"},
           {"graph (x) -> (x) {\n  y = Relu(x) a=elephant\n}", "expected the value of an attribute"},
           {"graph (x) -> (x) {\n  y = Relu(x) z = Neg(x)\n}", "line 2, column 19"},
           {"graph (x float99) -> (x) {}", "line 1, column 10: expected a type"},
           {"graph (x float32[2) -> (x) {}", "line 1, column 10"},
           {"graph (x) -> (x) {\n  w = f32[2]{1}\n}", "line 2, column 7"},
           {"graph (x) -> (x) {\n  a, b = f32[1]{1}\n}", "expected one name before a constant"},
           {"graph (x) -> (x) {}\nmore", "line 2, column 1: expected the end of the text"},
           {"graph (x) -> (x) {\n  y = Add(x, z)\n  z = Neg(y)\n}", "cycle"},
           {"graph (x, _) -> (x) {}", "expected the name of a value, found '_'"},
           {"graph (x, \"\") -> (x) {}", "expected a name that is not empty"},
           {"graph (x) captures (x) -> (x) {}", "expected '->'"},
           {"ir_version x\ngraph () -> () {}", "line 1, column 12: expected a 64-bit integer"},
           {"wrong 3\ngraph () -> () {}", "line 1, column 1"},
       }) {
    Expected<Model> model = parse_model(c.text);
    ASSERT_FALSE(model.ok()) << c.text;
    EXPECT_THAT(model.status().message(), HasSubstr(std::string(c.message))) << c.text;
  }
}

TEST(Text, NestingIsLimited) {
  std::string text;
  for (int i = 0; i < 100000; ++i) text += "graph () -> () { = If() a=";
  EXPECT_THAT(parse_model(text).status().message(), HasSubstr("deeper than"));
  text = "graph () -> () { = Op() a=" + std::string(100000, '[');
  EXPECT_THAT(parse_model(text).status().message(), HasSubstr("deeper than"));
  text = "graph (x ";
  for (int i = 0; i < 100000; ++i) text += "seq(";
  EXPECT_THAT(parse_model(text).status().message(), HasSubstr("deeper than"));
}

TEST(Text, FindsOperators) {
  ParseOptions options;
  std::vector<std::string> asked;
  options.find_op = [&](std::string_view domain, std::string_view op) {
    asked.push_back(std::string(domain) + "|" + std::string(op));
    return static_cast<const OpDef*>(nullptr);
  };
  ASSERT_TRUE(parse_graph("graph (x) -> (y) {\n y = a.b.C(x) g=graph () -> (z) { z = D() }\n}", options).ok());
  EXPECT_EQ(asked, (std::vector<std::string>{"|D", "a.b|C"}));
}

TEST(Text, Quotes) {
  EXPECT_EQ(quote("a\"b\\\n\t\r\x01\x7f"), R"("a\"b\\\n\t\r\x01\x7f")");
  EXPECT_EQ(quote("é€😀"), "\"é€😀\"");
  EXPECT_EQ(quote("\xff\xc3(\xed\xa0\x80\xf4\x90\x80\x80\xe0\x80\x80"),
            R"("\xff\xc3(\xed\xa0\x80\xf4\x90\x80\x80\xe0\x80\x80")");
  EXPECT_EQ(quote_name("onnx::Gather_1/a.b-c"), "onnx::Gather_1/a.b-c");
  EXPECT_EQ(quote_name("_"), "\"_\"");
  EXPECT_EQ(quote_name(""), "\"\"");
  EXPECT_EQ(quote_name("a b"), "\"a b\"");
}

// Cut and damaged text must give an error or a sound graph, never more.
TEST(Text, DamagedTextIsSafe) {
  std::mt19937 rng(1);
  std::string whole(kEverything);
  for (size_t i = 0; i < whole.size(); ++i) (void)parse_model(whole.substr(0, i)).ok();
  constexpr std::string_view kBytes = "()[]{}=,@\"\\ \n_-0x#`\xff\0";
  for (int i = 0; i < 3000; ++i) {
    std::string text = whole;
    for (int k = 0; k < 3; ++k) text[rng() % text.size()] = kBytes[rng() % kBytes.size()];
    Expected<Model> model = parse_model(text);
    if (!model.ok()) continue;
    std::string printed = print_model(*model);
    EXPECT_EQ(round_trip(printed), printed);
  }
}

// Names and strings of every byte survive.
TEST(Text, AnyNameRoundTrips) {
  std::mt19937 rng(2);
  for (int i = 0; i < 300; ++i) {
    auto random_text = [&] {
      std::string text(1 + rng() % 6, ' ');
      for (char& c : text) c = static_cast<char>(rng());
      return text;
    };
    Graph g;
    g.name = random_text();
    g.doc = random_text();
    ValueId x = g.add_input(random_text(), Type::tensor(DType::kFloat32, SymShape{Dim::symbol(random_text()), Dim()}));
    ValueId y = g.add_value(random_text());
    Node n;
    n.domain = random_text();
    n.op = random_text();
    n.name = random_text();
    n.inputs = {x};
    n.outputs = {y};
    n.set_attr(random_text(), random_text());
    g.add_node(std::move(n));
    g.outputs = {y};
    std::string printed = print_graph(g);
    Expected<Graph> back = parse_graph(printed);
    ASSERT_TRUE(back.ok()) << printed << back.status().message();
    EXPECT_EQ(print_graph(*back), printed);
    EXPECT_EQ(back->node(back->order()[0]).op, g.node(g.order()[0]).op);
    EXPECT_EQ(back->value(back->inputs[0]).name, g.value(x).name);
  }
}

}  // namespace
}  // namespace anyrt
