#include <random>

#include "devices/cpu/kernel_testing.h"

namespace anyrt::cpu {
namespace {

const KernelCheck kChain = {.domain = "anyrt", .op = "ElementwiseChain", .kernel = "elementwise_chain"};

TEST(Chain, Operators) {
  on_every_isa([] {
    for (const char* line : {
             "program=[\"Sigmoid v0\", \"Mul v0 v1\"] : f32[5,7]{rand:1} -> ?",
             "program=[\"Add v0 3\", \"Clip v1 0 6\", \"Mul v0 v2\", \"Div v3 6\"] : f32[1000]{rand:1} -> ?",
             "program=[\"Greater v0 0\", \"Where v1 v0 0.5\", \"Not v1\"] outputs=[2, 3] : f32[3,50]{rand:1} -> "
             "f32[0]{}, bool[0]{}",
             "program=[\"Cast v0 to=1\", \"Mul v2 v1\"] : i64[40]{rand:1}, f32[40]{rand:2} -> ?",
             "program=[\"Cast v0 to=9\", \"Cast v1 to=9\", \"Xor v2 v3\"] : f16[40]{rand:1}, f32[40]{rand:2} -> ?",
             "program=[\"Max v0 v1 v2\", \"Min v3 0.25 v0\", \"Sum v4 v4 v1\", \"Mean v5 v0\"] : f32[40]{rand:1}, "
             "f32[]{0.1}, f32[40]{rand:3} -> ?",
             "program=[\"Pow v0 2\", \"Pow v1 0.5\", \"Gelu v2 approximate=tanh\", \"LeakyRelu v3 alpha=0.3\"] : "
             "f32[40]{rand:1} -> ?",
             "program=[\"Clip v0 v1 v2\", \"Clip v3 _ 0.1\", \"Clip v4 -0.5\"] : f32[40]{rand:1}, f32[]{-1}, "
             "f32[]{0.7} "
             "-> ?",
             "program=[\"Exp v0\", \"Exp v1\", \"Add v1 v2\"] : f32[]{0.5} -> ?",
             "program=[\"Exp v1\", \"Add v0 v2\"] : f32[3,4]{rand:1}, f32[]{0.5} -> ?",
             "program=[\"Add v0 v0\"] outputs=[1, 0] : f32[3,4]{rand:1} -> f32[0]{}, f32[0]{}",
             "program=[\"Exp v1\", \"Add v0 v0\"] outputs=[2, 3] : f32[3,4]{rand:1}, f32[]{2} -> f32[0]{}, f32[0]{}",
             "program=[\"Neg v0\"] : f32[0,3]{} -> ?",
             "program=[\"IsNaN v0\", \"Where v1 0 v0\"] : f32[3]{nan 1 inf} -> ?",
         }) {
      EXPECT_TRUE(check_kernel(kChain, line));
    }
  });
  EXPECT_FALSE(check_kernel(kChain, "program=[\"Add v0 v0\"] : i64[3]{1 2 3} -> ?"));
}

std::string dims_text(const std::vector<int64_t>& dims) {
  std::string text;
  for (const int64_t d : dims) text += (text.empty() ? "" : ",") + std::to_string(d);
  return text;
}

// Any broadcast of three inputs and any program over them.
TEST(Chain, RandomProgramsAndShapes) {
  std::mt19937 random(7);
  const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  on_every_isa([&] {
    for (int round = 0; round < 60; ++round) {
      const int rank = 1 + pick(5);
      std::vector<int64_t> out;
      for (int i = 0; i < rank; ++i) out.push_back(pick(6) == 0 ? 16 : 1 + pick(rank == 1 ? 5000 : rank == 2 ? 90 : 9));
      std::string inputs;
      for (int k = 0; k < 3; ++k) {
        std::vector<int64_t> dims(out.begin() + (k == 0 ? 0 : pick(rank + 1)), out.end());
        for (int64_t& d : dims) d = k > 0 && pick(2) ? 1 : d;
        inputs += fmt::format("{}f32[{}]{{rand:{}}}", k ? ", " : "", dims_text(dims), round * 3 + k);
      }
      std::string program;
      const int steps = 1 + pick(12);
      for (int s = 0; s < steps; ++s) {
        const auto operand = [&] { return pick(8) == 0 ? std::string("0.75") : fmt::format("v{}", pick(3 + s)); };
        const char* const unary[] = {"Sigmoid", "Relu", "Neg", "Tanh", "Abs", "HardSwish", "Sin"};
        const char* const binary[] = {"Add", "Sub", "Mul", "Max", "Min"};
        program += s ? ", \"" : "\"";
        if (pick(2)) {
          program += fmt::format("{} v{}", unary[pick(7)], pick(3 + s));
        } else {
          program += fmt::format("{} v{} {}", binary[pick(5)], pick(3 + s), operand());
        }
        program += "\"";
      }
      const int second = pick(3 + steps);
      const bool two = pick(3) == 0;
      EXPECT_TRUE(check_kernel(
          kChain, fmt::format("program=[{}] outputs=[{}{}] : {} -> {}", program, 2 + steps,
                              two ? fmt::format(", {}", second) : "", inputs, two ? "f32[0]{}, f32[0]{}" : "?")));
    }
  });
}

TEST(Chain, LargeInParallel) {
  for (const char* shapes : {"700,130|130", "64,1,3000|64,2,1", "90,70,33|90,1,33", "500001|1", "3000,40|3000,1",
                             "2,60,60,16|1,60,1,16", "1,8,56,56,16|1,8,1,1,16", "3,1,5000|3,40,1"}) {
    const std::string text = shapes;
    const size_t bar = text.find('|');
    EXPECT_TRUE(check_kernel(kChain, fmt::format("program=[\"Mul v0 v1\", \"Sigmoid v2\", \"Add v3 v1\"] : "
                                                 "f32[{}]{{rand:1}}, f32[{}]{{rand:2}} -> ?",
                                                 text.substr(0, bar), text.substr(bar + 1))));
  }
}

}  // namespace
}  // namespace anyrt::cpu
