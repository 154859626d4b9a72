#include "devices/cpu/kernel_testing.h"

namespace anyrt::cpu {
namespace {

TEST(ArgReduce, EveryAxisAndType) {
  on_every_isa([] {
    for (const char* op : {"ArgMax", "ArgMin"}) {
      for (const int last : {0, 1}) {
        for (const char* shape :
             {"axis=0 : {}[7]", "axis=1 : {}[3,40]", "axis=-1 : {}[2,3,133]", "axis=1 : {}[2,9,35]", "axis=0 : {}[4,3]",
              "axis=1 keepdims=0 : {}[2,5,3,2]", "axis=1 : {}[0,3]", "axis=1 : {}[90,70,33]"}) {
          for (const char* type : {"f32", "f16", "bf16", "f64", "i8", "u8", "i32", "i64"}) {
            EXPECT_TRUE(check_kernel({.op = op}, fmt::format("select_last_index={} {}{{rand:5}} -> ?", last,
                                                             fmt::format(fmt::runtime(shape), type))));
          }
        }
        for (const char* x : {"nan 3 4 3 4 1 1", "1 nan 4 3 4 1 nan", "inf -inf inf -inf 0 1 2", "0 -0 0 -0 0 -0 0",
                              "-inf -inf -inf nan -inf -inf -inf", "1e-45 0 1e-45 -1e-45 -1e-45 0 0"}) {
          EXPECT_TRUE(
              check_kernel({.op = op}, fmt::format("axis=0 select_last_index={} : f32[7]{{{}}} -> ?", last, x)));
          EXPECT_TRUE(check_kernel({.op = op},
                                   fmt::format("axis=0 select_last_index={} : f32[7,2]{{{} {}}} -> ?", last, x, x)));
          EXPECT_TRUE(check_kernel(
              {.op = op}, fmt::format("axis=1 select_last_index={0} : f32[1,21]{{{1} {1} {1}}} -> ?", last, x)));
        }
      }
    }
  });
}

TEST(ArgReduce, Hardmax) {
  for (const char* type : {"f32", "f16", "bf16", "f64"}) {
    for (const char* line : {"axis=-1 : {}[3,40]{{rand:1}} -> ?", "axis=1 : {}[3,5,7]{{rand:1}} -> ?",
                             "axis=0 : {}[0,3]{{}} -> ?", "axis=0 : {}[3]{{nan 1 2}} -> ?"}) {
      EXPECT_TRUE(check_kernel({.op = "Hardmax"}, fmt::format(fmt::runtime(line), type)));
    }
  }
}

}  // namespace
}  // namespace anyrt::cpu
