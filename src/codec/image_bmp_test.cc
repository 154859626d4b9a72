#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "codec/image.h"

namespace anyrt {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;

struct Bmp {
  int32_t width = 0, height = 0;
  uint16_t bits = 24;
  uint32_t compression = 0;
  std::vector<uint32_t> palette = {};  // or masks
  std::string data;
  bool core = false;

  std::string file() const {
    std::string out = "BM", tail;
    append_le<uint32_t>(out, 0);
    append_le<uint32_t>(out, 0);
    if (core) {
      append_le<uint32_t>(tail, 12);
      append_le<uint16_t>(tail, static_cast<uint16_t>(width));
      append_le<uint16_t>(tail, static_cast<uint16_t>(height));
    } else {
      append_le<uint32_t>(tail, 40);
      append_le<int32_t>(tail, width);
      append_le<int32_t>(tail, height);
    }
    append_le<uint16_t>(tail, 1);
    append_le<uint16_t>(tail, bits);
    if (!core) {
      append_le<uint32_t>(tail, compression);
      tail.append(20, '\0');
    }
    for (uint32_t entry : palette) {
      append_le<uint32_t>(tail, entry);
      if (core) tail.pop_back();
    }
    append_le<uint32_t>(out, static_cast<uint32_t>(14 + tail.size()));
    return out + tail + data;
  }
};

std::vector<int> pixels(const Bmp& bmp, PixelFormat format = PixelFormat::kRgb) {
  auto t = decode_image(as_bytes(bmp.file()), {.format = format});
  EXPECT_TRUE(t.ok()) << t.status().to_string();
  if (!t.ok()) return {};
  return {t->span<uint8_t>().begin(), t->span<uint8_t>().end()};
}

std::string error_of(const std::string& file) {
  auto t = decode_image(as_bytes(file));
  EXPECT_FALSE(t.ok());
  return t.status().message();
}

const std::vector<uint32_t> kPalette = {0x000000, 0xff0000, 0x00ff00, 0x0000ff};

TEST(Bmp, TrueColourRowsAreBottomUp) {
  Bmp bmp{.width = 1, .height = 2, .data = std::string("\1\2\3\0\4\5\6\0", 8)};
  EXPECT_THAT(pixels(bmp), ElementsAre(6, 5, 4, 3, 2, 1));
  EXPECT_THAT(pixels(bmp, PixelFormat::kBgr), ElementsAre(4, 5, 6, 1, 2, 3));
  bmp.height = -2;
  EXPECT_THAT(pixels(bmp), ElementsAre(3, 2, 1, 6, 5, 4));
  const Bmp wide{.width = 1, .height = 1, .bits = 32, .data = "\1\2\3\4"};
  EXPECT_THAT(pixels(wide), ElementsAre(3, 2, 1));
}

TEST(Bmp, PalettesOfEveryWidth) {
  const Bmp one{
      .width = 3, .height = 1, .bits = 1, .palette = {0xffffff, 0x112233}, .data = std::string("\x40\0\0\0", 4)};
  EXPECT_THAT(pixels(one), ElementsAre(255, 255, 255, 0x11, 0x22, 0x33, 255, 255, 255));
  const Bmp two{.width = 2, .height = 1, .bits = 2, .palette = kPalette, .data = std::string("\x60\0\0\0", 4)};
  EXPECT_THAT(pixels(two), ElementsAre(255, 0, 0, 0, 255, 0));
  const Bmp four{.width = 2, .height = 1, .bits = 4, .palette = kPalette, .data = std::string("\x13\0\0\0", 4)};
  EXPECT_THAT(pixels(four), ElementsAre(255, 0, 0, 0, 0, 255));
  // Index 9 lies beyond the palette.
  const Bmp eight{.width = 2, .height = 1, .bits = 8, .palette = kPalette, .data = std::string("\2\x9\0\0", 4)};
  EXPECT_THAT(pixels(eight), ElementsAre(0, 255, 0, 0, 0, 0));
  const Bmp core{
      .width = 1, .height = 1, .bits = 8, .palette = kPalette, .data = std::string("\3\0\0\0", 4), .core = true};
  EXPECT_THAT(pixels(core), ElementsAre(0, 0, 255));
}

TEST(Bmp, SixteenBitsAndMasks) {
  const Bmp plain{.width = 2, .height = 1, .bits = 16, .data = "\x1f\x7c\xe0\x03"};
  EXPECT_THAT(pixels(plain), ElementsAre(255, 0, 255, 0, 255, 0));
  const Bmp fixed{.width = 2,
                  .height = 1,
                  .bits = 16,
                  .compression = 3,
                  .palette = {0xf800, 0x07e0, 0x001f},
                  .data = std::string("\x00\x84\xe0\x07", 4)};
  EXPECT_THAT(pixels(fixed), ElementsAre(16 * 255 / 31, 32 * 255 / 63, 0, 0, 255, 0));
  const Bmp wide{.width = 1,
                 .height = 1,
                 .bits = 32,
                 .compression = 3,
                 .palette = {0xff, 0xff00, 0x3ff0000},
                 .data = std::string("\1\2\0\2", 4)};
  EXPECT_THAT(pixels(wide), ElementsAre(1, 2, 512 * 255 / 1023));
  Bmp broken = wide;
  broken.palette[0] = 0xf0f;
  EXPECT_THAT(error_of(broken.file()), HasSubstr("mask 0xf0f"));
}

TEST(Bmp, RunLengthEncoding) {
  // A run of two, a jump to the right and up, three literals, the end.
  const std::string eight("\x02\x01\x00\x02\x01\x01\x00\x03\x01\x02\x03\x00\x00\x01", 14);
  const Bmp rle8{.width = 6, .height = 2, .bits = 8, .compression = 1, .palette = kPalette, .data = eight};
  const Tensor t = *decode_image(as_bytes(rle8.file()), {.format = PixelFormat::kRgb});
  std::vector<int> red;
  for (int i = 0; i < 12; ++i) red.push_back(t.data<uint8_t>()[3 * i]);
  EXPECT_THAT(red, ElementsAre(0, 0, 0, 255, 0, 0, 255, 255, 0, 0, 0, 0));
  const std::string four("\x03\x12\x00\x00\x00\x03\x12\x30\x00\x01", 10);
  const Bmp rle4{.width = 3, .height = 2, .bits = 4, .compression = 2, .palette = kPalette, .data = four};
  EXPECT_THAT(pixels(rle4), ElementsAreArray({255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 0, 0, 0, 255, 0, 255, 0, 0}));
  const std::string over("\xff\x01\x00\x01", 4);
  const Bmp runs_over{.width = 2, .height = 1, .bits = 8, .compression = 1, .palette = kPalette, .data = over};
  EXPECT_THAT(pixels(runs_over), ElementsAre(255, 0, 0, 255, 0, 0));
}

TEST(Bmp, RefusesDamage) {
  const Bmp good{.width = 2, .height = 2, .data = std::string(16, '\1')};
  for (size_t n = 2; n + 2 < good.file().size(); ++n) error_of(good.file().substr(0, n));
  EXPECT_THAT(error_of(good.file().substr(0, 60)), HasSubstr("bmp: the data end before the last pixel"));
  EXPECT_THAT(error_of(Bmp{.width = 0, .height = 2}.file()), HasSubstr("0 x 2 pixels"));
  EXPECT_THAT(error_of(Bmp{.width = -5, .height = 2}.file()), HasSubstr("the width is -5"));
  EXPECT_THAT(error_of(Bmp{.width = 1 << 30, .height = 1 << 30}.file()), HasSubstr("at most 1073741824 are allowed"));
  EXPECT_THAT(error_of(Bmp{.width = 1, .height = INT32_MIN}.file()), HasSubstr("pixels"));
  EXPECT_THAT(error_of(Bmp{.width = 1, .height = 1, .bits = 7}.file()), HasSubstr("7 bits"));
  EXPECT_THAT(error_of(Bmp{.width = 1, .height = 1, .compression = 4}.file()), HasSubstr("compression 4"));
  EXPECT_THAT(error_of(Bmp{.width = 9, .height = 9, .bits = 8, .compression = 1, .data = "\x05\x01"}.file()),
              HasSubstr("end before"));
}

}  // namespace
}  // namespace anyrt
