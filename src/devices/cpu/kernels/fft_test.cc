#include "devices/cpu/kernel_testing.h"

namespace anyrt::cpu {
namespace {

TEST(Fft, Dft) {
  on_every_isa([] {
    const KernelCheck check = {
        .op = "DFT", .kernel = "fft", .constants = 6, .tolerance = {1e-5, 1e-6}, .scale_tolerance = 1e-6};
    for (const char* n : {"2", "3", "4", "8", "12", "15", "16", "30", "49", "61", "64", "210", "400", "512"}) {
      for (const char* line :
           {": f32[1,{},1]{{rand:1}}, _, i64[]{{1}} -> ?", "onesided=1 : f32[9,{},1]{{rand:1}}, _, i64[]{{1}} -> ?",
            ": f32[3,{},2,2]{{rand:1}}, _, i64[]{{1}} -> ?", "inverse=1 : f32[2,{},5,2]{{rand:1}}, _, i64[]{{-3}} -> ?",
            "inverse=1 : f32[2,{},1]{{rand:1}} -> ?"}) {
        EXPECT_TRUE(check_kernel(check, fmt::format(fmt::runtime(line), n))) << line;
      }
    }
    for (const char* line :
         {": f32[3,7,1]{rand:1}, i64[]{12}, i64[]{1} -> ?", ": f32[3,17,2]{rand:1}, i64[]{12}, i64[]{1} -> ?",
          "inverse=1 onesided=1 : f32[10,9,2]{rand:1}, _, i64[]{1} -> ?",
          "inverse=1 onesided=1 : f32[10,9,2]{rand:1}, i64[]{15}, i64[]{1} -> ?"}) {
      EXPECT_TRUE(check_kernel(check, line)) << line;
    }
    EXPECT_FALSE(check_kernel(check, ": f32[1,67,1]{rand:1}, _, i64[]{1} -> ?"));
  });
}

TEST(Fft, Stft) {
  on_every_isa([] {
    const KernelCheck check = {
        .op = "STFT", .kernel = "fft", .constants = 2 | 8, .tolerance = {1e-5, 1e-6}, .scale_tolerance = 1e-6};
    for (const char* line : {": f32[2,100,1]{rand:1}, i64[]{7}, f32[16]{rand:2} -> ?",
                             ": f32[2,100]{rand:1}, i64[]{7}, f32[16]{rand:2} -> ?",
                             "onesided=0 : f32[1,300,1]{rand:1}, i64[]{10}, f32[20]{rand:2}, i64[]{25} -> ?",
                             "onesided=0 : f32[2,90,2]{rand:1}, i64[]{9}, f32[18]{rand:2} -> ?",
                             ": f32[1,50,1]{rand:1}, i64[]{4}, _, i64[]{12} -> ?"}) {
      EXPECT_TRUE(check_kernel(check, line)) << line;
    }
  });
}

}  // namespace
}  // namespace anyrt::cpu
