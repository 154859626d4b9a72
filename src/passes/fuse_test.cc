#include "passes/testing.h"

namespace anyrt {
namespace {

using testing::expect_pass;
using testing::expect_same_results;
using testing::expect_unchanged;
using testing::prepare;

// Weights change, so that only the operators and the results can be compared.
void expect_ops(std::string_view pass, std::string_view text, const std::vector<std::string>& ops, double rtol) {
  const Graph before = prepare(text);
  Graph after = before;
  const Status status = run_pass(pass, after);
  ASSERT_TRUE(status.ok()) << status.message();
  std::vector<std::string> found;
  for (NodeId id : after.order()) found.push_back(after.node(id).op);
  EXPECT_EQ(found, ops) << text;
  expect_same_results(before, after, rtol);
}

constexpr std::string_view kStatistics = R"(
    gamma = f32[4]{0.5 1 -2 3}
    beta = f32[4]{1 0 -1 0.25}
    mean = f32[4]{rand:3}
    var = f32[4]{0.25 1 4 0.01}
)";

TEST(FuseConvBatchNorm, ConvAndConvTranspose) {
  for (std::string_view conv : {"w = f32[4,2,3,3]{rand:1}\n c = Conv(x, w) pads=[1, 1, 1, 1]",
                                "w = f32[4,2,3,3]{rand:1}\n b = f32[4]{rand:2}\n c = Conv(x, w, b)",
                                "w = f32[4,1,3,3]{rand:1}\n c = Conv(x, w) group=2",
                                "w = f32[2,4,3,3]{rand:1}\n b = f32[4]{rand:2}\n c = ConvTranspose(x, w, b)",
                                "w = f32[2,2,3,3]{rand:1}\n c = ConvTranspose(x, w) group=2"}) {
    expect_ops(
        "fuse_conv_batchnorm",
        fmt::format("graph (x float32[N,2,5,5]) -> (y) {{ {}\n {} y = BatchNormalization(c, gamma, beta, mean, var) }}",
                    conv, kStatistics),
        {conv.find("ConvT") == std::string_view::npos ? "Conv" : "ConvTranspose"}, 1e-4);
  }
}

TEST(FuseConvBatchNorm, LeavesOthers) {
  expect_unchanged(
      "fuse_conv_batchnorm",
      fmt::format("graph (x float32[1,2,5,5]) -> (y, z) {{ w = f32[4,2,3,3]{{rand:1}}\n c = Conv(x, w)\n {} y = "
                  "BatchNormalization(c, gamma, beta, mean, var)\n z = Neg(c) }}",
                  kStatistics));
  expect_unchanged("fuse_conv_batchnorm",
                   fmt::format("graph (x float32[1,2,5,5], w float32[4,2,3,3]) -> (y) {{ c = Conv(x, w)\n {} y = "
                               "BatchNormalization(c, gamma, beta, mean, var) }}",
                               kStatistics));
}

TEST(FuseConvArithmetic, EveryOperator) {
  for (std::string_view op : {"Add(c, k)", "Add(k, c)", "Mul(c, k)", "Sub(c, k)", "Sub(k, c)", "Div(c, k)"}) {
    for (std::string_view constant : {"f32[]{3}", "f32[4,1,1]{1 2 3 4}", "f32[1,4,1,1]{1 -2 3 4}", "f32[1]{0.5}"}) {
      expect_ops(
          "fuse_conv_arithmetic",
          fmt::format("graph (x float32[N,2,5,5]) -> (y) {{ w = f32[4,2,3,3]{{rand:1}}\n b = f32[4]{{rand:2}}\n c = "
                      "Conv(x, w, b)\n k = {}\n y = {} }}",
                      constant, op),
          {"Conv"}, 1e-4);
    }
  }
}

TEST(FuseConvArithmetic, UnknownSizes) {
  expect_pass(
      "fuse_conv_arithmetic",
      "graph (x float32[?,1,?]) -> (y) { w = f32[1,1,1]{2}\n c = Conv(x, w)\n k = f32[1,1,1]{3}\n y = Add(c, k) }",
      "graph (x float32[?,1,?]) -> (y) { w = f32[1,1,1]{2}\n b = f32[1]{3}\n y = Conv(x, w, b) }", 1e-6);
}

TEST(FuseConvArithmetic, LeavesOthers) {
  for (std::string_view rest : {"k = f32[5]{rand:1}\n y = Add(c, k)", "k = f32[2,1,1,1]{1 2}\n y = Add(c, k)",
                                "k = f32[1,1,1,1,1]{2}\n y = Mul(c, k)", "k = f32[]{2}\n y = Div(k, c)",
                                "k = f32[4,1,1]{1 0 1 1}\n y = Div(c, k)", "k = f32[4,5,5]{rand:1}\n y = Add(c, k)"}) {
    expect_unchanged(
        "fuse_conv_arithmetic",
        fmt::format("graph (x float32[1,2,7,7]) -> (y) {{ w = f32[4,2,3,3]{{rand:1}}\n c = Conv(x, w)\n {} }}", rest));
  }
}

TEST(FuseMatMulAdd, MatricesOnly) {
  for (std::string_view bias : {"f32[4]{rand:2}", "f32[1,4]{rand:2}", "f32[1,1]{5}", "f32[]{5}"}) {
    expect_pass(
        "fuse_matmul_add",
        fmt::format(
            "graph (x float32[N,3]) -> (y) {{ w = f32[3,4]{{rand:1}}\n b = {}\n p = MatMul(x, w)\n y = Add(b, p) }}",
            bias),
        fmt::format("graph (x float32[N,3]) -> (y) {{ w = f32[3,4]{{rand:1}}\n b = {}\n y = Gemm(x, w, b) }}", bias),
        1e-6);
  }
  expect_pass("fuse_matmul_add",
              "graph (x float32[2,3], w float32[3,4], b float32[2,4]) -> (y) { p = MatMul(x, w)\n y = Add(p, b) }",
              "graph (x float32[2,3], w float32[3,4], b float32[2,4]) -> (y) { y = Gemm(x, w, b) }", 1e-6);
  for (const char* text :
       {"graph (x float32[2,2,3], w float32[3,4], b float32[4]) -> (y) { p = MatMul(x, w)\n y = Add(p, b) }",
        "graph (x float32[1,3], w float32[3,4], b float32[2,4]) -> (y) { p = MatMul(x, w)\n y = Add(p, b) }",
        "graph (x float32[2,3], w float32[3,4], b float32[1,2,4]) -> (y) { p = MatMul(x, w)\n y = Add(p, b) }",
        "graph (x float32[2,3], w float32[3,4], b float32[4]) -> (y, p) { p = MatMul(x, w)\n y = Add(p, b) }"}) {
    expect_unchanged("fuse_matmul_add", text);
  }
}

}  // namespace
}  // namespace anyrt
