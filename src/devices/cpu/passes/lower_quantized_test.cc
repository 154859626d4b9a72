#include "devices/cpu/passes/testing.h"

namespace anyrt::cpu {
namespace {

// The same values from the pass's result, to the last bit where the sums are exact.
void expect_lowered(const std::string& text, std::string_view gone, double rtol = 0) {
  SCOPED_TRACE(text);
  const Graph original = testing::prepare(text);
  const Graph graph = after_pass(lower_quantized, original);
  for (const NodeId id : graph.order()) EXPECT_NE(graph.node(id).op, gone);
  testing::expect_same_results(original, graph, rtol);
}

TEST(LowerQuantized, Convolutions) {
  const auto net = [](std::string_view x, std::string_view w, std::string_view more, std::string_view attrs) {
    return fmt::format(R"(graph (x {}) -> (y) {{
      xs = f32[]{{0.02}}
      ys = f32[]{{0.9}}
      {}
      {}
      y = QLinearConv(x, xs, xz, w, ws, wz, ys, yz{}) {}
    }})",
                       x, w, more, more.find("b = ") == std::string_view::npos ? "" : ", b", attrs);
  };
  const std::string zeros = "xz = u8[]{3}\n yz = u8[]{100}";
  expect_lowered(net("u8[2,4,7,9]", "w = i8[6,4,3,3]{rand:1}\n ws = f32[]{0.1}\n wz = i8[]{0}", zeros,
                     "pads=[1,1,1,1] strides=[2,2]"),
                 "QLinearConv");
  expect_lowered(net("u8[1,4,5,5]", "w = u8[4,2,3,3]{rand:1}\n ws = f32[4]{0.1 0.2 0.3 0.1}\n wz = u8[4]{1 2 128 255}",
                     zeros + "\n b = i32[4]{1000 -200 3 0}", "group=2 dilations=[2,2] auto_pad=\"SAME_UPPER\""),
                 "QLinearConv");
  expect_lowered(net("i8[N,3,20]", "w = i8[5,3,4]{rand:1}\n ws = f32[5]{0.1 0.2 0.3 0.1 2}\n wz = i8[]{-3}",
                     "xz = i8[]{-128}\n yz = i8[]{5}\n b = i32[5]{1 2 3 4 5}", ""),
                 "QLinearConv");
  expect_lowered(R"(graph (x u8[1,3,6,6], z u8[]) -> (y) {
      w = i8[4,3,3,3]{rand:1}
      y = ConvInteger(x, w, z) pads=[1,1,1,1]
    })",
                 "ConvInteger");
}

TEST(LowerQuantized, Products) {
  expect_lowered(R"(graph (x u8[2,3,40], z u8[]) -> (y) {
      w = i8[40,5]{rand:1}
      wz = i8[5]{0 1 -1 3 100}
      s = MatMulInteger(x, w, z, wz)
      f = Cast(s) to=1
      y = Relu(f)
    })",
                 "MatMulInteger");
  expect_lowered("graph (x i8[3,40]) -> (y) { w = u8[40,5]{rand:1}\n y = MatMulInteger(x, w) }", "MatMulInteger");
  // The factor meets the sum in f32 here, in double there: a tie may go the other way.
  expect_lowered(R"(graph (x u8[2,3,40]) -> (y) {
      w = i8[40,5]{rand:1}
      wz = i8[]{0}
      ws = f32[5]{0.1 0.2 0.3 0.4 0.5}
      xs = f32[]{0.125}
      xz = u8[]{128}
      ys = f32[]{2}
      yz = u8[]{7}
      y = QLinearMatMul(x, xs, xz, w, ws, wz, ys, yz)
    })",
                 "QLinearMatMul");
}

TEST(LowerQuantized, Pairs) {
  expect_cpu_pass(lower_quantized, R"(graph (x f32[N,8]) -> (y, q) {
      s = f32[]{0.5}
      z = u8[]{3}
      r = Relu(x)
      q = QuantizeLinear(r, s, z)
      d = DequantizeLinear(q, s, z)
      y = Exp(d)
    })",
                  R"(graph (x f32[N,8]) -> (y, q) {
      s = f32[]{0.5}
      z = u8[]{3}
      half = f32[]{0.5}
      low = f32[]{-3}
      high = f32[]{252}
      r = Relu(x)
      v = Div(r, s)
      w = Round(v)
      c = Clip(w, low, high)
      d = Mul(c, half)
      q = QuantizeLinear(r, s, z)
      y = Exp(d)
    })",
                  0);
  for (const char* type : {"i8", "u16", "i16"}) {
    expect_lowered(fmt::format(R"(graph (x f32[N,80]) -> (y, w) {{
      s = f32[]{{0.01}}
      t = f32[1]{{2}}
      z = {}[]{{9}}
      q = QuantizeLinear(x, s, z)
      y = DequantizeLinear(q, t, z)
      w = DequantizeLinear(q, t, z)
    }})",
                               type),
                   "DequantizeLinear");
  }
}

TEST(LowerQuantized, Weights) {
  for (const char* type : {"u8", "i8", "i16", "i32"}) {
    expect_lowered(fmt::format(R"(graph (x f32[2,6]) -> (y) {{
      q = {0}[6,5]{{rand:1}}
      s = f32[5]{{0.1 0.2 0.3 0.4 0.5}}
      z = {0}[5]{{0 1 2 3 4}}
      w = DequantizeLinear(q, s, z) axis=1
      y = MatMul(x, w)
    }})",
                               type),
                   "DequantizeLinear");
  }
}

TEST(LowerQuantized, LeftAlone) {
  for (const char* lines :
       {"q = QuantizeLinear(x, s, z)\n y = DequantizeLinear(q, s, other)", "y = QuantizeLinear(x, s, z)",
        "q = QuantizeLinear(x, list, zeros) axis=1\n y = DequantizeLinear(q, list, zeros) axis=1",
        "q = QuantizeLinear(x, given, z)\n y = DequantizeLinear(q, given, z)"}) {
    const std::string text = fmt::format(R"(graph (x f32[N,2], given f32[]) -> (y) {{
      s = f32[]{{0.5}}
      z = u8[]{{3}}
      other = u8[]{{4}}
      list = f32[2]{{1 2}}
      zeros = u8[2]{{1 2}}
      {}
    }})",
                                         lines);
    SCOPED_TRACE(text);
    const Graph original = testing::prepare(text);
    EXPECT_EQ(
        testing::canonical(after_pass(lower_quantized, original)),
        testing::canonical(after_pass([](Graph&, const PassSetup&, DevicePassReport&) { return Status(); }, original)));
  }
}

TEST(LowerQuantized, StrictKeepsSumsThatF32CannotHold) {
  const auto nodes = [](int64_t depth) {
    PassSetup setup;
    setup.accuracy = Accuracy::kStrict;
    const Graph graph =
        after_pass(lower_quantized,
                   testing::prepare(fmt::format(
                       "graph (x u8[1,{0}]) -> (y) {{ w = i8[{0},2]{{rand:1}}\n xz = u8[]{{0}}\n z = i8[]{{-128}}\n "
                       "y = MatMulInteger(x, w, xz, z) }}",
                       depth)),
                   setup);
    return graph.node(graph.first_node()).op;
  };
  EXPECT_NE(nodes(100), "MatMulInteger");
  EXPECT_EQ(nodes(5000), "MatMulInteger");
}

}  // namespace
}  // namespace anyrt::cpu
