#include <random>

#include "devices/cpu/kernel_testing.h"

namespace anyrt::cpu {
namespace {

struct Case {
  const char* op;
  int64_t gates;
  int64_t steps, batch, inputs, hidden;
  std::string attrs;
  bool lengths = false, state = false, bias = true;
};

std::string line(const Case& c, int seed) {
  const bool both = c.attrs.find("bidirectional") != std::string::npos;
  const bool batch_first = c.attrs.find("layout=1") != std::string::npos;
  const int64_t d = both ? 2 : 1;
  const auto tensor = [&](std::vector<int64_t> dims) {
    std::string s;
    for (const int64_t n : dims) s += (s.empty() ? "" : ",") + std::to_string(n);
    return fmt::format(", f32[{}]{{rand:{}}}", s, ++seed);
  };
  const auto swapped = [&](std::vector<int64_t> dims) {
    if (batch_first) std::swap(dims[0], dims[1]);
    return dims;
  };
  std::string text = c.attrs + " : " + tensor(swapped({c.steps, c.batch, c.inputs})).substr(2) +
                     tensor({d, c.gates * c.hidden, c.inputs}) + tensor({d, c.gates * c.hidden, c.hidden});
  text += c.bias ? tensor({d, 2 * c.gates * c.hidden}) : ", _";
  std::string lengths;
  for (int64_t b = 0; b < c.batch; ++b) lengths += fmt::format(" {}", (b * 7 + 3) % (c.steps + 1));
  text += c.lengths ? fmt::format(", i32[{}]{{{}}}", c.batch, lengths.substr(1)) : ", _";
  text += c.state ? tensor(swapped({d, c.batch, c.hidden})) : ", _";
  const bool lstm = c.gates == 4;
  if (lstm) text += c.state ? tensor(swapped({d, c.batch, c.hidden})) : ", _";
  if (lstm && c.attrs.find("input_forget") != std::string::npos) text += tensor({d, 3 * c.hidden});
  return text + (lstm ? " -> ?, ?, ?" : " -> ?, ?");
}

constexpr uint32_t kWeights = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 7;

void check(const Case& c, int seed) {
  EXPECT_TRUE(check_kernel({.op = c.op, .constants = kWeights, .tolerance = {2e-5, 2e-6}, .scale_tolerance = 2e-6},
                           line(c, seed)));
}

TEST(Recurrent, Shapes) {
  on_every_isa([] {
    int seed = 0;
    for (const auto& [op, gates] : {std::pair("LSTM", 4), std::pair("GRU", 3), std::pair("RNN", 1)}) {
      for (const int64_t hidden : {1, 5, 16, 19, 64}) {
        for (const int64_t batch : {1, 2, 4, 7, 13}) {
          for (const char* attrs : {"", "direction=\"reverse\" layout=1", "direction=\"bidirectional\""}) {
            const int64_t steps = 1 + (seed * 5) % 9;
            check({op, gates, steps, batch, 3 + seed % 4, hidden, attrs, seed % 3 == 0, seed % 2 == 0, seed % 5 != 0},
                  seed);
            ++seed;
          }
        }
      }
    }
  });
}

TEST(Recurrent, Attributes) {
  on_every_isa([] {
    for (const char* attrs :
         {"linear_before_reset=1", "linear_before_reset=1 clip=0.3",
          "activations=[\"HardSigmoid\",\"Relu\"] direction=\"reverse\"",
          "linear_before_reset=1 direction=\"bidirectional\" layout=1",
          "activations=[\"Sigmoid\",\"Softsign\",\"Affine\",\"Elu\"] direction=\"bidirectional\""}) {
      check({"GRU", 3, 6, 3, 4, 21, attrs, true, true, true}, 1);
    }
    for (const char* attrs :
         {"input_forget=1", "input_forget=0", "clip=0.2", "activations=[\"HardSigmoid\",\"ScaledTanh\",\"LeakyRelu\"]",
          "activations=[\"Softplus\",\"ThresholdedRelu\",\"Tanh\",\"Sigmoid\",\"Tanh\",\"Tanh\"] "
          "direction=\"bidirectional\" input_forget=1"}) {
      check({"LSTM", 4, 6, 3, 4, 21, attrs, true, true, true}, 1);
    }
    check({"RNN", 1, 6, 3, 4, 21, "activations=[\"Relu\"] clip=0.7", true, true, true}, 1);
  });
}

// Several chunks of steps, one of them shorter, and steps that are split over threads.
TEST(Recurrent, Large) {
  on_every_isa([] {
    check({"LSTM", 4, 100, 1, 8, 40, "direction=\"bidirectional\"", false, true, true}, 1);
    check({"GRU", 3, 301, 2, 8, 50, "layout=1", false, true, true}, 1);
    check({"LSTM", 4, 3, 5, 8, 300, "", false, true, true}, 1);
    check({"GRU", 3, 3, 5, 8, 300, "", false, true, true}, 1);
  });
}

TEST(Recurrent, EmptyAndComputed) {
  on_every_isa([] {
    check({"LSTM", 4, 0, 2, 3, 5, "", false, true, true}, 1);
    check({"GRU", 3, 4, 0, 3, 5, "", false, true, true}, 1);
    check({"LSTM", 4, 4, 2, 0, 5, "", false, true, true}, 1);
    EXPECT_FALSE(check_kernel({.op = "GRU"}, line({"GRU", 3, 4, 2, 3, 5, ""}, 1)));
  });
}

}  // namespace
}  // namespace anyrt::cpu
