#include "devices/cpu/passes/testing.h"

namespace anyrt::cpu {
namespace {

// `lines` follow a convolution whose result is `c`; they make `y`.
std::string conv_then(std::string_view lines) {
  return fmt::format(R"(graph (x f32[N,3,6,5], r f32[N,4,6,5]) -> (y) {{
    w = f32[4,3,3,3]{{rand:1}}
    b = f32[4]{{rand:2}}
    c = Conv(x, w, b) kernel_shape=[3,3] pads=[1,1,1,1]
    {}
  }})",
                     lines);
}

// A FusedConv with these attributes; what it reads beside x, w and b stands in `more`, constants in `lines`.
std::string fused(std::string_view attrs, std::string_view more = "", std::string_view lines = "",
                  std::string_view output = "y") {
  return fmt::format(R"(graph (x f32[N,3,6,5], r f32[N,4,6,5]) -> (y) {{
    w = f32[4,3,3,3]{{rand:1}}
    b = f32[4]{{rand:2}}
    {} = anyrt.FusedConv(x, w, b{}) kernel_shape=[3,3] pads=[1,1,1,1] {}
    {}
  }})",
                     output, more, attrs, lines);
}

TEST(FuseConvEpilogue, Activations) {
  const std::pair<const char*, const char*> rows[] = {
      {"y = Relu(c)", "activation=\"Relu\""},
      {"a = f32[]{-1}\n d = f32[]{0.5}\n y = Clip(c, a, d)", "activation=\"Clip\" activation_params=[-1.0,0.5]"},
      {"a = f32[]{0}\n y = Clip(c, a)", "activation=\"Relu\""},
      {"y = Sigmoid(c)", "activation=\"Sigmoid\""},
      {"y = HardSigmoid(c) alpha=0.25 beta=0.5", "activation=\"HardSigmoid\" activation_params=[0.25,0.5]"},
      {"y = HardSwish(c)", "activation=\"HardSwish\""},
      {"y = Swish(c)", "activation=\"Swish\" activation_params=[1.0]"},
      {"y = LeakyRelu(c) alpha=0.25", "activation=\"LeakyRelu\" activation_params=[0.25]"},
      {"y = Elu(c) alpha=0.25", "activation=\"Elu\" activation_params=[0.25]"},
      {"y = Tanh(c)", "activation=\"Tanh\""},
      {"y = Gelu(c)", "activation=\"Gelu\""},
      {"y = Gelu(c) approximate=\"tanh\"", "activation=\"GeluTanh\""},
      {"y = Mish(c)", "activation=\"Mish\""},
      {"y = Softplus(c)", "activation=\"Softplus\""},
      {"z = f32[1]{0}\n y = Max(z, c)", "activation=\"Relu\""},
      {"z = f32[]{0.25}\n y = Min(c, z)", "activation=\"Clip\" activation_params=[-3.4028234663852886e+38,0.25]"},
      {"s = f32[4,1,1]{0.5 0.5 0.5 0.5}\n y = PRelu(c, s)", "activation=\"LeakyRelu\" activation_params=[0.5]"},
      {"y = com.microsoft.QuickGelu(c) alpha=1.5", "activation=\"Swish\" activation_params=[1.5]"},
  };
  for (const auto& [lines, attrs] : rows) {
    SCOPED_TRACE(lines);
    expect_cpu_pass(fuse_conv_epilogue, conv_then(lines), fused(attrs));
  }
}

TEST(FuseConvEpilogue, Rescales) {
  const std::pair<const char*, const char*> rows[] = {
      {"a = HardSwish(c)\n k = f32[1]{0.5}\n s = Mul(k, a)\n m = f32[]{-0.25}\n y = Add(s, m)", "0.5,-0.25,-inf,inf"},
      {"a = HardSwish(c)\n m = f32[]{-0.4}\n y = Max(a, m)", "1.0,0.0,-0.4000000059604645,inf"},
      {"a = HardSwish(c)\n k = f32[]{2}\n s = Mul(k, a)\n m = f32[]{0.5}\n n = f32[]{1}\n y = Clip(s, m, n)",
       "2.0,0.0,0.5,1.0"},
  };
  for (const auto& [lines, values] : rows) {
    SCOPED_TRACE(lines);
    expect_cpu_pass(fuse_conv_epilogue, conv_then(lines),
                    fused(fmt::format("activation=\"HardSwish\" rescale=[{}]", values)));
  }
  // What comes again, or before, stays.
  expect_cpu_pass(fuse_conv_epilogue, conv_then("a = Relu(c)\n k = f32[]{2}\n s = Add(k, a)\n y = Mul(s, k)"),
                  fused("activation=\"Relu\" rescale=[1.0,2.0,-inf,inf]", "", "k = f32[]{2}\n y = Mul(s, k)", "s"));
  expect_cpu_pass(fuse_conv_epilogue, conv_then("a = Relu(c)\n k = f32[]{2}\n s = Mul(k, a)\n y = Add(s, r)"),
                  fused("activation=\"Relu\" rescale=[2.0,0.0,-inf,inf]", "", "y = Add(s, r)", "s"));
}

TEST(FuseConvEpilogue, Residuals) {
  expect_cpu_pass(fuse_conv_epilogue, conv_then("y = Add(r, c)"), fused("", ", r"));
  expect_cpu_pass(fuse_conv_epilogue, conv_then("s = Add(c, r)\n y = Relu(s)"), fused("activation=\"Relu\"", ", r"));
  expect_cpu_pass(fuse_conv_epilogue, conv_then("s = Sigmoid(c)\n y = Add(s, r)"),
                  fused("activation=\"Sigmoid\" add_after=1", ", r"));
  // The activation after a residual that comes after an activation stays.
  expect_cpu_pass(fuse_conv_epilogue, conv_then("s = Sigmoid(c)\n t = Add(s, r)\n y = Tanh(t)"),
                  fused("activation=\"Sigmoid\" add_after=1", ", r", "y = Tanh(t)", "t"));
}

TEST(FuseConvEpilogue, LeavesAlone) {
  const char* rows[] = {
      "y = Exp(c)",                                                      // no such activation
      "a = Relu(c)\n y = Mul(a, c)",                                     // read twice
      "y = Add(c, c)",                                                   // the same
      "m = f32[4,1,1]{1 2 3 4}\n y = Mul(c, m)",                         // not the business of this pass
      "g = GlobalAveragePool(r)\n y = Add(c, g)",                        // another shape
      "s = f32[4,1,1]{0.5 0.5 0.25 0.5}\n y = PRelu(c, s)",              // slopes differ
      "z = f32[2,1,1,1]{0 0}\n k = Max(c, z)\n y = Neg(k)",              // broadcast to two images
      "h = ReduceMax(r) keepdims=0\n l = f32[]{0}\n y = Clip(c, l, h)",  // a limit that is computed
  };
  for (const char* lines : rows) {
    SCOPED_TRACE(lines);
    const std::string text = conv_then(lines);
    if (std::string_view(lines).starts_with("z = f32[2")) {
      const Graph graph = testing::prepare(text);
      EXPECT_EQ(testing::canonical(after_pass(fuse_conv_epilogue, graph)), testing::canonical(graph));
      continue;
    }
    expect_cpu_pass(fuse_conv_epilogue, text, text);
  }
  const char* output = R"(graph (x f32[1,1,4]) -> (c, y) {
    w = f32[1,1,1]{2}
    c = Conv(x, w)
    y = Relu(c)
  })";
  expect_cpu_pass(fuse_conv_epilogue, output, output);
  const char* doubles = R"(graph (x f64[1,1,4]) -> (y) {
    w = f64[1,1,1]{2}
    c = Conv(x, w)
    y = Relu(c)
  })";
  expect_cpu_pass(fuse_conv_epilogue, doubles, doubles);
}

TEST(FuseConvEpilogue, PaddingBySize) {
  expect_cpu_pass(fuse_conv_epilogue, R"(graph (x f32[1,2,7,W]) -> (y) {
    w = f32[3,2,3,3]{rand:1}
    c = Conv(x, w) auto_pad="SAME_UPPER" strides=[2,1]
    y = Relu(c)
  })",
                  R"(graph (x f32[1,2,7,W]) -> (y) {
    w = f32[3,2,3,3]{rand:1}
    y = anyrt.FusedConv(x, w) pads=[1,1,1,1] strides=[2,1] activation="Relu"
  })");
  const char* unknown = R"(graph (x f32[1,2,H,7]) -> (y) {
    w = f32[3,2,3,3]{rand:1}
    c = Conv(x, w) auto_pad="SAME_UPPER" strides=[2,1]
    y = Relu(c)
  })";
  expect_cpu_pass(fuse_conv_epilogue, unknown, unknown);
}

TEST(SplitFusedConv, GivesBackOperators) {
  const std::string text = fused("activation=\"Mish\" add_after=1", ", r");
  const Graph original = testing::prepare(text);
  Graph graph = original;
  PassSetup setup;
  DevicePassReport report;
  bool covered = false;
  for (NodeId id : graph.order()) covered = covered || has_kernel(graph, id, setup.accuracy);
  graph = after_pass(split_fused_conv, graph, setup, &report);
  EXPECT_EQ(report.changes, covered ? 0u : 1u);
  testing::expect_same_results(original, graph, 1e-5);
}

}  // namespace
}  // namespace anyrt::cpu
