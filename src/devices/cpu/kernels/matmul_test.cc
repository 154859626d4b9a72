#include <random>

#include "devices/cpu/kernel_testing.h"

namespace anyrt::cpu {
namespace {

std::string dims_text(const std::vector<int64_t>& dims) {
  std::string s;
  for (const int64_t d : dims) s += (s.empty() ? "" : ",") + std::to_string(d);
  return s;
}

std::string input(const char* dtype, const std::vector<int64_t>& dims, int seed) {
  return fmt::format("{}[{}]{{rand:{}}}", dtype, dims_text(dims), seed);
}

double bound(const std::string& dtype) { return dtype == "f16" ? 2e-3 : dtype == "bf16" ? 1.6e-2 : 3e-6; }

int64_t pick(std::mt19937& random, std::initializer_list<int64_t> values) {
  return *(values.begin() + std::uniform_int_distribution<size_t>(0, values.size() - 1)(random));
}

TEST(MatMul, Shapes) {
  on_every_isa([] {
    std::mt19937 random(1);
    for (int i = 0; i < 40; ++i) {
      const int64_t m = pick(random, {1, 1, 2, 3, 4, 5, 7, 14, 15, 33, 100}),
                    n = pick(random, {1, 2, 4, 5, 8, 15, 16, 17, 31, 32, 33, 64, 100, 257}),
                    k = pick(random, {1, 2, 3, 7, 16, 33, 100, 256, 257, 600});
      const char* dtype = i % 8 == 5 ? "f64" : i % 8 == 6 ? "f16" : i % 8 == 7 ? "bf16" : "f32";
      const auto a = input(dtype, {m, k}, 2 * i), b = input(dtype, {k, n}, 2 * i + 1);
      for (uint32_t constants : {0u, 2u}) {
        EXPECT_TRUE(
            check_kernel({.op = "MatMul", .kernel = "gemm", .constants = constants, .scale_tolerance = bound(dtype)},
                         fmt::format(": {}, {} -> ?", a, b)));
      }
    }
  });
}

TEST(MatMul, Stacks) {
  const std::pair<std::vector<int64_t>, std::vector<int64_t>> shapes[] = {{{5}, {5}},
                                                                          {{5}, {5, 7}},
                                                                          {{3, 5}, {5}},
                                                                          {{2, 3, 5}, {5, 7}},
                                                                          {{2, 3, 5}, {5}},
                                                                          {{2, 3, 5}, {2, 5, 7}},
                                                                          {{2, 1, 3, 5}, {4, 5, 7}},
                                                                          {{5}, {3, 5, 7}},
                                                                          {{3, 5}, {6, 5, 7}},
                                                                          {{0, 3, 5}, {5, 7}},
                                                                          {{2, 3, 0}, {0, 7}},
                                                                          {{2, 0, 5}, {5, 7}},
                                                                          {{2, 3, 5}, {5, 0}},
                                                                          {{0}, {0}},
                                                                          {{40, 30, 20}, {40, 20, 50}},
                                                                          {{3, 1, 9, 64}, {1, 5, 64, 33}},
                                                                          {{1, 4, 9, 70}, {1, 1, 70, 40}}};
  on_every_isa([&] {
    for (const auto& [a, b] : shapes) {
      for (uint32_t constants : {0u, 2u}) {
        for (const char* dtype : {"f32", "bf16"}) {
          EXPECT_TRUE(check_kernel({.op = "MatMul", .constants = constants, .scale_tolerance = bound(dtype)},
                                   fmt::format(": {}, {} -> ?", input(dtype, a, 1), input(dtype, b, 2))));
        }
      }
    }
  });
}

// Enough work for several pieces of rows and of columns, and for copies of A.
TEST(MatMul, Large) {
  on_every_isa([] {
    for (uint32_t constants : {0u, 2u}) {
      EXPECT_TRUE(check_kernel({.op = "MatMul", .constants = constants, .scale_tolerance = 3e-6},
                               ": f32[300,512]{rand:1}, f32[512,520]{rand:2} -> ?"));
      EXPECT_TRUE(check_kernel({.op = "MatMul", .constants = constants, .scale_tolerance = 3e-6},
                               ": f32[1,1000]{rand:1}, f32[1000,2000]{rand:2} -> ?"));
      EXPECT_TRUE(check_kernel({.op = "Gemm", .constants = constants, .scale_tolerance = 3e-6},
                               "transA=1 transB=1 : f32[300,270]{rand:1}, f32[400,300]{rand:2} -> ?"));
    }
  });
}

TEST(Gemm, Forms) {
  on_every_isa([] {
    int seed = 0;
    for (const char* attrs : {"", "transA=1", "transB=1", "transA=1 transB=1 alpha=0.5 beta=2.0"}) {
      for (const auto& [m, n] : std::vector<std::pair<int64_t, int64_t>>{{1, 1}, {5, 3}, {17, 40}, {3, 33}, {33, 4}}) {
        const std::string at(attrs);
        const int64_t k = 19;
        const bool ta = at.find("transA") != std::string::npos, tb = at.find("transB") != std::string::npos;
        const std::vector<int64_t> a = ta ? std::vector{k, m} : std::vector{m, k},
                                   b = tb ? std::vector{n, k} : std::vector{k, n};
        for (const auto& c : std::vector<std::vector<int64_t>>{{}, {1}, {n}, {1, n}, {m, 1}, {m, n}}) {
          const char* dtype = seed % 5 == 4 ? "f16" : seed % 5 == 3 ? "f64" : "f32";
          const std::string line = fmt::format("{} : {}, {}, {} -> ?", attrs, input(dtype, a, seed),
                                               input(dtype, b, seed + 1), input(dtype, c, seed + 2));
          for (uint32_t constants : {0u, 2u}) {
            EXPECT_TRUE(check_kernel({.op = "Gemm", .constants = constants, .scale_tolerance = bound(dtype)}, line));
          }
          ++seed;
        }
      }
    }
    EXPECT_TRUE(check_kernel({.op = "Gemm"}, ": f32[3,0]{}, f32[0,2]{}, f32[2]{1 2} -> ?"));
  });
}

TEST(FusedMatMul, Epilogues) {
  on_every_isa([] {
    const char* lines[] = {
        "activation=\"Relu\" : f32[20,30]{rand:1}, f32[30,45]{rand:2}, f32[45]{rand:3} -> ?",
        "activation=\"Gelu\" : f32[3,20,30]{rand:1}, f32[30,45]{rand:2}, f32[45]{rand:3}, f32[3,20,45]{rand:4} -> ?",
        "activation=\"Gelu\" add_after=1 : f32[3,20,30]{rand:1}, f32[30,45]{rand:2}, f32[45]{rand:3}, "
        "f32[3,20,45]{rand:4} "
        "-> ?",
        "alpha=0.5 transB=1 : f32[2,3,20,30]{rand:1}, f32[2,3,45,30]{rand:2}, f32[2,1,1,45]{rand:3} -> ?",
        "alpha=0.5 transA=1 : f32[3,30,20]{rand:1}, f32[30,45]{rand:2}, f32[3,20,1]{rand:3} -> ?",
        ("activation=\"Clip\" activation_params=[-0.5,0.5] : f32[2,3,30]{rand:1}, f32[30,5]{rand:2}, "
         "f32[2,3,5]{rand:3} "
         "-> ?"),
        "activation=\"Swish\" : f32[1,30]{rand:1}, f32[30,77]{rand:2}, f32[77]{rand:3}, f32[1,77]{rand:4} -> ?",
        "activation=\"Sigmoid\" : f16[2,3,30]{rand:1}, f16[30,5]{rand:2}, f16[5]{rand:3}, f16[2,3,5]{rand:4} -> ?",
        "activation=\"Tanh\" : f64[2,3,30]{rand:1}, f64[30,5]{rand:2}, f64[5]{rand:3}, f64[2,3,5]{rand:4} -> ?",
        "activation=\"Relu\" : f32[2,3,30]{rand:1}, f32[30]{rand:2}, f32[3]{rand:3} -> ?",
        "activation=\"Relu\" : f32[30]{rand:1}, f32[2,30,5]{rand:2}, f32[2,1]{rand:3} -> ?",
    };
    for (const char* line : lines) {
      for (uint32_t constants : {0u, 2u}) {
        EXPECT_TRUE(check_kernel({.domain = "anyrt",
                                  .op = "FusedMatMul",
                                  .kernel = "gemm_fused",
                                  .constants = constants,
                                  .tolerance = {1e-5, 2e-6},
                                  .scale_tolerance = std::string(line).find("f16") != std::string::npos ? 2e-3 : 3e-6},
                                 line));
      }
    }
  });
}

TEST(MatMul, NotFinite) {
  on_every_isa([] {
    for (uint32_t constants : {0u, 2u}) {
      for (const char* line : {": f32[2,3]{1 inf 2 nan 0 1}, f32[3,5]{1 2 3 4 5 6 0 -1 2 3 4 5 6 7 8} -> ?",
                               ": f32[2,3]{1 1 2 1 0 1}, f32[3,5]{1 2 inf 4 nan 6 0 -1 2 3 4 5 6 -inf 8} -> ?",
                               ": f16[2,3]{1 inf 2 nan 0 1}, f16[3,5]{1 2 inf 4 5 6 0 -1 2 3 4 5 6 7 8} -> ?",
                               ": bf16[2,3]{1 inf 2 nan 0 1}, bf16[3,5]{1 2 inf 4 5 6 0 -1 2 3 4 5 6 7 8} -> ?",
                               ": f32[1,2]{1e-40 1e-41}, f32[2,3]{1 2 3 1 1e-3 1} -> ?"}) {
        EXPECT_TRUE(check_kernel({.op = "MatMul", .constants = constants}, line));
      }
    }
  });
}

}  // namespace
}  // namespace anyrt::cpu
