#include "devices/cpu/passes/testing.h"

namespace anyrt::cpu {
namespace {

std::string product_then(std::string_view product, std::string_view lines) {
  return fmt::format(R"(graph (x f32[N,3,6], r f32[N,3,5]) -> (y) {{
    w = f32[6,5]{{rand:1}}
    b = f32[5]{{rand:2}}
    {}
    {}
  }})",
                     product, lines);
}

TEST(FuseMatmulEpilogue, Forms) {
  const std::pair<const char*, const char*> rows[] = {
      {"a = Add(m, b)\n y = Relu(a)", "y = anyrt.FusedMatMul(x, w, b) activation=\"Relu\""},
      {"y = Add(b, m)", "y = anyrt.FusedMatMul(x, w, b)"},
      {"a = Add(m, b)\n y = Gelu(a)", "y = anyrt.FusedMatMul(x, w, b) activation=\"Gelu\""},
      {"a = Add(m, b)\n y = Add(a, r)", "y = anyrt.FusedMatMul(x, w, b, r)"},
      {"a = Add(m, b)\n g = Swish(a)\n y = Add(r, g)",
       "y = anyrt.FusedMatMul(x, w, b, r) activation=\"Swish\" activation_params=[1.0] add_after=1"},
      {"y = Add(m, r)", "y = anyrt.FusedMatMul(x, w, _, r)"},
      {"y = Tanh(m)", "y = anyrt.FusedMatMul(x, w) activation=\"Tanh\""},
  };
  for (const auto& [lines, fused] : rows) {
    SCOPED_TRACE(lines);
    expect_cpu_pass(fuse_matmul_epilogue, product_then("m = MatMul(x, w)", lines), product_then("", fused));
  }
}

TEST(FuseMatmulEpilogue, LeftAlone) {
  for (const char* lines : {"y = Softmax(m)", "c = f32[3,1]{1 2 3}\n y = Add(m, c)", "a = Relu(m)\n y = Mul(a, m)",
                            "y = Identity(m)", "y = Add(m, m)"}) {
    SCOPED_TRACE(lines);
    const std::string text = product_then("m = MatMul(x, w)", lines);
    expect_cpu_pass(fuse_matmul_epilogue, text, text);
  }
}

TEST(FuseMatmulEpilogue, Gemm) {
  const auto net = [](std::string_view lines) {
    return fmt::format("graph (x f32[N,6]) -> (y) {{ w = f32[5,6]{{rand:1}}\n b = f32[5]{{rand:2}}\n {} }}", lines);
  };
  expect_cpu_pass(fuse_matmul_epilogue, net("g = Gemm(x, w, b) transB=1 alpha=0.5\n y = Relu(g)"),
                  net("y = anyrt.FusedMatMul(x, w, b) transB=1 alpha=0.5 activation=\"Relu\""));
  expect_cpu_pass(fuse_matmul_epilogue, net("g = Gemm(x, w) transB=1\n y = Add(g, b)"),
                  net("y = anyrt.FusedMatMul(x, w, b) transB=1"));
  const std::string scaled = net("g = Gemm(x, w, b) transB=1 beta=0.5\n y = Relu(g)");
  expect_cpu_pass(fuse_matmul_epilogue, scaled, scaled);
}

}  // namespace
}  // namespace anyrt::cpu
