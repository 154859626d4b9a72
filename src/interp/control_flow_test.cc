#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/text.h"
#include "interp/interp.h"
#include "opdef/inference.h"
#include "tensor/compare.h"
#include "tensor/literal.h"

namespace anyrt {
namespace {

using testing::HasSubstr;

Value tensor(std::string_view text) { return *parse_tensor(text); }

Expected<Model> load(std::string_view text) {
  ANYRT_ASSIGN(Model model, parse_model(text));
  ANYRT_TRY(upgrade_and_infer(model));
  ANYRT_TRY(verify_structure(model.graph));
  return model;
}

// What the model gives, as text; the error message when it fails.
std::string run(std::string_view text, const std::vector<std::string_view>& inputs, const InterpOptions& options = {}) {
  const Expected<Model> model = load(text);
  if (!model.ok()) return model.status().message();
  std::vector<Value> values;
  for (std::string_view in : inputs) values.push_back(tensor(in));
  const Expected<std::vector<Value>> out = interpret(model->graph, values, options);
  if (!out.ok()) return out.status().message();
  std::string all;
  for (const Value& v : *out) {
    all += all.empty() ? "" : ", ";
    all += v.is_tensor() ? print_tensor(v.tensor()) : v.type_string();
  }
  return all;
}

std::string output_type(std::string_view text, size_t i) {
  const Expected<Model> model = load(text);
  if (!model.ok()) return model.status().message();
  return model->graph.value(model->graph.outputs[i]).type.to_string();
}

constexpr std::string_view kGrow = R"(opset 13
graph (M int64[], c bool[], x float32[2], y float32[K]) -> (a, b, s) {
  a, b, s = Loop(M, c, x, y) body=graph (i int64[], go bool[], p float32[], q float32[]) captures (x) -> (go, p2, q2, s) {
    p2 = Add(p, x)
    q2 = Concat(q, p) axis=0
    s = Mul(p2, x)
  }
}
)";

TEST(Loop, CarriesStacksAndCaptures) {
  EXPECT_EQ(run(kGrow, {"i64[]{2}", "bool[]{true}", "f32[2]{1 2}", "f32[1]{9}"}),
            "f32[2]{3 6}, f32[5]{9 1 2 2 4}, f32[2,2]{2 8 3 12}");
}

TEST(Loop, NoIteration) {
  EXPECT_EQ(run(kGrow, {"i64[]{0}", "bool[]{true}", "f32[2]{1 2}", "f32[1]{9}"}), "f32[2]{1 2}, f32[1]{9}, f32[0,2]{}");
  EXPECT_EQ(run(kGrow, {"i64[]{5}", "bool[]{false}", "f32[2]{1 2}", "f32[0]{}"}), "f32[2]{1 2}, f32[0]{}, f32[0,2]{}");
}

TEST(Loop, InfersWhatStaysTheSame) {
  EXPECT_EQ(output_type(kGrow, 0), "float32[2]");
  EXPECT_EQ(output_type(kGrow, 1), "float32[?]");
  EXPECT_EQ(output_type(kGrow, 2), "float32[iterations_a,2]");
}

TEST(Loop, WhileCountsUp) {
  EXPECT_EQ(run(R"(opset 13
    graph (x float32[]) -> (y, it) {
      y, it = Loop(_, _, x) body=graph (i int64[1], go bool[1], p float32[]) -> (again, p2, i) {
        p2 = Add(p, p)
        limit = f32[1]{100}
        again = Less(p2, limit)
      }
    })",
                {"f32[]{30}"}),
            "f32[]{120}, i64[2,1]{0 1}");
}

TEST(Loop, CarriesSequences) {
  EXPECT_EQ(run(R"(opset 13
    graph (M int64[], x float32[3]) -> (y) {
      none = SequenceEmpty()
      s = Loop(M, _, none) body=graph (i int64[], go bool[], p seq(float32)) captures (x) -> (go, p2) {
        one = i64[1]{1}
        zero = i64[1]{0}
        n = Add(i, one)
        t = Slice(x, zero, n)
        p2 = SequenceInsert(p, t)
      }
      y = ConcatFromSequence(s) axis=0
    })",
                {"i64[]{3}", "f32[3]{1 2 3}"}),
            "f32[6]{1 1 2 1 2 3}");
}

TEST(Loop, CanBeStopped) {
  int asked = 0;
  InterpOptions options;
  options.check_cancelled = [&] { return ++asked < 1000 ? Status() : make_error(Code::kCancelled, "enough"); };
  EXPECT_THAT(run(R"(opset 13
    graph (x float32[]) -> (y) {
      y = Loop(_, _, x) body=graph (i int64[], go bool[], p float32[]) -> (go, p2) { p2 = Neg(p) }
    })",
                  {"f32[]{1}"}, options),
              HasSubstr("enough"));
}

TEST(Loop, SaysWhatIsWrong) {
  EXPECT_THAT(run(R"(opset 13
    graph (M int64[], x float32[]) -> (y) {
      y = Loop(M, _, x) body=graph (i int64[], go bool[]) -> (go) {}
    })",
                  {}),
              HasSubstr("the body has 2 inputs, expected 3"));
  EXPECT_THAT(run(R"(opset 13
    graph (M int64[], x float32[]) -> (y, z) {
      y, z = Loop(M, _, x) body=graph (i int64[], go bool[], p float32[]) -> (go, p) {}
    })",
                  {}),
              HasSubstr("the body has 2 outputs, expected 3"));
  EXPECT_THAT(run(R"(opset 13
    graph (M int64[], x float32[]) -> (y) {
      y = Loop(M, _, x) body=graph (i int64[], go bool[], p float32[]) -> (go, q) { q = Cast(p) to=7 }
    })",
                  {}),
              HasSubstr("carried value 0 is float32[] before and int64[] after"));
  EXPECT_THAT(run(R"(opset 13
    graph (M int64[], x float32[1]) -> (y, s) {
      y, s = Loop(M, _, x) body=graph (i int64[], go bool[], p float32[]) -> (go, q, q) { q = Concat(p, p) axis=0 }
    })",
                  {"i64[]{2}", "f32[1]{1}"}),
              HasSubstr("cannot be stacked"));
}

// Depth alone must not make inference slow: each level would double the rounds of the one inside.
TEST(Loop, NestedInferenceIsBounded) {
  std::string text = "opset 13\ngraph (M int64[], x float32[2]) -> (y) {\n y = ";
  std::string close;
  for (int k = 0; k < 24; ++k) {
    text += "Loop(M, _, x) body=graph (i int64[], go bool[], p float32[]) captures (M, x) -> (go, q) {\n r = ";
    close += "\n q = Concat(r, p) axis=0\n}";
  }
  text += "Neg(x)" + close + "\n}\n";
  EXPECT_EQ(output_type(text, 0), "float32[?]");
}

TEST(Scan, AxesAndDirections) {
  const std::string_view text = R"(opset 11
    graph (init float32[], x float32[2,3], w float32[2,3]) -> (last, s, t) {
      last, s, t = Scan(init, x, w) num_scan_inputs=2 scan_input_axes=[1,-1] scan_input_directions=[1,0] scan_output_axes=[-1,0] scan_output_directions=[0,1] body=graph (p float32[], a float32[2], b float32[2]) -> (q, c, q) {
          sum = ReduceSum(a) keepdims=0
          q = Add(p, sum)
          c = Add(a, b)
        }
    })";
  EXPECT_EQ(run(text, {"f32[]{0}", "f32[2,3]{1 2 3 4 5 6}", "f32[2,3]{10 20 30 40 50 60}"}),
            "f32[]{21}, f32[2,3]{13 22 31 46 55 64}, f32[3]{21 16 9}");
  EXPECT_EQ(output_type(text, 1), "float32[2,3]");
}

TEST(Scan, EmptySequence) {
  EXPECT_EQ(run(R"(opset 9
    graph (init float32[2], x float32[N,2]) -> (last, s) {
      last, s = Scan(init, x) num_scan_inputs=1 body=graph (p float32[2], a float32[2]) -> (q, q) { q = Add(p, a) }
    })",
                {"f32[2]{1 2}", "f32[0,2]{}"}),
            "f32[2]{1 2}, f32[0,2]{}");
}

TEST(Scan, BatchesOfOpset8) {
  const std::string text = R"(opset 8
    graph (L int64[2], init float32[2,1], x float32[2,3,1], k float32[1]) -> (last, s) {
      last, s = Scan(LENGTHS, init, x) num_scan_inputs=1 directions=[DIR] body=graph (p float32[1], a float32[1]) captures (k) -> (q, r) {
          q = Add(p, a)
          r float32[1] = Mul(q, k)
        }
    })";
  const auto with = [&](const char* lengths, const char* direction) {
    std::string t = text;
    t.replace(t.find("LENGTHS"), 7, lengths);
    t.replace(t.find("DIR"), 3, direction);
    return t;
  };
  const std::vector<std::string_view> inputs = {"i64[2]{2 3}", "f32[2,1]{0 100}", "f32[2,3,1]{1 2 3 4 5 6}",
                                                "f32[1]{10}"};
  EXPECT_EQ(run(with("_", "0"), inputs), "f32[2,1]{6 115}, f32[2,3,1]{10 30 60 1040 1090 1150}");
  EXPECT_EQ(run(with("_", "1"), inputs), "f32[2,1]{6 115}, f32[2,3,1]{30 50 60 1060 1110 1150}");
  EXPECT_EQ(run(with("L", "0"), inputs), "f32[2,1]{3 115}, f32[2,3,1]{10 30 0 1040 1090 1150}");
  EXPECT_EQ(run(with("L", "1"), inputs), "f32[2,1]{3 115}, f32[2,3,1]{20 30 0 1060 1110 1150}");
}

TEST(SequenceMap, WalksSequencesTogether) {
  const std::string_view text = R"(opset 17
    graph (a float32[3], b float32[2], w float32[1]) -> (y) {
      s = SequenceConstruct(a, b)
      o = SequenceMap(s, w, s) body=graph (p float32[n], k float32[1], q float32[n]) -> (r) {
        t = Mul(p, k)
        r = Add(t, q)
      }
      y = ConcatFromSequence(o) axis=0
    })";
  EXPECT_EQ(run(text, {"f32[3]{1 2 3}", "f32[2]{4 5}", "f32[1]{2}"}), "f32[5]{3 6 9 12 15}");
}

TEST(Optional, EmptyAndFull) {
  const std::string_view text = R"(opset 18
    graph (c bool[], x float32[2]) -> (h, y) {
      o = If(c) then_branch=graph () captures (x) -> (p) { p = Optional(x) } else_branch=graph () -> (q) { q = Optional() type=type float32[2] }
      h = OptionalHasElement(o)
      y = If(h) then_branch=graph () captures (o) -> (p) { p = OptionalGetElement(o) } else_branch=graph () captures (x) -> (q) { q = Neg(x) }
    })";
  EXPECT_EQ(run(text, {"bool[]{true}", "f32[2]{1 2}"}), "bool[]{true}, f32[2]{1 2}");
  EXPECT_EQ(run(text, {"bool[]{false}", "f32[2]{1 2}"}), "bool[]{false}, f32[2]{-1 -2}");
}

TEST(Upgrade, TileOfOpset1) {
  EXPECT_EQ(run(R"(opset 1
    graph (x float32[1,2], tiles float32[], axis float32[]) -> (y) { y = Tile(x, tiles, axis) })",
                {"f32[1,2]{1 2}", "f32[]{3}", "f32[]{1}"}),
            "f32[1,6]{1 2 1 2 1 2}");
}

TEST(Upgrade, NamesThatAreGone) {
  EXPECT_EQ(run(R"(opset 9
    graph (x float32[3], i int64[1], u float32[1], e int64[1]) -> (y, z) {
      y = Scatter(x, i, u)
      z = DynamicSlice(y, i, e)
    })",
                {"f32[3]{1 2 3}", "i64[1]{1}", "f32[1]{9}", "i64[1]{3}"}),
            "f32[3]{1 9 3}, f32[2]{9 3}");
}

TEST(Upgrade, AttributesThatBecameInputs) {
  EXPECT_EQ(run(R"(opset 4
    graph (x float32[2,3]) -> (y, a, b) {
      y = Reshape(x) shape=[3,-1]
      u = Unsqueeze(y) axes=[0]
      s = Slice(u) starts=[0,1] ends=[1,3] axes=[0,1]
      q = Squeeze(s) axes=[0]
      a, b = Split(q) split=[1,1] axis=1
    })",
                {"f32[2,3]{1 2 3 4 5 6}"}),
            "f32[3,2]{1 2 3 4 5 6}, f32[2,1]{3 5}, f32[2,1]{4 6}");
}

}  // namespace
}  // namespace anyrt
