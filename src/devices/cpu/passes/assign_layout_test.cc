#include "devices/cpu/passes/testing.h"

namespace anyrt::cpu {
namespace {

PassSetup blocks_of_4() {
  PassSetup setup;
  setup.block = 4;
  return setup;
}

size_t count(const Graph& graph, std::string_view op) {
  size_t n = 0;
  for (const NodeId id : graph.order()) n += graph.node(id).op == op ? 1 : 0;
  return n;
}

// A convolution with result `c` of `channels` channels, and `lines` that make `y` of it.
std::string conv_then(int channels, std::string_view lines) {
  return fmt::format(R"(graph (x f32[N,8,6,5], p f32[N,{0},6,5], q f32[N,{0},1,1], s f32[N,1,6,5]) -> (y) {{
    w = f32[{0},8,3,3]{{rand:1}}
    b = f32[{0}]{{rand:2}}
    c = Conv(x, w, b) kernel_shape=[3,3] pads=[1,1,1,1]
    {1}
  }})",
                     channels, lines);
}

// Runs the pass; the results must stay. Everything behind the convolution is in blocks, or nothing is.
void expect_layout(const std::string& text, bool follows) {
  SCOPED_TRACE(text);
  const Graph before = testing::prepare(text);
  const Graph after = after_pass(assign_layout, before, blocks_of_4());
  testing::expect_same_results(before, after, 1e-5);
  EXPECT_EQ(count(after, "Conv"), 0u);
  for (const NodeId id : after.order()) {
    if (after.node(id).op != "UnblockChannels") continue;
    EXPECT_EQ(after.is_output(after.node(id).outputs[0]), follows);
  }
}

TEST(AssignLayout, Followers) {
  for (const char* lines : {
           "y = Relu(c)",
           "y = HardSwish(c)",
           "y = com.microsoft.QuickGelu(c)",
           "a = f32[]{-1}\n d = f32[]{0.5}\n y = Clip(c, a, d)",
           "y = Add(c, p)",
           "y = Sub(p, c)",
           "y = Mul(c, q)",
           "y = Mul(s, c)",
           "n = f32[1]{2}\n y = Div(c, n)",
           "n = f32[]{2}\n y = Mul(n, c)",
           "n = f32[]{-0.25}\n y = Max(n, c)",
           "n = f32[]{0.25}\n y = Min(c, n)",
           "y = MaxPool(c) kernel_shape=[3,3] pads=[1,1,1,1] strides=[2,2]",
           "y = MaxPool(c) kernel_shape=[2,2] auto_pad=\"SAME_UPPER\"",
           "y = AveragePool(c) kernel_shape=[3,2] count_include_pad=1 pads=[1,0,1,0]",
           "y = GlobalAveragePool(c)",
           "y = GlobalMaxPool(c)",
           "a = i64[2]{2 3}\n y = ReduceMean(c, a)",
           "a = i64[2]{-1 -2}\n y = ReduceMax(c, a)",
           "k = f32[4]{1 1 2 2}\n y = Resize(c, _, k) mode=\"nearest\" coordinate_transformation_mode=\"asymmetric\"",
           "k = f32[4]{1 1 2 1.5}\n y = Resize(c, _, k) mode=\"linear\"",
           "y = Concat(c, c) axis=2",
       }) {
    expect_layout(conv_then(8, lines), true);
    expect_layout(conv_then(6, lines), true);
  }
  // Where lanes without a channel would not stay zero, only full blocks go on.
  for (const char* lines : {
           "y = Sigmoid(c)",
           "n = f32[]{2}\n y = Add(c, n)",
           "y = Div(c, p)",
           "y = Add(c, s)",
           "a = f32[]{1}\n y = Clip(c, a)",
           "y = Concat(c, c) axis=1",
           "y, z = Split(c) axis=1 num_outputs=2",
       }) {
    expect_layout(conv_then(8, lines), true);
    expect_layout(conv_then(6, lines), false);
  }
  for (const char* lines : {
           "y = Transpose(c) perm=[0,3,2,1]",
           "a = i64[1]{1}\n y = ReduceMean(c, a)",
           "y = Softmax(c) axis=1",
           "y = Flatten(c)",
           "k = f32[4]{1 2 2 2}\n y = Resize(c, _, k) mode=\"nearest\"",
           "y = ArgMax(c) axis=1",
       })
    expect_layout(conv_then(8, lines), false);
}

TEST(AssignLayout, Convolutions) {
  const auto net = [](std::string_view x, std::string_view w, std::string_view attrs) {
    return testing::prepare(
        fmt::format("graph (x f32[{}]) -> (y) {{ w = f32[{}]{{rand:1}}\n y = Conv(x, w) {} }}", x, w, attrs));
  };
  struct Row {
    const char *x, *w, *attrs;
    size_t blocked, reads_plain;
  };
  for (const Row& r : {Row{"2,3,9,9", "8,3,3,3", "strides=[2,2]", 1, 1}, Row{"2,16,9,9", "8,16,3,3", "", 1, 0},
                       Row{"2,8,9", "12,8,3", "pads=[1,1]", 1, 0}, Row{"2,8,5,6,7", "12,8,3,3,3", "", 1, 0},
                       Row{"2,10,9,9", "10,1,3,3", "group=10", 1, 0}, Row{"2,16,9,9", "8,8,3,3", "group=2", 1, 0},
                       Row{"2,12,9,9", "9,4,3,3", "group=3", 0, 0}, Row{"2,16,9,9", "2,16,3,3", "", 0, 0}}) {
    SCOPED_TRACE(r.w);
    const Graph before = net(r.x, r.w, r.attrs);
    const Graph after = after_pass(assign_layout, before, blocks_of_4());
    testing::expect_same_results(before, after, 1e-5);
    EXPECT_EQ(count(after, "FusedConv"), r.blocked);
    EXPECT_EQ(count(after, "BlockChannels"), r.blocked - r.reads_plain);
  }
}

TEST(AssignLayout, TransposedConvolutions) {
  for (const char* net : {
           "6,5,2,2}kernel_shape=[2,2] strides=[2,2]",
           "6,5,4,4}kernel_shape=[4,4] strides=[2,2] pads=[1,1,1,1]",
           "6,5,3,3}kernel_shape=[3,3] strides=[2,2] pads=[1,1,1,1] output_padding=[1,1]",
           "6,8,3,3}kernel_shape=[3,3] strides=[2,2]",
           "6,8,3,3}kernel_shape=[3,3]",
           "6,8,3,2}kernel_shape=[3,2] pads=[1,0,0,1] strides=[1,3]",
           "6,5,3,3}kernel_shape=[3,3] dilations=[2,1] strides=[2,2] pads=[0,1,2,0]",
           "6,5,2,5}kernel_shape=[2,5] strides=[3,2] pads=[0,2,1,1]",
       }) {
    const std::string text = net;
    const size_t cut = text.find('}');
    for (const char* rest : {"y = Relu(t)", "y = Transpose(t)"}) {
      const Graph before = testing::prepare(
          fmt::format("graph (x f32[2,6,7,9]) -> (y) {{ w = f32[{}]{{rand:1}}\n b = f32[{}]{{rand:2}}\n"
                      " t = ConvTranspose(x, w, b) {}\n {} }}",
                      text.substr(0, cut), text[2], text.substr(cut + 1), rest));
      SCOPED_TRACE(text);
      const Graph after = after_pass(assign_layout, before, blocks_of_4());
      testing::expect_same_results(before, after, 1e-5);
      EXPECT_EQ(count(after, "ConvTranspose"), 0u);
    }
  }
}

TEST(AssignLayout, ResidualsStayInBlocks) {
  const Graph before = testing::prepare(R"(graph (x f32[1,3,8,8]) -> (y) {
    w = f32[8,3,3,3]{rand:1}
    v = f32[8,8,1,1]{rand:2}
    a = Conv(x, w) pads=[1,1,1,1]
    b = anyrt.FusedConv(a, v, _, a) activation="Relu"
    c = Conv(b, v)
    d = Add(c, a)
    y = Relu(d)
  })");
  const Graph after = after_pass(assign_layout, before, blocks_of_4());
  testing::expect_same_results(before, after, 1e-5);
  EXPECT_EQ(count(after, "UnblockChannels"), 1u);
  EXPECT_EQ(count(after, "BlockChannels"), 0u);
}

TEST(AssignLayout, ChannelsLast) {
  const Graph before = testing::prepare(R"(graph (x f32[2,9,7,6]) -> (y) {
    w = f32[8,6,3,3]{rand:1}
    t = Transpose(x) perm=[0,3,1,2]
    c = Conv(t, w) pads=[1,1,1,1]
    y = Transpose(c) perm=[0,2,3,1]
  })");
  const Graph after = after_pass(assign_layout, before, blocks_of_4());
  testing::expect_same_results(before, after, 1e-5);
  EXPECT_EQ(count(after, "Transpose"), 0u);
}

TEST(AssignLayout, NothingWithoutVectors) {
  PassSetup setup;
  setup.block = 1;
  const Graph before = testing::prepare(conv_then(8, "y = Relu(c)"));
  EXPECT_EQ(testing::canonical(after_pass(assign_layout, before, setup)), testing::canonical(before));
}

}  // namespace
}  // namespace anyrt::cpu
