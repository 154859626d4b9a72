#include "devices/cpu/passes/testing.h"

namespace anyrt::cpu {
namespace {

void expect_fused(std::string_view before, std::string_view after) { expect_cpu_pass(fuse_elementwise, before, after); }
void expect_left(std::string_view text) { expect_fused(text, text); }

TEST(FuseElementwise, Chains) {
  expect_fused(R"(graph (x f32[2,C,4]) -> (y) {
                    s = Sigmoid(x)
                    y = Mul(x, s)
                  })",
               R"(graph (x f32[2,C,4]) -> (y) {
                    y = anyrt.ElementwiseChain(x) program=["Sigmoid v0", "Mul v0 v1"]
                  })");
  // Broadcasting, numbers, attributes, omitted inputs.
  expect_fused(R"(graph (x f32[2,3,4], b f32[4]) -> (y) {
                    six = f32[]{6}
                    half = f32[1]{0.5}
                    a = Add(x, b)
                    c = Clip(a, _, six)
                    l = LeakyRelu(c) alpha=0.25
                    y = Mul(half, l)
                  })",
               R"(graph (x f32[2,3,4], b f32[4]) -> (y) {
                    y = anyrt.ElementwiseChain(x, b) program=["Add v0 v1", "Clip v2 _ 6", "LeakyRelu v3 alpha=0.25", "Mul 0.5 v4"]
                  })");
  // Truth inside, and casts.
  expect_fused(R"(graph (x f32[N], k i64[N]) -> (y) {
                    zero = f32[]{0}
                    f = Cast(k) to=1
                    g = Greater(x, zero)
                    y = Where(g, x, f)
                  })",
               R"(graph (x f32[N], k i64[N]) -> (y) {
                    y = anyrt.ElementwiseChain(k, x) program=["Cast v0 to=1", "Greater v1 0", "Where v3 v1 v2"]
                  })");
}

TEST(FuseElementwise, WhatIsReadOutsideStays) {
  expect_fused(R"(graph (x f32[4]) -> (y, z) {
                    a = Exp(x)
                    b = Neg(a)
                    y = Tanh(b)
                    z = Abs(a)
                  })",
               R"(graph (x f32[4]) -> (y, z) {
                    a = Exp(x)
                    y = anyrt.ElementwiseChain(a) program=["Neg v0", "Tanh v1"]
                    z = Abs(a)
                  })");
  expect_left("graph (x f32[4]) -> (y, a) {\n a = Exp(x)\n y = Neg(a)\n}");
  // Both branches meet again.
  expect_fused(R"(graph (x f32[4]) -> (y) {
                    a = Exp(x)
                    b = Neg(a)
                    y = Mul(b, a)
                  })",
               R"(graph (x f32[4]) -> (y) {
                    y = anyrt.ElementwiseChain(x) program=["Exp v0", "Neg v1", "Mul v2 v1"]
                  })");
}

TEST(FuseElementwise, SmallerShapesAreComputedOnce) {
  expect_left("graph (x f32[2,4], b f32[4]) -> (y) {\n a = Exp(b)\n y = Add(x, a)\n}");
  expect_left("graph (x f32[N,4], b f32[M,4]) -> (y) {\n a = Exp(b)\n y = Add(x, a)\n}");
}

TEST(FuseElementwise, OtherTypesAndOperators) {
  expect_left("graph (x i64[4]) -> (y) {\n a = Neg(x)\n y = Abs(a)\n}");
  expect_left("graph (x f64[4]) -> (y) {\n a = Neg(x)\n y = Abs(a)\n}");
  expect_left("graph (x f32[4,4]) -> (y) {\n a = Softmax(x)\n y = Abs(a)\n}");
  expect_left("graph (x f32[4], k i64[4]) -> (y) {\n a = Pow(x, k)\n y = Concat(a, x) axis=0\n}");
}

TEST(FuseElementwise, LongChainsAreCut) {
  std::string text = "graph (x f32[3,5]) -> (y) {\n";
  std::string last = "x";
  for (int i = 0; i < 80; ++i) {
    text += fmt::format(" a{} = {}({})\n", i, i % 2 ? "Tanh" : "Neg", last);
    last = fmt::format("a{}", i);
  }
  text += fmt::format(" y = Abs({})\n}}", last);
  const Graph before = testing::prepare(text);
  const Graph after = after_pass(fuse_elementwise, before);
  EXPECT_EQ(after.node_count(), 3u);
  testing::expect_same_results(before, after, 0);
}

// Many values that wait for the end.
TEST(FuseElementwise, WideChainsAreCut) {
  std::string text = "graph (x f32[3,5]) -> (y) {\n";
  for (int i = 0; i < 20; ++i) text += fmt::format(" k{0} = f32[]{{{0}}}\n a{0} = Mul(x, k{0})\n", i);
  std::string last = "a0";
  for (int i = 1; i < 20; ++i) {
    text += fmt::format(" s{0} = Max({1}, a{0})\n", i, last);
    last = fmt::format("s{}", i);
  }
  text += fmt::format(" y = Abs({})\n}}", last);
  const Graph before = testing::prepare(text);
  DevicePassReport report;
  const Graph after = after_pass(fuse_elementwise, before, {}, &report);
  EXPECT_LT(after.node_count(), 15u);
  EXPECT_GE(report.changes, 1u);
  testing::expect_same_results(before, after, 0);
}

}  // namespace
}  // namespace anyrt::cpu
