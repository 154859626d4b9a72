#include <random>

#include "devices/cpu/kernel_testing.h"

namespace anyrt::cpu {
namespace {

struct Sizes {
  int64_t batch, heads, kv_heads, queries, keys, head, v_head, past;
};

std::string tensor(const char* dtype, const std::vector<int64_t>& dims, int seed) {
  std::string s;
  for (const int64_t d : dims) s += (s.empty() ? "" : ",") + std::to_string(d);
  return fmt::format("{}[{}]{{rand:{}}}", dtype, s, seed);
}

// Q, K, V, mask, past_key, past_value; in the 3-D form where `flat`.
std::string line(const Sizes& n, const std::string& attrs, const std::string& mask, const char* dtype, bool flat,
                 int seed) {
  const auto heads = [&](int64_t count, int64_t rows, int64_t size, int s) {
    return flat ? tensor(dtype, {n.batch, rows, count * size}, s) : tensor(dtype, {n.batch, count, rows, size}, s);
  };
  std::string text = attrs;
  if (flat) text += fmt::format(" q_num_heads={} kv_num_heads={}", n.heads, n.kv_heads);
  text += fmt::format(" : {}, {}, {}", heads(n.heads, n.queries, n.head, seed),
                      heads(n.kv_heads, n.keys, n.head, seed + 1), heads(n.kv_heads, n.keys, n.v_head, seed + 2));
  if (!mask.empty() || n.past > 0) text += ", " + (mask.empty() ? "_" : mask);
  if (n.past > 0) {
    text += ", " + tensor(dtype, {n.batch, n.kv_heads, n.past, n.head}, seed + 3) + ", " +
            tensor(dtype, {n.batch, n.kv_heads, n.past, n.v_head}, seed + 4);
  }
  text += " -> ?";
  if (n.past > 0 && seed % 2 == 0) text += ", ?, ?";
  return text;
}

TEST(Attention, Forms) {
  const Sizes sizes[] = {{1, 1, 1, 1, 1, 4, 4, 0},     {2, 3, 3, 7, 9, 8, 5, 0},     {1, 4, 2, 33, 140, 16, 20, 0},
                         {2, 4, 1, 1, 50, 64, 64, 30}, {1, 2, 2, 130, 129, 7, 3, 0}, {1, 8, 2, 5, 5, 12, 12, 200},
                         {1, 2, 1, 2, 2, 8, 200, 5},   {2, 2, 2, 40, 0, 4, 4, 17},   {1, 6, 6, 64, 64, 32, 32, 0}};
  on_every_isa([&] {
    int seed = 0;
    for (const Sizes& n : sizes) {
      const int64_t all = n.keys + n.past;
      const std::string masks[] = {"",
                                   tensor("f32", {n.queries, all}, 91),
                                   tensor("f32", {n.batch, 1, 1, all}, 92),
                                   tensor("bool", {n.batch, n.heads, n.queries, all}, 93),
                                   tensor("f32", {1, n.heads, n.queries, std::max<int64_t>(1, all - 3)}, 94),
                                   tensor("f32", {all}, 95)};
      for (const std::string& mask : masks) {
        for (const char* attrs : {"", "is_causal=1", "softcap=2.0 scale=0.3"}) {
          // A bool mask may hide all keys of a query, which gives NaN both here and there.
          EXPECT_TRUE(check_kernel(
              {.op = "Attention", .kernel = "attention", .tolerance = {1e-4, 2e-6}, .scale_tolerance = 2e-6},
              line(n, attrs, mask, "f32", seed % 2 == 0, seed)));
          ++seed;
        }
      }
    }
  });
}

TEST(Attention, Narrow) {
  on_every_isa([] {
    const Sizes n{2, 4, 2, 10, 12, 16, 8, 3};
    for (const char* dtype : {"f16", "bf16"}) {
      for (const std::string& mask : {std::string(), tensor(dtype, {10, 15}, 5)}) {
        EXPECT_TRUE(check_kernel({.op = "Attention", .scale_tolerance = *dtype == 'f' ? 2e-3 : 2e-2},
                                 line(n, "is_causal=1", mask, dtype, true, 2)));
      }
    }
  });
}

TEST(Attention, Lengths) {
  on_every_isa([] {
    EXPECT_TRUE(check_kernel({.op = "Attention", .scale_tolerance = 2e-6},
                             ": f32[3,2,9,8]{rand:1}, f32[3,2,20,8]{rand:2}, f32[3,2,20,8]{rand:3}, _, _, _, i64[3]{1 "
                             "13 20} -> ?"));
  });
}

TEST(Attention, Infinite) {
  on_every_isa([] {
    EXPECT_TRUE(check_kernel({.op = "Attention"},
                             ": f32[1,1,2,2]{1 0 inf 1}, f32[1,1,3,2]{1 2 3 4 5 6}, f32[1,1,3,1]{1 2 3} -> ?"));
    EXPECT_TRUE(check_kernel({.op = "Attention"},
                             ": f32[1,1,2,2]{1 0 2 1}, f32[1,1,3,2]{1 2 3 4 5 6}, f32[1,1,3,1]{1 2 3}, f32[2,3]{-inf "
                             "-inf 0 -inf -inf -inf} -> ?"));
  });
}

}  // namespace
}  // namespace anyrt::cpu
