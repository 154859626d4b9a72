#include "passes/testing.h"

namespace anyrt {
namespace {

using testing::expect_pass;
using testing::expect_unchanged;

TEST(EliminateDeadCode, Nodes) {
  expect_pass("eliminate_dead_code",
              R"(graph (x float32[N]) -> (y) {
    y = Abs(x)
    a = Neg(x)
    b = Neg(a)
    s, t = Split(x) num_outputs=2
    _ = Exp(x)
  })",
              "graph (x float32[N]) -> (y) { y = Abs(x) }");
  expect_unchanged("eliminate_dead_code", "graph (x float32[N]) -> (y) { z = Neg(x)\n y = Abs(z) }");
}

TEST(EliminateDeadCode, OptionalOutputs) {
  expect_pass("eliminate_dead_code", "graph (x float32[1,1,4]) -> (y) { y, i = MaxPool(x) kernel_shape=[2] }",
              "graph (x float32[1,1,4]) -> (y) { y, _ = MaxPool(x) kernel_shape=[2] }");
  expect_unchanged("eliminate_dead_code", "graph (x float32[1,1,4]) -> (i) { y, i = MaxPool(x) kernel_shape=[2] }");
}

TEST(EliminateDeadCode, Captures) {
  expect_pass("eliminate_dead_code",
              R"(graph (c bool[], x float32[2]) -> (y) {
    a = Neg(x)
    b = Abs(x)
    y = If(c) then_branch=graph () captures (a, b) -> (r) { unread = Neg(a)
                                                            r = Neg(b) } else_branch=graph () captures (b) -> (s) { s = Exp(b) }
  })",
              R"(graph (c bool[], x float32[2]) -> (y) {
    b = Abs(x)
    y = If(c) then_branch=graph () captures (b) -> (r) { r = Neg(b) } else_branch=graph () captures (b) -> (s) { s = Exp(b) }
  })");
}

TEST(EliminateIdentity, EveryKind) {
  expect_pass("eliminate_identity",
              R"(graph (x float32[2,N]) -> (y) {
    ratio = f32[]{0.5}
    shape = i64[2]{2 -1}
    zeros = i64[4]{0 0 0 0}
    ones = i64[2]{1 1}
    a = Identity(x)
    c = Reshape(a, shape)
    d = Transpose(c) perm=[0, 1]
    e = Pad(d, zeros)
    f = Concat(e) axis=0
    g = Tile(f, ones)
    h = Expand(g, ones)
    i = Sum(h)
    j = Flatten(i)
    k = Split(j) num_outputs=1
    y = Neg(k)
  })",
              "graph (x float32[2,N]) -> (y) { y = Neg(x) }");
}

TEST(EliminateIdentity, Slices) {
  expect_pass("eliminate_identity",
              R"(graph (x float32[3]) -> (y) {
    begin = i64[1]{0}
    end = i64[1]{9}
    a = Slice(x, begin, end)
    y = Neg(a)
  })",
              "graph (x float32[3]) -> (y) { y = Neg(x) }");
  expect_unchanged("eliminate_identity", R"(graph (x float32[3]) -> (y) {
    begin = i64[1]{-1}
    end = i64[1]{-9}
    axes = i64[1]{0}
    steps = i64[1]{-1}
    a = Slice(x, begin, end, axes, steps)
    y = Neg(a)
  })");
}

TEST(EliminateIdentity, KeepsTheInterface) {
  expect_unchanged("eliminate_identity", "graph (x float32[2]) -> (y) { y = Identity(x) }");
  expect_pass("eliminate_identity", "graph (x float32[2]) -> (y) { a = Neg(x)\n y = Identity(a) }",
              "graph (x float32[2]) -> (y) { y = Neg(x) }");
  expect_pass("eliminate_identity", "graph (x float32[2]) -> (y, z) { a = Neg(x)\n y = Identity(a)\n z = Identity(a) }",
              "graph (x float32[2]) -> (y, z) { y = Neg(x)\n z = Identity(y) }");
}

TEST(EliminateIdentity, KeepsWhatChangesSomething) {
  expect_unchanged("eliminate_identity", R"(graph (x float32[2,2], n float32[N,M]) -> (y, z, u) {
    y = Transpose(x) perm=[1, 0]
    z = Expand(x, wide)
    wide = i64[3]{3 1 1}
    shape = i64[2]{-1 2}
    u = Reshape(n, shape)
  })");
}

TEST(EliminateNeutral, KeepsTheBits) {
  expect_pass("eliminate_neutral",
              R"(graph (x float32[2,N], i int32[2]) -> (y, j) {
    one = f32[]{1}
    zero = f32[1]{0}
    minus_zero = f32[1]{-0}
    int_zero = i32[2]{0 0}
    a = Mul(one, x)
    b = Div(a, one)
    c = Sub(b, zero)
    d = Add(c, minus_zero)
    e = Pow(d, one)
    f = Add(int_zero, i)
    y = Neg(e)
    j = Neg(f)
  })",
              "graph (x float32[2,N], i int32[2]) -> (y, j) { y = Neg(x)\n j = Neg(i) }");
  expect_unchanged("eliminate_neutral", R"(graph (x float32[2]) -> (a, b, c, d) {
    zero = f32[]{0}
    one = f32[]{1}
    wide = f32[2,1]{1 1}
    a = Add(x, zero)
    b = Sub(zero, x)
    c = Div(one, x)
    d = Mul(x, wide)
  })");
}

TEST(FoldConstants, Chains) {
  expect_pass("fold_constants",
              R"(graph (x float32[2]) -> (y) {
    a = f32[2]{1 2}
    b = f32[2]{10 20}
    c = Add(a, b)
    d = Neg(c)
    y = Mul(x, d)
  })",
              "graph (x float32[2]) -> (y) { d = f32[2]{-11 -22}\n y = Mul(x, d) }");
  expect_pass("fold_constants", "graph () -> (y) { a = f32[2]{1 2}\n y = Neg(a) }",
              "graph () -> (y) { y = f32[2]{-1 -2} }");
}

TEST(FoldConstants, LeavesWhatIsTooBig) {
  expect_unchanged("fold_constants", "graph () -> (y) { s = i64[3]{1000 1000 100}\n y = ConstantOfShape(s) }");
}

TEST(FoldConstants, LeavesWhatFails) {
  expect_unchanged("fold_constants", "graph () -> (y) { a = i32[1]{1}\n b = i32[1]{0}\n y = Div(a, b) }");
}

TEST(FoldConstants, LeavesWhatTheCallerMayOverride) {
  expect_unchanged("fold_constants", "graph (x float32[] = f32[]{1}) -> (y) { y = Neg(x) }");
}

TEST(FoldConstants, LeavesQuantisedWeights) {
  expect_unchanged("fold_constants",
                   "graph () -> (y) { w = i8[2]{1 2}\n s = f32[]{0.5}\n y = DequantizeLinear(w, s) }");
}

TEST(FoldShapes, ShapeArithmetic) {
  expect_pass("fold_shapes",
              R"(graph (x float32[N,3,4]) -> (y) {
    last = i64[]{2}
    axis = i64[1]{0}
    shape = Shape(x)
    d = Gather(shape, last)
    e = Unsqueeze(d, axis)
    minus = i64[1]{-1}
    s = Concat(minus, e) axis=0
    y = Reshape(x, s)
  })",
              "graph (x float32[N,3,4]) -> (y) { s = i64[2]{-1 4}\n y = Reshape(x, s) }");
  expect_unchanged("fold_shapes", "graph (x float32[N,3]) -> (y) { y = Shape(x) }");
}

TEST(MergeCommon, ChainsAndAttributes) {
  expect_pass("merge_common",
              R"(graph (x float32[2,2]) -> (y, z) {
    a = Softmax(x) axis=1
    b = Softmax(x) axis=1
    c = Softmax(x) axis=0
    d = Neg(a)
    e = Neg(b)
    y = Add(d, e)
    z = Add(c, e)
  })",
              R"(graph (x float32[2,2]) -> (y, z) {
    a = Softmax(x) axis=1
    c = Softmax(x) axis=0
    d = Neg(a)
    y = Add(d, d)
    z = Add(c, d)
  })");
  expect_unchanged("merge_common", "graph (x float32[2]) -> (y, z) { y = Neg(x)\n z = Neg(x) }");
}

TEST(MergeInitializers, EqualContent) {
  expect_pass("merge_initializers",
              R"(graph (x float32[2]) -> (y) {
    a = f32[2]{1 2}
    b = f32[2]{1 2}
    c = f32[2]{1 3}
    d = f32[1,2]{1 2}
    p = Add(x, a)
    q = Mul(p, b)
    r = Mul(q, c)
    y = Mul(r, d)
  })",
              R"(graph (x float32[2]) -> (y) {
    a = f32[2]{1 2}
    c = f32[2]{1 3}
    d = f32[1,2]{1 2}
    p = Add(x, a)
    q = Mul(p, a)
    r = Mul(q, c)
    y = Mul(r, d)
  })");
}

}  // namespace
}  // namespace anyrt
