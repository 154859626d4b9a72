#include <random>

#include "devices/cpu/kernel_testing.h"

namespace anyrt::cpu {
namespace {

std::string joined(const std::vector<int64_t>& list, const char* separator) {
  std::string text;
  for (const int64_t v : list) text += (text.empty() ? "" : separator) + std::to_string(v);
  return text;
}

TEST(Move, Transpose) {
  std::mt19937 random(1);
  for (int round = 0; round < 60; ++round) {
    const size_t rank = 1 + random() % 5;
    std::vector<int64_t> dims, perm;
    for (size_t i = 0; i < rank; ++i) {
      dims.push_back(static_cast<int64_t>(random() % (rank < 3 ? 70 : 11)));
      perm.push_back(static_cast<int64_t>(i));
    }
    std::shuffle(perm.begin(), perm.end(), random);
    for (const char* type : {"f32", "i8", "f16", "f64"}) {
      EXPECT_TRUE(check_kernel(
          {.op = "Transpose", .kernel = "transpose"},
          fmt::format("perm=[{}] : {}[{}]{{rand:{}}} -> ?", joined(perm, ","), type, joined(dims, ","), round)));
    }
  }
  EXPECT_TRUE(check_kernel({.op = "Transpose"}, ": f32[]{3} -> ?"));
  EXPECT_TRUE(check_kernel({.op = "Transpose"}, "perm=[0,2,1] : f32[3,130,515]{rand:1} -> ?"));
  EXPECT_TRUE(check_kernel({.op = "Transpose"}, "perm=[1,0] : f32[2048,33]{rand:1} -> ?"));
  EXPECT_TRUE(check_kernel({.op = "Transpose"}, "perm=[0,2,1,3] : f32[2,128,12,64]{rand:1} -> ?"));
}

TEST(Move, Slices) {
  const KernelCheck check = {.op = "Slice", .kernel = "slice", .constants = 0x1e};
  for (const char* line : {": f32[7,9]{rand:1}, i64[2]{1 2}, i64[2]{6 9} -> ?",
                           ": i64[7,9]{rand:1}, i64[1]{-1}, i64[1]{-100}, i64[1]{1}, i64[1]{-2} -> ?",
                           ": f32[7,9,3]{rand:1}, i64[2]{0 8}, i64[2]{100 0}, i64[2]{0 1}, i64[2]{3 -3} -> ?",
                           ": u8[5]{rand:1}, i64[1]{4}, i64[1]{2} -> ?", ": f32[0,4]{}, i64[1]{0}, i64[1]{4} -> ?",
                           ": f32[300,700]{rand:1}, i64[2]{1 3}, i64[2]{299 690}, i64[2]{0 1}, i64[2]{1 2} -> ?"}) {
    EXPECT_TRUE(check_kernel(check, line));
  }
}

TEST(Move, ExpandAndTile) {
  for (const char* line : {": f32[3,1]{rand:1}, i64[3]{2 3 4} -> ?", ": f32[]{2}, i64[2]{3 0} -> ?",
                           ": u8[1,5]{rand:1}, i64[2]{300 5} -> ?", ": f32[4]{rand:1}, i64[1]{1} -> ?"}) {
    EXPECT_TRUE(check_kernel({.op = "Expand", .kernel = "expand", .constants = 2}, line));
  }
  for (const char* line : {": f32[2,3]{rand:1}, i64[2]{2 3} -> ?", ": i16[5]{rand:1}, i64[1]{0} -> ?",
                           ": f64[1,2,3]{rand:1}, i64[3]{3 1 2} -> ?"}) {
    EXPECT_TRUE(check_kernel({.op = "Tile", .kernel = "tile", .constants = 2}, line));
  }
}

TEST(Move, Parts) {
  for (const char* line : {"axis=1 : f32[2,3,4]{rand:1}, f32[2,1,4]{rand:2}, f32[2,0,4]{} -> ?",
                           "axis=-1 : i8[300,1]{rand:1}, i8[300,7]{rand:2} -> ?", "axis=0 : f32[2]{rand:1} -> ?",
                           "axis=2 : f32[64,32,33]{rand:1}, f32[64,32,5]{rand:2} -> ?"}) {
    EXPECT_TRUE(check_kernel({.op = "Concat", .kernel = "concat"}, line));
  }
  for (const char* line : {"axis=1 : f32[2,6,4]{rand:1}, i64[3]{1 3 2} -> f32[0]{}, f32[0]{}, f32[0]{}",
                           "axis=-1 num_outputs=2 : i8[300,9]{rand:1} -> i8[0]{}, i8[0]{}"}) {
    EXPECT_TRUE(check_kernel({.op = "Split", .kernel = "split", .constants = 2}, line));
  }
}

TEST(Move, DepthAndSpace) {
  for (const char* mode : {"DCR", "CRD"}) {
    EXPECT_TRUE(check_kernel({.op = "DepthToSpace"},
                             fmt::format("blocksize=2 mode=\"{}\" : f32[2,12,3,5]{{rand:1}} -> ?", mode)));
  }
  EXPECT_TRUE(check_kernel({.op = "DepthToSpace"}, "blocksize=3 : f32[1,9,40,41]{rand:1} -> ?"));
  EXPECT_TRUE(check_kernel({.op = "SpaceToDepth"}, "blocksize=2 : f32[2,3,6,10]{rand:1} -> ?"));
}

TEST(Move, Gather) {
  for (const char* line :
       {"axis=0 : f32[5,3]{rand:1}, i64[4]{0 -1 4 2} -> ?", "axis=1 : f32[5,3]{rand:1}, i32[2,2]{0 -3 1 2} -> ?",
        "axis=2 : i8[2,3,4]{rand:1}, i64[]{3} -> ?", "axis=0 : f32[400,300]{rand:1}, i64[3]{399 0 7} -> ?"}) {
    EXPECT_TRUE(check_kernel({.op = "Gather", .kernel = "gather"}, line));
  }
  for (const char* line :
       {"axis=0 : f32[3,4]{rand:1}, i64[2,3]{0 1 2 -1 -2 -3} -> ?",
        "axis=1 : f64[3,4]{rand:1}, i32[2,3]{0 1 2 3 -2 -3} -> ?",
        "axis=1 : u8[2,3,2]{rand:1}, i64[2,1,2]{0 1 2 -1} -> ?", "axis=0 : f32[4]{rand:1}, i64[2]{3 -4} -> ?"}) {
    EXPECT_TRUE(check_kernel({.op = "GatherElements", .kernel = "gather_elements"}, line));
  }
}

}  // namespace
}  // namespace anyrt::cpu
