#include "passes/testing.h"

namespace anyrt {
namespace {

using testing::canonical;
using testing::expect_pass;
using testing::expect_same_results;
using testing::expect_unchanged;
using testing::prepare;

TEST(SimplifyReshape, UndoneViews) {
  expect_pass("simplify_reshape",
              R"(graph (x float32[N,3]) -> (y) {
    axes = i64[2]{0 3}
    a = Unsqueeze(x, axes)
    b = Squeeze(a, axes)
    y = Neg(b)
  })",
              "graph (x float32[N,3]) -> (y) { y = Neg(x) }");
  expect_pass("simplify_reshape",
              R"(graph (x float32[N,3,2]) -> (y, z) {
    s = i64[2]{-1 3}
    a = Flatten(x) axis=2
    y = Reshape(a, s)
    z = Neg(a)
  })",
              R"(graph (x float32[N,3,2]) -> (y, z) {
    s = i64[2]{-1 3}
    a = Flatten(x) axis=2
    y = Reshape(x, s)
    z = Neg(a)
  })");
  expect_unchanged("simplify_reshape", R"(graph (x float32[N,3,2]) -> (y) {
    s = i64[2]{0 2}
    a = Flatten(x) axis=2
    y = Reshape(a, s)
  })");
}

TEST(SimplifyReshape, ComputedShapes) {
  constexpr std::string_view kText = R"(graph (x float32[N,S,12,64]) -> (y) {
    i = i64[1]{0}
    j = i64[1]{1}
    width = i64[1]{768}
    shape = Shape(x)
    n = Gather(shape, i)
    s = Gather(shape, j)
    wanted = Concat(n, s, width) axis=0
    y = Reshape(x, wanted)
  })";
  expect_pass("simplify_reshape", kText, R"(graph (x float32[N,S,12,64]) -> (y) {
    s = i64[3]{0 0 768}
    y = Reshape(x, s)
  })");
  const Graph before = prepare(kText);
  Graph after = before;
  ASSERT_TRUE(run_pass("simplify_reshape", after).ok());
  const std::vector<Value> empty = {*Tensor::zeros(DType::kFloat32, {0, 3, 12, 64})};
  EXPECT_EQ((*interpret(after, empty))[0].type_string(), (*interpret(before, empty))[0].type_string());
}

TEST(SimplifyReshape, OneComputedDim) {
  expect_pass("simplify_reshape", R"(graph (x float32[N,C,H,W]) -> (y) {
    zero = i64[1]{0}
    two = i64[1]{2}
    four = i64[1]{4}
    shape = Shape(x)
    first = Slice(shape, zero, two)
    last = Slice(shape, two, four)
    area = ReduceProd(last)
    wanted = Concat(first, area) axis=0
    y = Reshape(x, wanted)
  })",
              R"(graph (x float32[N,C,H,W]) -> (y) {
    s = i64[3]{0 0 -1}
    y = Reshape(x, s)
  })");
}

TEST(MergeTransposes, Composes) {
  expect_pass("merge_transposes",
              "graph (x float32[2,3,4]) -> (y) { a = Transpose(x) perm=[1, 2, 0]\n y = Transpose(a) perm=[0, 2, 1] }",
              "graph (x float32[2,3,4]) -> (y) { y = Transpose(x) perm=[1, 0, 2] }");
  expect_pass("merge_transposes", "graph (x float32[A,B]) -> (y) { a = Transpose(x)\n y = Transpose(a) }",
              "graph (x float32[A,B]) -> (y) { y = Transpose(x) perm=[0, 1] }");
}

TEST(MergeCasts, ThroughWiderTypes) {
  expect_pass("merge_casts", "graph (x int8[N]) -> (y) { a = Cast(x) to=6\n y = Cast(a) to=1 }",
              "graph (x int8[N]) -> (y) { y = Cast(x) to=1 }");
  expect_pass("merge_casts", "graph (x float16[N]) -> (y) { a = Cast(x) to=1\n y = Cast(a) to=10 }",
              "graph (x float16[N]) -> (y) { y = Cast(x) to=10 }");
  for (const char* text : {"graph (x float32[N]) -> (y) { a = Cast(x) to=10\n y = Cast(a) to=1 }",
                           "graph (x float32[N]) -> (y) { a = Cast(x) to=6\n y = Cast(a) to=1 }",
                           "graph (x int32[N]) -> (y) { a = Cast(x) to=1\n y = Cast(a) to=7 }",
                           "graph (x int8[N]) -> (y) { a = Cast(x) to=9\n y = Cast(a) to=1 }",
                           "graph (x int8[N]) -> (y) { a = Cast(x) to=2\n y = Cast(a) to=6 }",
                           "graph (x float16[N]) -> (y) { a = Cast(x) to=16\n y = Cast(a) to=1 }"}) {
    expect_unchanged("merge_casts", text);
  }
}

TEST(InlineConstantIf, TakesTheBranch) {
  for (const char* cond : {"true", "false"}) {
    const bool taken = cond == std::string_view("true");
    expect_pass("inline_constant_if",
                fmt::format(R"(graph (x float32[2]) -> (y, z) {{
    c = bool[]{{{}}}
    a = Neg(x)
    y, z = If(c) then_branch=graph () captures (a) -> (r, a) {{ two = f32[]{{2}}
                                                             r = Mul(a, two) }} else_branch=graph () captures (x) -> (s, t) {{ s = Abs(x)
                                                             t = Exp(s) }}
  }})",
                            cond),
                taken ? "graph (x float32[2]) -> (y, z) { two = f32[]{2}\n z = Neg(x)\n y = Mul(z, two) }"
                      : "graph (x float32[2]) -> (y, z) { u = Neg(x)\n y = Abs(x)\n z = Exp(y) }");
  }
}

TEST(InlineConstantIf, KeepsComputedConditions) {
  expect_unchanged("inline_constant_if", R"(graph (c bool[], x float32[2]) -> (y) {
    y = If(c) then_branch=graph () captures (x) -> (r) { r = Neg(x) } else_branch=graph () captures (x) -> (s) { s = Abs(x) }
  })");
}

TEST(DivideByMultiplying, PowersOfTwoOnly) {
  expect_pass("divide_by_multiplying", "graph (x float32[N,3]) -> (y) { c = f32[3]{8 0.25 -2}\n y = Div(x, c) }",
              "graph (x float32[N,3]) -> (y) { c = f32[3]{0.125 4 -0.5}\n y = Mul(x, c) }");
  for (const char* c :
       {"f32[1]{3}", "f32[2]{2 0}", "f32[1]{inf}", "f32[1]{1.7014118e+38}", "f32[1]{1e-45}", "f32[0]{}"}) {
    expect_unchanged("divide_by_multiplying",
                     fmt::format("graph (x float32[1]) -> (y) {{ c = {}\n y = Div(x, c) }}", c));
  }
  expect_unchanged("divide_by_multiplying", "graph (x int32[N]) -> (y) { c = i32[]{2}\n y = Div(x, c) }");
}

}  // namespace
}  // namespace anyrt
