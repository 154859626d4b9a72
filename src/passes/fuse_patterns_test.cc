#include "passes/testing.h"

namespace anyrt {
namespace {

using testing::expect_pass;
using testing::expect_unchanged;

TEST(FuseGelu, WithErf) {
  for (std::string_view body : {"d = Div(x, root)\n e = Erf(d)\n a = Add(e, one)\n m = Mul(x, a)\n y = Mul(m, half)",
                                "d = Mul(inverse, x)\n e = Erf(d)\n a = Add(one, e)\n m = Mul(half, x)\n y = Mul(m, a)",
                                "d = Div(x, root)\n e = Erf(d)\n a = Add(e, one)\n m = Mul(a, half)\n y = Mul(m, x)"}) {
    expect_pass("fuse_gelu",
                fmt::format("graph (x float32[N,4]) -> (y) {{ root = f32[]{{1.4142135}}\n inverse = "
                            "f32[]{{0.70710677}}\n one = f32[]{{1}}\n "
                            "half = f32[]{{0.5}}\n {} }}",
                            body),
                "graph (x float32[N,4]) -> (y) { y = Gelu(x) approximate=\"none\" }", 1e-5);
  }
}

TEST(FuseGelu, WithTanh) {
  for (std::string_view body : {"u = Pow(x, three)\n v = Mul(k, u)\n w = Add(x, v)\n s = Mul(c, w)",
                                "q = Mul(x, x)\n u = Mul(x, q)\n v = Mul(k, u)\n w = Add(v, x)\n s = Mul(w, c)",
                                "q = Mul(x, x)\n u = Mul(q, k)\n v = Add(one, u)\n w = Mul(c, x)\n s = Mul(w, v)"}) {
    expect_pass("fuse_gelu",
                fmt::format("graph (x float32[N,4]) -> (y) {{ three = f32[]{{3}}\n k = f32[]{{0.044715}}\n c = "
                            "f32[]{{0.7978846}}\n one = "
                            "f32[]{{1}}\n half = f32[]{{0.5}}\n {}\n t = Tanh(s)\n a = Add(t, one)\n h = Mul(x, "
                            "half)\n y = Mul(h, a) }}",
                            body),
                "graph (x float32[N,4]) -> (y) { y = Gelu(x) approximate=\"tanh\" }", 1e-4);
  }
}

TEST(FuseGelu, LeavesOthers) {
  constexpr std::string_view kText =
      "graph (x {}) -> (y{}) {{ root = f32[{}]{{{}}}\n one = f32[]{{1}}\n half = f32[]{{0.5}}\n d = Div(x, root)\n e = "
      "Erf(d)\n a = "
      "Add(e, one)\n m = Mul(x, a)\n y = Mul(m, half) }}";
  expect_unchanged("fuse_gelu", fmt::format(kText, "float32[N]", "", "", "1.5"));
  expect_unchanged("fuse_gelu", fmt::format(kText, "float32[N]", "", "1,1", "1.41421356"));
  expect_unchanged("fuse_gelu", fmt::format(kText, "float32[N]", ", e", "", "1.41421356"));
}

TEST(FuseGates, EveryOne) {
  expect_pass("fuse_gates", "graph (x float32[N]) -> (y) { s = Sigmoid(x)\n y = Mul(s, x) }",
              "graph (x float32[N]) -> (y) { y = Swish(x) }", 1e-5);
  expect_pass("fuse_gates",
              "graph (x float32[N]) -> (y) { k = f32[]{1.702}\n m = Mul(k, x)\n s = Sigmoid(m)\n y = Mul(x, s) }",
              "graph (x float32[N]) -> (y) { y = Swish(x) alpha=1.702 }", 1e-5);
  expect_pass("fuse_gates", "graph (x float32[N]) -> (y) { s = Softplus(x)\n t = Tanh(s)\n y = Mul(x, t) }",
              "graph (x float32[N]) -> (y) { y = Mish(x) }", 1e-5);
  for (std::string_view body :
       {"m = Mul(x, c)\n y = Div(m, six)", "d = Div(c, six)\n y = Mul(d, x)", "m = Mul(c, x)\n y = Mul(m, sixth)",
        "again = f32[1]{6}\n m = Mul(x, c)\n y = Div(m, again)"}) {
    expect_pass(
        "fuse_gates",
        fmt::format(
            "graph (x float32[N]) -> (y) {{ three = f32[]{{3}}\n zero = f32[]{{0}}\n six = f32[]{{6}}\n sixth = "
            "f32[]{{0.16666667}}\n a = Add(x, three)\n c = Clip(a, zero, six)\n {} }}",
            body),
        "graph (x float32[N]) -> (y) { y = HardSwish(x) }", 1e-5);
  }
  expect_pass("fuse_gates",
              "graph (x float32[N]) -> (y) { s = HardSigmoid(x) alpha=0.16666667 beta=0.5\n y = Mul(x, s) }",
              "graph (x float32[N]) -> (y) { y = HardSwish(x) }", 1e-5);
  expect_unchanged("fuse_gates", "graph (x float32[N], z float32[N]) -> (y) { s = Sigmoid(x)\n y = Mul(s, z) }");
  expect_unchanged("fuse_gates",
                   "graph (x float32[N]) -> (y) { s = HardSigmoid(x) alpha=0.2 beta=0.5\n y = Mul(x, s) }");
}

constexpr std::string_view kNorm = R"(graph (x float32[N,3,4]) -> (y) {{
    axes = i64[1]{{{}}}
    axes2 = i64[1]{{-1}}
    eps = f32[]{{0.001}}
    two = f32[]{{2}}
    scale = f32[{}]{{rand:1}}
    bias = f32[4]{{rand:2}}
    a = ReduceMean(x, axes)
    d = Sub(x, a)
    q = Pow(d, two)
    v = ReduceMean(q, axes2)
    e = Add(v, eps)
    s = Sqrt(e)
    n = Div(d, s)
    k = Mul(scale, n)
    y = Add(k, bias)
  }})";

TEST(FuseLayerNorm, LastAxes) {
  for (const char* axis : {"-1", "2"}) {
    expect_pass("fuse_layer_norm", fmt::format(kNorm, axis, "4"),
                "graph (x float32[N,3,4]) -> (y) { scale = f32[4]{rand:1}\n bias = f32[4]{rand:2}\n y = "
                "LayerNormalization(x, scale, bias) "
                "axis=-1 epsilon=0.001 }",
                1e-4);
  }
  expect_unchanged("fuse_layer_norm", fmt::format(kNorm, "1", "4"));
  expect_unchanged("fuse_layer_norm", fmt::format(kNorm, "-1", "3,4"));
}

TEST(FuseLayerNorm, MeanTakenOffLate) {
  expect_pass("fuse_layer_norm", R"(graph (x float32[N,4]) -> (y) {
    axes = i64[1]{1}
    eps = f32[]{0.001}
    scale = f32[4]{rand:1}
    bias = f32[4]{rand:2}
    a = ReduceMean(x, axes)
    d = Sub(x, a)
    q = Mul(d, d)
    v = ReduceMean(q, axes)
    e = Add(v, eps)
    s = Sqrt(e)
    r = Reciprocal(s)
    k = Mul(r, scale)
    o = Mul(a, k)
    b = Sub(bias, o)
    p = Mul(x, k)
    y = Add(p, b)
  })",
              "graph (x float32[N,4]) -> (y) { scale = f32[4]{rand:1}\n bias = f32[4]{rand:2}\n y = "
              "LayerNormalization(x, scale, bias) axis=-1 epsilon=0.001 }",
              1e-4);
}

TEST(FuseRmsNorm, EveryForm) {
  for (std::string_view body :
       {"q = Mul(x, x)\n m = ReduceMean(q, axes)\n e = Add(eps, m)\n s = Sqrt(e)\n n = Div(x, s)",
        "q = Pow(x, two)\n m = ReduceMean(q, axes)\n e = Add(m, eps)\n s = Sqrt(e)\n r = Reciprocal(s)\n n = Mul(x, r)",
        "q = Pow(x, two)\n m = ReduceMean(q, axes)\n e = Add(m, eps)\n s = Sqrt(e)\n r = Div(one, s)\n n = Mul(r, "
        "x)"}) {
    expect_pass(
        "fuse_rms_norm",
        fmt::format(
            "graph (x float32[N,3,4], w float32[3,4]) -> (y) {{ axes = i64[2]{{-1 1}}\n eps = f32[1]{{1e-6}}\n two = "
            "f32[]{{2}}\n one = f32[]{{1}}\n {}\n y = Mul(w, n) }}",
            body),
        "graph (x float32[N,3,4], w float32[3,4]) -> (y) { y = RMSNormalization(x, w) axis=-2 epsilon=1e-6 }", 1e-4);
  }
}

TEST(SimplifyPow, SquareRootAndReciprocal) {
  for (auto [exponent, op] : {std::pair("2", "Mul(x, x)"), {"0.5", "Sqrt(x)"}, {"-1", "Reciprocal(x)"}}) {
    expect_pass("simplify_pow",
                fmt::format("graph (x float32[N]) -> (y) {{ c = f32[]{{{}}}\n y = Pow(x, c) }}", exponent),
                fmt::format("graph (x float32[N]) -> (y) {{ y = {} }}", op), 1e-6);
  }
  expect_pass("simplify_pow", "graph (x int32[N]) -> (y) { c = f32[]{2}\n y = Pow(x, c) }",
              "graph (x int32[N]) -> (y) { y = Mul(x, x) }");
  for (const char* text : {"graph (x int32[N]) -> (y) { c = f32[]{0.5}\n y = Pow(x, c) }",
                           "graph (x float32[N]) -> (y) { c = f32[]{3}\n y = Pow(x, c) }",
                           "graph (x float32[3]) -> (y) { c = f32[1,1]{2}\n y = Pow(x, c) }"}) {
    expect_unchanged("simplify_pow", text);
  }
}

TEST(FusePadConv, AddsThePads) {
  expect_pass("fuse_pad_conv",
              "graph (x float32[N,2,5,5]) -> (y) { w = f32[3,2,3,3]{rand:1}\n p = i64[8]{0 0 1 2 0 0 3 0}\n a = Pad(x, "
              "p)\n y = Conv(a, w) "
              "pads=[1, 0, 0, 1] }",
              "graph (x float32[N,2,5,5]) -> (y) { w = f32[3,2,3,3]{rand:1}\n y = Conv(x, w) pads=[2, 2, 3, 1] "
              "auto_pad=\"NOTSET\" }",
              1e-6);
  expect_pass(
      "fuse_pad_conv",
      "graph (x float32[N,2,5]) -> (y) { w = f32[3,2,3]{rand:1}\n p = i64[2]{1 2}\n axes = i64[1]{-1}\n zero = "
      "f32[]{0}\n a = Pad(x, "
      "p, zero, axes)\n y = Conv(a, w) }",
      "graph (x float32[N,2,5]) -> (y) { w = f32[3,2,3]{rand:1}\n y = Conv(x, w) pads=[1, 2] auto_pad=\"NOTSET\" }",
      1e-6);
  for (std::string_view pad : {"p = i64[6]{0 1 0 0 0 0}\n a = Pad(x, p)", "p = i64[6]{0 0 1 0 0 -1}\n a = Pad(x, p)",
                               "p = i64[6]{0 0 1 0 0 1}\n v = f32[]{1}\n a = Pad(x, p, v)",
                               "p = i64[6]{0 0 1 0 0 1}\n a = Pad(x, p) mode=\"edge\""}) {
    const std::string_view channels = pad.find("{0 1") == std::string_view::npos ? "2" : "3";
    expect_unchanged(
        "fuse_pad_conv",
        fmt::format("graph (x float32[1,2,5]) -> (y) {{ w = f32[3,{},3]{{rand:1}}\n {}\n y = Conv(a, w) }}", channels,
                    pad));
  }
  expect_unchanged("fuse_pad_conv",
                   "graph (x float32[1,2,5]) -> (y) { w = f32[3,2,3]{rand:1}\n p = i64[6]{0 0 1 0 0 1}\n a = Pad(x, "
                   "p)\n y = Conv(a, w) "
                   "auto_pad=\"SAME_UPPER\" }");
}

}  // namespace
}  // namespace anyrt
