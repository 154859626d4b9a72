#include <cmath>

#include "passes/testing.h"

namespace anyrt {
namespace {

using testing::expect_unchanged;

// As testing::expect_pass, but for constants and nodes that are there twice.
void expect_pass(std::string_view pass, std::string_view before, std::string_view after, double rtol) {
  const Graph original = testing::prepare(before);
  Graph graph = original, wanted = testing::prepare(after);
  size_t changes = 0;
  EXPECT_TRUE(run_pass(pass, graph, {}, &changes).ok());
  EXPECT_GT(changes, 0u);
  testing::expect_same_results(original, graph, rtol);
  for (Graph* g : {&graph, &wanted}) {
    for (const char* tidy : {"eliminate_identity", "merge_initializers", "merge_common", "eliminate_dead_code"})
      EXPECT_TRUE(run_pass(tidy, *g).ok());
  }
  EXPECT_EQ(testing::canonical(graph), testing::canonical(wanted));
}

TEST(FuseAttention, ProductsAndSoftmax) {
  // The scale stands at the scores, at Q, at both sides, or is not there.
  for (const auto& [body, scale] : std::vector<std::pair<std::string, const char*>>{
           {"t = Transpose(k) perm=[0,1,3,2]\n s = MatMul(q, t)\n d = Div(s, four)\n p = Softmax(d) axis=-1", "0.25"},
           {"t = Transpose(k) perm=[0,1,3,2]\n a = Mul(four, q)\n s = MatMul(a, t)\n p = Softmax(s) axis=3", "4.0"},
           {"t = Transpose(k) perm=[0,1,3,2]\n a = Mul(q, half)\n b = Mul(t, half)\n s = MatMul(a, b)\n p = Softmax(s)",
            "0.25"},
           {"t = Transpose(k) perm=[0,1,3,2]\n s = MatMul(q, t)\n p = Softmax(s)", "1.0"}}) {
    expect_pass("fuse_attention",
                fmt::format("graph (q float32[B,3,L,4], k float32[B,3,S,4], v float32[B,3,S,5]) -> (y) {{ four = "
                            "f32[]{{4}}\n half = f32[]{{0.5}}\n {}\n y = MatMul(p, v) }}",
                            body),
                fmt::format("graph (q float32[B,3,L,4], k float32[B,3,S,4], v float32[B,3,S,5]) -> (y) {{ y = "
                            "Attention(q, k, v) scale={} }}",
                            scale),
                1e-5);
  }
}

TEST(FuseAttention, KeysWithHeadsBehind) {
  expect_pass("fuse_attention",
              "graph (q float32[B,3,L,4], k float32[B,S,3,4], v float32[B,3,S,5]) -> (y) { t = Transpose(k) "
              "perm=[0,2,3,1]\n s = MatMul(q, t)\n p = Softmax(s)\n y = MatMul(p, v) }",
              "graph (q float32[B,3,L,4], k float32[B,S,3,4], v float32[B,3,S,5]) -> (y) { t = Transpose(k) "
              "perm=[0,2,1,3]\n y = Attention(q, t, v) scale=1.0 }",
              1e-5);
}

constexpr std::string_view kMasked =
    "graph (q float32[B,3,L,4], k float32[B,3,S,4], v float32[B,3,S,5], m {}) -> (y) {{ four = f32[]{{4}}\n zero = "
    "f32[]{{0}}\n low = f32[]{{-3.4028235e38}}\n lower = f32[]{{-inf}}\n high = f32[]{{-10000}}\n t = Transpose(k) "
    "perm=[0,1,3,2]\n s = MatMul(q, t)\n d = Mul(s, four)\n {}\n p = Softmax(e)\n y = MatMul(p, v) }}";
constexpr std::string_view kFused =
    "graph (q float32[B,3,L,4], k float32[B,3,S,4], v float32[B,3,S,5], m {}) -> (y) {{ zero = f32[]{{0}}\n low = "
    "f32[]{{-3.4028235e38}}\n one = i64[1]{{1}}\n {}\n y = Attention(q, k, v, a) scale=4.0 }}";

TEST(FuseAttention, Masks) {
  const auto check = [](const char* type, const char* before, const char* after) {
    expect_pass("fuse_attention", fmt::format(fmt::runtime(kMasked), type, before),
                fmt::format(fmt::runtime(kFused), type, after), 1e-5);
  };
  check("float32[B,1,1,S]", "e = Add(m, d)", "a = Identity(m)");
  check("float32[L,S]", "e = Add(d, m)", "a = Identity(m)");
  check("bool[B,1,L,S]", "e = Where(m, d, low)", "a = Where(m, zero, low)");
  check("bool[S]", "e = Where(m, low, d)", "a = Where(m, low, zero)");
  // How long the mask is shows only when it runs: then 1 would have stood for every key.
  check("float32[B,1,1,T]", "e = Add(m, d)",
        "n = Shape(k) start=2 end=3\n w = Concat(one, n) axis=0\n a = Expand(m, w)");
}

TEST(FuseAttention, BoolMask) {
  const Graph before = testing::prepare(fmt::format(fmt::runtime(kMasked), "bool[L,S]", "e = Where(m, d, lower)"));
  Graph after = before;
  ASSERT_TRUE(run_pass("fuse_attention", after).ok());
  EXPECT_EQ(testing::canonical(after),
            testing::canonical(testing::prepare(
                "graph (q float32[B,3,L,4], k float32[B,3,S,4], v float32[B,3,S,5], m bool[L,S]) -> (y) { y = "
                "Attention(q, k, v, m) scale=4.0 }")));
  // Rows that hide every key are NaN before and, by the rule of Attention, zero after. With `visible`, all rows see a
  // key.
  for (uint32_t seed = 0; seed < 12; ++seed) {
    const bool visible = seed < 8;
    std::map<std::string, int64_t, std::less<>> sizes;
    std::vector<Value> inputs = testing::random_inputs(before, sizes, seed);
    Tensor& mask = inputs[3].tensor();
    std::fill_n(mask.mutable_data<bool>(), visible ? 0 : mask.size(), false);
    for (int64_t i = 0; visible && i < mask.size(); i += mask.dim(1)) mask.mutable_data<bool>()[i] = true;
    const Expected<std::vector<Value>> want = interpret(before, inputs), got = interpret(after, inputs);
    ASSERT_TRUE(want.ok() && got.ok());
    if (visible) {
      const Comparison c = compare_values((*got)[0], (*want)[0], {1e-5, 1e-5});
      EXPECT_TRUE(c.equal) << c.message;
      continue;
    }
    for (const float y : (*got)[0].tensor().span<float>()) EXPECT_EQ(y, 0);
    for (const float y : (*want)[0].tensor().span<float>()) EXPECT_TRUE(std::isnan(y));
  }
}

TEST(FuseAttention, TwoMasks) {
  expect_pass("fuse_attention",
              "graph (q float32[B,3,L,4], k float32[B,3,S,4], v float32[B,3,S,5], c bool[1,1,L,S], m float32[B,1,1,S]) "
              "-> (y) { low = f32[]{-3.4028235e38}\n t = Transpose(k) perm=[0,1,3,2]\n s = MatMul(q, t)\n w = Where(c, "
              "s, low)\n e = Add(w, m)\n p = Softmax(e)\n y = MatMul(p, v) }",
              "graph (q float32[B,3,L,4], k float32[B,3,S,4], v float32[B,3,S,5], c bool[1,1,L,S], m float32[B,1,1,S]) "
              "-> (y) { low = f32[]{-3.4028235e38}\n zero = f32[]{0}\n w = Where(c, zero, low)\n a = Add(w, m)\n y = "
              "Attention(q, k, v, a) scale=1.0 }",
              1e-5);
}

TEST(FuseAttention, LeavesOthers) {
  const auto unchanged = [](const char* type, const char* body) {
    expect_unchanged("fuse_attention", fmt::format(fmt::runtime(kMasked), type, body));
  };
  unchanged("float32[B,1,1,S]", "w = Add(m, d)\n e = Mul(w, four)");  // a mask that is scaled
  unchanged("bool[L,S]", "e = Where(m, d, high)");                    // rows of hidden keys keep their scores
  unchanged("float32[M,1,1,S]", "e = Add(m, d)");                     // may widen the batch
  unchanged("float32[2,B,3,L,S]", "w = Add(m, d)\n e = Squeeze(w)");  // of another rank
  unchanged("float32[B,3,L,S]", "e = Mul(m, d)");                     // no mask
  expect_unchanged("fuse_attention",
                   "graph (q float32[B,3,L,4], k float32[B,3,S,4], v float32[B,3,S,5]) -> (y, p) { t = Transpose(k) "
                   "perm=[0,1,3,2]\n s = MatMul(q, t)\n p = Softmax(s)\n y = MatMul(p, v) }");
  expect_unchanged("fuse_attention",
                   "graph (q float32[B,3,L,4], k float32[B,3,S,4], v float32[B,3,S,5]) -> (y) { t = Transpose(k) "
                   "perm=[0,1,3,2]\n s = MatMul(q, t)\n p = Softmax(s) axis=2\n y = MatMul(p, v) }");
  expect_unchanged("fuse_attention",
                   "graph (q float32[B,3,L,4], k float32[1,3,S,4], v float32[B,3,S,5]) -> (y) { t = Transpose(k) "
                   "perm=[0,1,3,2]\n s = MatMul(q, t)\n p = Softmax(s)\n y = MatMul(p, v) }");
}

TEST(FuseAttention, SharedHeads) {
  for (const char* repeat : {"i64[5]{1 1 2 1 1}\n r = Tile(u, n)", "i64[5]{1 1 2 1 1}\n r = Expand(u, n)"}) {
    expect_pass("fuse_attention",
                fmt::format("graph (q float32[B,6,L,4], k float32[B,3,S,4], v float32[B,3,S,5]) -> (y) {{ axis = "
                            "i64[1]{{2}}\n u = Unsqueeze(k, axis)\n w = Unsqueeze(v, axis)\n n = {}\n x = {}(w, n)\n "
                            "d = i64[4]{{0 6 -1 4}}\n e = i64[4]{{0 6 -1 5}}\n f = Reshape(r, d)\n g = Reshape(x, e)\n "
                            "t = Transpose(f) perm=[0,1,3,2]\n s = MatMul(q, t)\n p = Softmax(s)\n y = MatMul(p, g) }}",
                            repeat, std::string(repeat).find("Tile") == std::string::npos ? "Expand" : "Tile"),
                "graph (q float32[B,6,L,4], k float32[B,3,S,4], v float32[B,3,S,5]) -> (y) { y = Attention(q, k, v) "
                "scale=1.0 }",
                1e-5);
  }
}

TEST(FuseAttentionCache, TakesThePast) {
  expect_pass("fuse_attention_cache",
              "graph (q float32[B,6,L,4], k float32[B,3,L,4], v float32[B,3,L,5], a float32[B,3,P,4], b "
              "float32[B,3,P,5]) -> (y, c, d) { c = Concat(a, k) axis=2\n d = Concat(b, v) axis=-2\n y = Attention(q, "
              "c, d) scale=0.5 }",
              "graph (q float32[B,6,L,4], k float32[B,3,L,4], v float32[B,3,L,5], a float32[B,3,P,4], b "
              "float32[B,3,P,5]) -> (y, c, d) { y, c, d = Attention(q, k, v, _, a, b) scale=0.5 }",
              0);
  // The cache is read by what the attention is made of.
  expect_unchanged("fuse_attention_cache",
                   "graph (q float32[B,3,L,4], k float32[B,3,L,4], v float32[B,3,L,4], a float32[B,3,P,4], b "
                   "float32[B,3,P,4]) -> (y) { c = Concat(a, k) axis=2\n d = Concat(b, v) axis=2\n x = Neg(c)\n y = "
                   "Attention(x, c, d) }");
  expect_unchanged(
      "fuse_attention_cache",
      "graph (q float32[B,3,L,4], k float32[B,3,L,4], v float32[B,3,S,4], a float32[B,3,P,4]) -> (y) { c = "
      "Concat(a, k) axis=2\n y = Attention(q, c, v) }");
}

TEST(FuseAttentionHeads, SplitAndMerged) {
  expect_pass(
      "fuse_attention_heads",
      "graph (q float32[B,L,12], k float32[B,S,8], v float32[B,S,10], c float32[B,S,2], s float32[B,S,2]) -> (y) { "
      "d = i64[4]{0 0 3 4}\n e = i64[4]{0 -1 2 4}\n f = i64[4]{0 -1 2 5}\n o = i64[3]{0 0 15}\n a = Reshape(q, d)\n b "
      "= "
      "Transpose(a) perm=[0,2,1,3]\n g = Reshape(k, e)\n h = Transpose(g) perm=[0,2,1,3]\n r = RotaryEmbedding(h, c, "
      "s)\n "
      "i = Reshape(v, f)\n j = Transpose(i) perm=[0,2,1,3]\n x = Attention(b, r, j)\n t = "
      "Transpose(x) perm=[0,2,1,3]\n y = Reshape(t, o) }",
      "graph (q float32[B,L,12], k float32[B,S,8], v float32[B,S,10], c float32[B,S,2], s float32[B,S,2]) -> (y) { "
      "r = RotaryEmbedding(k, c, s) num_heads=2\n y = Attention(q, r, v) q_num_heads=3 kv_num_heads=2 }",
      1e-6);
}

TEST(FuseAttentionHeads, OneMatrixForAll) {
  for (const char* body :
       {"i0 = i64[]{0}\n i1 = i64[]{1}\n i2 = i64[]{-1}\n q = Gather(r, i0) axis=0\n k = Gather(r, i1) axis=0\n v = "
        "Gather(r, i2) axis=0",
        "a, b, c = Split(r) axis=0 num_outputs=3\n z = i64[1]{0}\n q = Squeeze(a, z)\n k = Squeeze(b, z)\n v = "
        "Squeeze(c, z)"}) {
    expect_pass("fuse_attention_heads",
                fmt::format("graph (x float32[B,L,24]) -> (y) {{ d = i64[5]{{0 0 3 2 4}}\n o = i64[3]{{0 0 8}}\n m = "
                            "Reshape(x, d)\n r = Transpose(m) perm=[2,0,3,1,4]\n {}\n n = Attention(q, k, v)\n t = "
                            "Transpose(n) perm=[0,2,1,3]\n y = Reshape(t, o) }}",
                            body),
                "graph (x float32[B,L,24]) -> (y) { z = i64[1]{0}\n e = i64[1]{8}\n s = i64[1]{16}\n w = i64[1]{24}\n "
                "two = i64[1]{2}\n q = Slice(x, z, e, two)\n k = Slice(x, e, s, two)\n v = Slice(x, s, w, two)\n y = "
                "Attention(q, k, v) q_num_heads=2 kv_num_heads=2 }",
                1e-6);
  }
}

TEST(FuseAttentionHeads, LeavesOthers) {
  expect_unchanged(
      "fuse_attention_heads",
      "graph (q float32[B,L,12], k float32[B,3,S,4], v float32[B,3,S,4]) -> (y) { d = i64[4]{0 0 3 4}\n o "
      "= i64[3]{0 0 12}\n a = Reshape(q, d)\n b = Transpose(a) perm=[0,2,1,3]\n x = Attention(b, k, v)\n t "
      "= Transpose(x) perm=[0,2,1,3]\n y = Reshape(t, o) }");
}

constexpr std::string_view kRotary =
    "graph (x float32[{0},3,L,4], p float32[{1},L,2]) -> (y) {{ axis = i64[1]{{1}}\n zero = i64[1]{{0}}\n two = "
    "i64[1]{{2}}\n last = i64[1]{{-1}}\n end = i64[1]{{9223372036854775807}}\n f = Concat(p, p) axis=-1\n c0 = "
    "Cos(f)\n "
    "s0 = Sin(f)\n c = Unsqueeze(c0, axis)\n s = Unsqueeze(s0, axis)\n {2}\n n = Neg(b)\n r = Concat(n, a) axis=-1\n g "
    "= "
    "Mul(x, c)\n h = Mul(r, s)\n y = Add({3}) }}";

TEST(FuseRotary, Halves) {
  for (const char* halves :
       {"a = Slice(x, zero, two, last)\n b = Slice(x, two, end, last)", "a, b = Split(x) axis=-1 num_outputs=2"}) {
    for (const char* sum : {"g, h", "h, g"}) {
      expect_pass("fuse_rotary", fmt::format(fmt::runtime(kRotary), "B", "B", halves, sum),
                  "graph (x float32[B,3,L,4], p float32[B,L,2]) -> (y) { axis = i64[1]{1}\n c = Cos(p)\n d = "
                  "Unsqueeze(c, axis)\n e = Squeeze(d, axis)\n s = Sin(p)\n t = Unsqueeze(s, axis)\n u = Squeeze(t, "
                  "axis)\n y = RotaryEmbedding(x, e, u) }",
                  1e-6);
    }
  }
  expect_pass(
      "fuse_rotary", fmt::format(fmt::runtime(kRotary), "B", "1", "a, b = Split(x) axis=-1 num_outputs=2", "g, h"),
      "graph (x float32[B,3,L,4], p float32[1,L,2]) -> (y) { axis = i64[1]{1}\n ones = i64[2]{1 1}\n c = "
      "Cos(p)\n d = Unsqueeze(c, axis)\n e = Squeeze(d, axis)\n n = Shape(x) start=0 end=1\n m = Concat(n, "
      "ones) axis=0\n f = Expand(e, m)\n s = Sin(p)\n t = Unsqueeze(s, axis)\n u = Squeeze(t, axis)\n n2 = "
      "Shape(x) start=0 end=1\n m2 = Concat(n2, ones) axis=0\n g = Expand(u, m2)\n y = RotaryEmbedding(x, f, g) "
      "}",
      1e-6);
}

TEST(FuseRotary, LeavesOthers) {
  expect_unchanged("fuse_rotary",
                   fmt::format(fmt::runtime(kRotary), "B", "B", "b, a = Split(x) axis=-1 num_outputs=2", "g, h"));
  // Cosines whose halves may differ.
  expect_unchanged(
      "fuse_rotary",
      "graph (x float32[B,3,L,4], c float32[B,1,L,4], s float32[B,1,L,4]) -> (y) { a, b = Split(x) axis=-1 "
      "num_outputs=2\n n = Neg(b)\n r = Concat(n, a) axis=-1\n g = Mul(x, c)\n h = Mul(r, s)\n y = Add(g, "
      "h) }");
}

}  // namespace
}  // namespace anyrt
