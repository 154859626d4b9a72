#include "codec/image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "codec/image_formats.h"

namespace anyrt {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;

[[maybe_unused]] Tensor rgb(int64_t width, int64_t height) {
  Tensor t = *Tensor::make(DType::kUInt8, {height, width, 3});
  for (int64_t i = 0; i < t.size(); ++i) t.mutable_data<uint8_t>()[i] = static_cast<uint8_t>(i * 7);
  return t;
}

std::string png_of(const Tensor& t) {
  StringSink sink;
  EXPECT_TRUE(encode_png(t, sink).ok());
  return sink.take();
}

void append_be32(std::string& out, uint32_t v) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(v >> shift);
}

std::string exif(int orientation, bool little) {
  if (little) {
    std::string out("II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0", 18);
    out += static_cast<char>(orientation);
    return out + std::string(7, '\0');
  }
  std::string out("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0", 19);
  out += static_cast<char>(orientation);
  return out + std::string(6, '\0');
}

uint32_t png_crc(std::string_view text) {
  uint32_t crc = ~0u;
  for (char ch : text) {
    crc ^= static_cast<uint8_t>(ch);
    for (int k = 0; k < 8; ++k) crc = (crc & 1) ? 0xedb88320u ^ (crc >> 1) : crc >> 1;
  }
  return ~crc;
}

std::string with_exif(std::string png, const std::string& block) {
  std::string chunk;
  append_be32(chunk, static_cast<uint32_t>(block.size()));
  const std::string body = "eXIf" + block;
  chunk += body;
  append_be32(chunk, png_crc(body));
  return png.insert(33, chunk);  // after the header chunk
}

TEST(Image, NamesTheFormat) {
  EXPECT_EQ(image_format_of(as_bytes("P5 1 1 255 x")), "pnm");
  EXPECT_EQ(image_format_of(as_bytes("BM")), "bmp");
  EXPECT_EQ(image_format_of(as_bytes("\xff\xd8\xff\xe0")), "jpeg");
  EXPECT_EQ(image_format_of(as_bytes("RIFFxxxxWEBP")), "webp");
  EXPECT_EQ(image_format_of(as_bytes(std::string_view("MM\0*", 4))), "tiff");
  EXPECT_EQ(image_format_of(as_bytes("RIFFxxxxWAVE")), "");
  EXPECT_EQ(image_format_of(as_bytes("RIFF")), "");
  EXPECT_EQ(image_format_of({}), "");
  auto t = decode_image(as_bytes("hello"));
  EXPECT_THAT(t.status().message(), HasSubstr("not a JPEG, PNG"));
}

TEST(Image, ConvertsColours) {
  const std::string_view file("P6 1 1 255 \x0a\x14\xc8");
  auto channels = [&](std::string_view text, PixelFormat format) {
    const Tensor t = *decode_image(as_bytes(text), {.format = format});
    return std::vector<int>(t.span<uint8_t>().begin(), t.span<uint8_t>().end());
  };
  EXPECT_THAT(channels(file, PixelFormat::kRgb), ElementsAre(10, 20, 200));
  EXPECT_THAT(channels(file, PixelFormat::kBgr), ElementsAre(200, 20, 10));
  EXPECT_THAT(channels(file, PixelFormat::kGrayscale),
              ElementsAre((10 * 19595 + 20 * 38470 + 200 * 7471 + 32768) / 65536));
  EXPECT_THAT(channels("P5 1 1 255 x", PixelFormat::kBgr), ElementsAre('x', 'x', 'x'));
}

TEST(Image, PixelLimit) {
  auto t = decode_image(as_bytes("P5 4 4 255 0123456789abcdef"), {.max_pixels = 15});
  EXPECT_EQ(t.status().code(), Code::kResourceExhausted);
  EXPECT_THAT(t.status().message(), HasSubstr("pnm: the picture has 4 x 4 pixels, at most 15"));
}

TEST(Exif, ReadsTheOrientation) {
  for (int o = 1; o <= 8; ++o) {
    EXPECT_EQ(exif_orientation(as_bytes(exif(o, true))), o);
    EXPECT_EQ(exif_orientation(as_bytes(exif(o, false))), o);
  }
  EXPECT_EQ(exif_orientation(as_bytes(exif(9, true))), 1);
  const std::string good = exif(6, true);
  for (size_t n = 0; n < 22; ++n) EXPECT_EQ(exif_orientation(as_bytes(std::string_view(good).substr(0, n))), 1) << n;
}

TEST(Image, TurnsPicturesUpright) {
  // The picture "ab / cd / ef" as stored, one letter a pixel; each orientation shows it in another way.
  Tensor stored = *Tensor::make(DType::kUInt8, {3, 2});
  std::copy_n("abcdef", 6, stored.mutable_data<uint8_t>());
  StringSink probe;
  if (encode_png(stored, probe).code() == Code::kNotImplemented) GTEST_SKIP() << "built without PNG";
  const char* shown[] = {"ab/cd/ef", "ba/dc/fe", "fe/dc/ba", "ef/cd/ab", "ace/bdf", "eca/fdb", "fdb/eca", "bdf/ace"};
  for (int o = 1; o <= 8; ++o) {
    const std::string file = with_exif(png_of(stored), exif(o, o % 2 == 0));
    const ImageOptions options{.format = PixelFormat::kGrayscale, .orient = true};
    auto t = decode_image(as_bytes(file), options);
    ASSERT_TRUE(t.ok()) << t.status().to_string();
    std::string text;
    for (int64_t y = 0; y < t->dim(0); ++y) {
      if (y) text += '/';
      text.append(reinterpret_cast<const char*>(t->data<uint8_t>()) + y * t->dim(1), static_cast<size_t>(t->dim(1)));
    }
    EXPECT_EQ(text, shown[o - 1]) << o;
    t = decode_image(as_bytes(file), {.format = PixelFormat::kGrayscale});
    EXPECT_THAT(t->dims(), ElementsAre(3, 2, 1));
  }
}

#if ANYRT_HAVE_PNG

TEST(Png, RoundTrips) {
  const Tensor t = rgb(13, 9);
  auto back = decode_image(as_bytes(png_of(t)));
  ASSERT_TRUE(back.ok()) << back.status().to_string();
  EXPECT_TRUE(identical(t, *back));
  // Alpha is dropped.
  Tensor rgba = *Tensor::make(DType::kUInt8, {1, 1, 4});
  std::copy_n("\x01\x02\x03\x00", 4, rgba.mutable_data<uint8_t>());
  back = decode_image(as_bytes(png_of(rgba)));
  EXPECT_THAT(std::vector<int>(back->span<uint8_t>().begin(), back->span<uint8_t>().end()), ElementsAre(1, 2, 3));
}

TEST(Png, RefusesDamage) {
  const std::string good = png_of(rgb(13, 9));
  for (size_t n = 8; n + 12 < good.size(); n += 3) {
    auto t = decode_image(as_bytes(std::string_view(good).substr(0, n)));
    EXPECT_THAT(t.status().message(), HasSubstr("png: ")) << n;
  }
  std::string bad = good;
  bad[60] ^= 0x55;
  EXPECT_FALSE(decode_image(as_bytes(bad)).ok());
  bad = good;
  bad.replace(16, 4, std::string("\x7f\xff\xff\xff", 4));
  bad.replace(29, 4, "");
  std::string crc;
  append_be32(crc, png_crc(std::string_view(bad).substr(12, 17)));
  bad.insert(29, crc);
  EXPECT_THAT(decode_image(as_bytes(bad)).status().message(), HasSubstr("2147483647 x 9 pixels"));
}

TEST(Png, WritesOnlyPictures) {
  StringSink sink;
  EXPECT_THAT(encode_png(Tensor::scalar(1.0f), sink).message(), HasSubstr("found float32"));
  EXPECT_FALSE(encode_png(*Tensor::zeros(DType::kUInt8, {2, 2, 5}), sink).ok());
  EXPECT_FALSE(encode_png(*Tensor::zeros(DType::kUInt8, {0, 2, 3}), sink).ok());
  const std::string path = testing::TempDir() + "image_test.png";
  ASSERT_TRUE(write_png(path, rgb(4, 3)).ok());
  auto t = read_image(path);
  ASSERT_TRUE(t.ok());
  EXPECT_THAT(t->dims(), ElementsAre(3, 4, 3));
}

#else

TEST(Png, SaysThatItIsMissing) {
  auto t = decode_image(as_bytes("\x89PNG\r\n\x1a\n"));
  EXPECT_EQ(t.status().code(), Code::kNotImplemented);
  EXPECT_THAT(t.status().message(), HasSubstr("ANYRT_PNG=OFF"));
}

#endif

}  // namespace
}  // namespace anyrt
