#include "devices/cpu/kernel_testing.h"

namespace anyrt::cpu {
namespace {

TEST(Softmax, EveryAxis) {
  on_every_isa([] {
    for (const char* op : {"Softmax", "LogSoftmax"}) {
      for (const char* line :
           {"axis=-1 : f32[3,1]{rand:1} -> ?", "axis=-1 : f32[3,7]{rand:1} -> ?", "axis=-1 : f32[5,16]{rand:1} -> ?",
            "axis=-1 : f32[2,1000]{rand:1} -> ?", "axis=-1 : f32[2,10001]{rand:1} -> ?", "axis=0 : f32[7]{rand:1} -> ?",
            "axis=1 : f32[2,16,33]{rand:1} -> ?", "axis=1 : f32[1,600,70]{rand:1} -> ?",
            "axis=0 : f32[5,3]{rand:1} -> ?", "axis=1 : f32[2,3,4,5]{rand:1} -> ?", "axis=1 : f32[2,1,9]{rand:1} -> ?",
            "axis=1 : f32[0,4]{} -> ?", "axis=1 : f32[4,0]{} -> ?", "axis=0 : f32[4,0]{} -> ?",
            "axis=2 : f32[64,32,40]{rand:1} -> ?", "axis=1 : f32[40,30,90]{rand:1} -> ?"}) {
        EXPECT_TRUE(check_kernel({.op = op}, line));
      }
    }
  });
}

TEST(Softmax, Types) {
  on_every_isa([] {
    for (const char* type : {"f64", "f16", "bf16"}) {
      const bool narrow = std::string(type) != "f64";
      for (const char* op : {"Softmax", "LogSoftmax"}) {
        for (const int axis : {1, 2}) {
          EXPECT_TRUE(check_kernel({.op = op, .tolerance = narrow ? Tolerance{1e-2, 1e-5} : Tolerance{1e-9, 1e-9}},
                                   fmt::format("axis={} : {}[3,20,35]{{rand:1}} -> ?", axis, type)));
        }
      }
    }
  });
}

TEST(Softmax, NumbersThatAreNone) {
  on_every_isa([] {
    for (const char* op : {"Softmax", "LogSoftmax"}) {
      for (const char* x : {"nan 1 2 3 0", "1 nan 2 3 0", "inf 1 2 3 0", "-inf 1 -inf 3 0", "-inf -inf -inf -inf -inf",
                            "1e-40 0 0 1e-45 -1e-40", "3e38 -3e38 0 1 2", "1000 1000 999 990 0"}) {
        EXPECT_TRUE(check_kernel({.op = op}, fmt::format("axis=-1 : f32[1,5]{{{}}} -> ?", x)));
        EXPECT_TRUE(check_kernel({.op = op}, fmt::format("axis=0 : f32[5,1]{{{}}} -> ?", x)));
        EXPECT_TRUE(check_kernel({.op = op}, fmt::format("axis=0 : f32[5,2]{{{0} {0}}} -> ?", x)));
      }
    }
  });
}

}  // namespace
}  // namespace anyrt::cpu
