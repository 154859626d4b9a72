#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "codec/image.h"

namespace anyrt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<int> gray(std::string_view file) {
  auto t = decode_image(as_bytes(file), {.format = PixelFormat::kGrayscale});
  EXPECT_TRUE(t.ok()) << t.status().to_string();
  if (!t.ok()) return {};
  return {t->span<uint8_t>().begin(), t->span<uint8_t>().end()};
}

std::string error_of(std::string_view file) {
  auto t = decode_image(as_bytes(file));
  EXPECT_FALSE(t.ok());
  return t.status().message();
}

TEST(Pnm, ReadsAllSixKinds) {
  EXPECT_THAT(gray("P1 # a comment\n3 1\n1 01"), ElementsAre(0, 255, 0));
  EXPECT_THAT(gray("P2\n2 1 255\n7\t200\n"), ElementsAre(7, 200));
  EXPECT_THAT(gray("P3 1 1 255 9 9 9"), ElementsAre(9));
  EXPECT_THAT(gray("P4 10 1\n\x80\x40"), ElementsAre(0, 255, 255, 255, 255, 255, 255, 255, 255, 0));
  EXPECT_THAT(gray("P5 2 1 255 \x07\x08"), ElementsAre(7, 8));
  EXPECT_THAT(gray("P6\n1 1\n255\n\x05\x05\x05more"), ElementsAre(5));
}

TEST(Pnm, ScalesToEightBits) {
  EXPECT_THAT(gray("P2 4 1 3 0 1 2 3"), ElementsAre(0, 85, 170, 255));
  EXPECT_THAT(gray("P2 2 1 2 1 2"), ElementsAre(128, 255));  // 127.5 rounds to even
  EXPECT_THAT(gray(std::string_view("P5 2 1 65535 \xff\xff\x80\x00", 17)), ElementsAre(255, 128));
}

TEST(Pnm, RefusesDamage) {
  EXPECT_THAT(error_of("P5 2"), HasSubstr("pnm: the header is broken"));
  EXPECT_THAT(error_of("P5 2 1 255"), HasSubstr("the header is broken"));
  EXPECT_THAT(error_of("P5 2 1 255 x"), HasSubstr("end before the last pixel"));
  EXPECT_THAT(error_of("P5 2 1 0 xx"), HasSubstr("largest value is 0"));
  EXPECT_THAT(error_of("P2 2 1 9 1 10"), HasSubstr("sample 1 is 10"));
  EXPECT_THAT(error_of("P2 2 1 9 1 x "), HasSubstr("sample 1 is not a number"));
  EXPECT_THAT(error_of("P1 2 2 1 0 1        "), HasSubstr("end before the last pixel"));
  EXPECT_THAT(error_of("P5 99999 99999 255 x"), HasSubstr("at most 1073741824"));
  EXPECT_THAT(error_of("P6 20000 20000 255 x"), HasSubstr("cannot hold 20000 x 20000"));
  EXPECT_THAT(error_of("P6 99999999999999999999 1 255 x"), HasSubstr("header is broken"));
}

}  // namespace
}  // namespace anyrt
