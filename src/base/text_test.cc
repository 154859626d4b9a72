#include "base/text.h"

#include <gtest/gtest.h>

namespace anyrt {
namespace {

TEST(Text, SplitTrimJoin) {
  EXPECT_EQ(split("a,,b", ','), (std::vector<std::string_view>{"a", "", "b"}));
  EXPECT_EQ(split("", ','), std::vector<std::string_view>{});
  EXPECT_EQ(split(",", ','), (std::vector<std::string_view>{"", ""}));
  EXPECT_EQ(trim(" \ta b\n"), "a b");
  EXPECT_EQ(trim("  "), "");
  EXPECT_EQ(join(std::vector<std::string>{"a", "b"}, ", "), "a, b");
  EXPECT_EQ(to_lower("ReLU-É"), "relu-É");
}

TEST(Text, HumanNumbers) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(512), "512 B");
  EXPECT_EQ(human_bytes(1536), "1.5 KiB");
  EXPECT_EQ(human_bytes(1024 * 1024 - 1), "1 MiB");
  EXPECT_EQ(human_bytes(12.34 * 1024 * 1024), "12.3 MiB");
  EXPECT_EQ(human_count(999), "999");
  EXPECT_EQ(human_count(25.55e6), "25.6 M");
  EXPECT_EQ(human_count(-1500), "-1.5 K");
  EXPECT_EQ(human_seconds(1.23e-5), "12.3 us");
  EXPECT_EQ(human_seconds(0.0045), "4.5 ms");
  EXPECT_EQ(human_seconds(185), "3 min 5 s");
  EXPECT_EQ(human_seconds(7260), "2 h 1 min");
}

TEST(Text, ParsesSizes) {
  EXPECT_EQ(parse_bytes("512"), 512u);
  EXPECT_EQ(parse_bytes("64k"), 65536u);
  EXPECT_EQ(parse_bytes("1.5 GiB"), 3u << 29);
  EXPECT_EQ(parse_bytes("2GB"), 2000000000u);
  EXPECT_EQ(parse_bytes("32K\n"), 32768u);
  for (const char* text : {"", "x", "-1", "1x", "1e30", "1 kk", "99999999999T", "nan"}) {
    EXPECT_FALSE(parse_bytes(text).has_value()) << text;
  }
}

TEST(Text, EditDistance) {
  EXPECT_EQ(edit_distance("", ""), 0);
  EXPECT_EQ(edit_distance("abc", ""), 3);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3);
  EXPECT_EQ(edit_distance("Gmem", "Gemm"), 1);
  EXPECT_EQ(edit_distance("RELU", "Relu"), 0);
  EXPECT_EQ(edit_distance(std::string(1000, 'a'), "b"), 1001);
}

TEST(Text, DidYouMean) {
  const std::vector<std::string> names{"Conv", "ConvTranspose", "Relu", "Gemm"};
  EXPECT_EQ(did_you_mean("Convv", names), "; did you mean 'Conv'?");
  EXPECT_EQ(did_you_mean("conv", names), "; did you mean 'Conv'?");
  EXPECT_EQ(did_you_mean("Softmax", names), "");
  EXPECT_EQ(closest("", names), std::nullopt);
}

}  // namespace
}  // namespace anyrt
