#include <random>

#include "devices/cpu/kernel_testing.h"

namespace anyrt::cpu {
namespace {

constexpr const char* kThree = " -> f32[0]{}, f32[0]{}, f32[0]{}";

TEST(LayerNorm, AllSizes) {
  std::mt19937 random(1);
  on_every_isa([&] {
    for (const int n : {1, 2, 3, 7, 8, 15, 16, 17, 64, 100, 768, 4100}) {
      const int rows = 1 + static_cast<int>(random() % 5);
      EXPECT_TRUE(check_kernel({.op = "LayerNormalization", .kernel = "layer_norm"},
                               fmt::format(": f32[{0},{1}]{{rand:1}}, f32[{1}]{{rand:2}}, f32[{1}]{{rand:3}}{2}", rows,
                                           n, n > 1 ? kThree : " -> ?")));
      EXPECT_TRUE(check_kernel({.op = "RMSNormalization", .kernel = "rms_norm"},
                               fmt::format(": f32[{0},{1}]{{rand:1}}, f32[{1}]{{rand:2}} -> ?", rows, n)));
    }
  });
}

TEST(LayerNorm, TypesAndParameters) {
  on_every_isa([] {
    for (const char* type : {"f32", "f64", "f16", "bf16"}) {
      const bool narrow = std::string(type).ends_with("16");
      const KernelCheck check = {.op = "LayerNormalization",
                                 .tolerance = narrow ? Tolerance{1e-2, 1e-2} : Tolerance{1e-5, 1e-5}};
      for (const char* line :
           {": {0}[3,50]{{rand:1}}, {0}[50]{{rand:2}} -> ?", ": {0}[3,50]{{rand:1}}, {0}[]{{2}}, {0}[1]{{1}} -> ?",
            "axis=1 : {0}[2,3,5,7]{{rand:1}}, {0}[3,5,7]{{rand:2}}, {0}[3,5,7]{{rand:3}} -> ?",
            "axis=-2 epsilon=0.1 : {0}[4,3,5]{{rand:1}}, {0}[3,5]{{rand:2}}, {0}[1,3,5]{{rand:3}} -> ?",
            "axis=0 : {0}[33]{{rand:1}}, {0}[33]{{rand:2}} -> ?", ": {0}[0,4]{{}}, {0}[4]{{1 1 1 1}} -> ?"}) {
        EXPECT_TRUE(check_kernel(check, fmt::format(fmt::runtime(line), type)));
      }
    }
  });
  EXPECT_TRUE(check_kernel({.op = "LayerNormalization"},
                           "stash_type=11 : f64[3,50]{rand:1}, f64[50]{rand:2}"
                           " -> f64[0]{}, f64[0]{}, f64[0]{}"));
  EXPECT_FALSE(check_kernel({.op = "LayerNormalization"}, ": f32[3,5]{rand:1}, f32[3,1]{1 2 3} -> ?"));
}

TEST(LayerNorm, NumbersThatAreNone) {
  on_every_isa([] {
    for (const char* x :
         {"nan 1 2 3", "inf 1 2 3", "-inf inf 2 3", "1e-40 2e-40 0 0", "7 7 7 7", "30000 30001 30002 30003"}) {
      EXPECT_TRUE(
          check_kernel({.op = "LayerNormalization"}, fmt::format(": f32[1,4]{{{}}}, f32[4]{{1 1 1 1}} -> ?", x)));
      EXPECT_TRUE(check_kernel({.op = "RMSNormalization"}, fmt::format(": f32[1,4]{{{}}}, f32[4]{{1 1 1 1}} -> ?", x)));
    }
  });
}

TEST(LayerNorm, Skip) {
  on_every_isa([] {
    for (const char* type : {"f32", "f16", "bf16"}) {
      const bool narrow = std::string(type) != "f32";
      const Tolerance tolerance = narrow ? Tolerance{2e-2, 2e-2} : Tolerance{1e-5, 1e-5};
      for (const char* line :
           {"{0}[2,3,40]{{rand:1}}, {0}[2,3,40]{{rand:2}}, {0}[40]{{rand:3}}, {0}[40]{{rand:4}}, {0}[40]{{rand:5}} -> "
            "{0}[0]{{}}, f32[0]{{}}, f32[0]{{}}, {0}[0]{{}}",
            "{0}[2,3,40]{{rand:1}}, {0}[3,40]{{rand:2}}, {0}[40]{{rand:3}} -> ?",
            "{0}[2,3,17]{{rand:1}}, {0}[1,3,17]{{rand:2}}, {0}[17]{{rand:3}}, _, {0}[17]{{rand:5}} -> ?"}) {
        EXPECT_TRUE(check_kernel({.domain = "com.microsoft",
                                  .op = "SkipLayerNormalization",
                                  .kernel = "skip_layer_norm",
                                  .tolerance = tolerance},
                                 ": " + fmt::format(fmt::runtime(line), type)));
      }
      EXPECT_TRUE(check_kernel(
          {.domain = "com.microsoft", .op = "SkipSimplifiedLayerNormalization", .tolerance = tolerance},
          fmt::format(": {0}[2,3,40]{{rand:1}}, {0}[2,3,40]{{rand:2}}, {0}[40]{{rand:3}}, {0}[40]{{rand:4}} -> ?",
                      type)));
    }
  });
  EXPECT_TRUE(check_kernel({.op = "SimplifiedLayerNormalization"},
                           ": f32[2,3,40]{rand:1}, f32[40]{rand:3} -> f32[0]{}, f32[0]{}"));
}

}  // namespace
}  // namespace anyrt::cpu
