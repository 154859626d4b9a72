#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "codec/image.h"

#if ANYRT_HAVE_JPEG
#include <jpeglib.h>
#endif
#if ANYRT_HAVE_WEBP
#include <webp/encode.h>
#endif
#if ANYRT_HAVE_TIFF
#include <tiffio.h>
#endif
#if ANYRT_HAVE_JPEG2000
#include <openjpeg.h>
#endif

namespace anyrt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A smooth picture with some structure.
[[maybe_unused]] Tensor picture(int64_t width, int64_t height, int64_t channels) {
  Tensor t = *Tensor::make(DType::kUInt8, {height, width, channels});
  uint8_t* p = t.mutable_data<uint8_t>();
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      for (int64_t c = 0; c < channels; ++c) {
        *p++ = static_cast<uint8_t>(128 + 100 * std::sin(0.1 * static_cast<double>(x + c)) *
                                              std::cos(0.07 * static_cast<double>(y * (c + 1))));
      }
    }
  }
  return t;
}

[[maybe_unused]] int largest_difference(const Tensor& a, const Tensor& b) {
  EXPECT_EQ(a.dims(), b.dims());
  int most = 0;
  for (int64_t i = 0; i < a.size() && a.dims() == b.dims(); ++i) {
    most = std::max(most, std::abs(a.data<uint8_t>()[i] - b.data<uint8_t>()[i]));
  }
  return most;
}

[[maybe_unused]] PixelFormat format_of(const Tensor& t) {
  return t.dim(2) == 1 ? PixelFormat::kGrayscale : PixelFormat::kRgb;
}

// Cutting a file short gives an error that names the format, never a picture.
[[maybe_unused]] void expect_truncation_is_found(const std::string& good, std::string_view name, size_t step) {
  for (size_t n = 16; n + 24 < good.size(); n += step) {
    auto t = decode_image(as_bytes(std::string_view(good).substr(0, n)));
    EXPECT_FALSE(t.ok()) << n << " of " << good.size();
    EXPECT_THAT(t.status().message(), HasSubstr(name));
  }
}

[[maybe_unused]] void expect_missing(std::string_view file, std::string_view option) {
  auto t = decode_image(as_bytes(file));
  EXPECT_EQ(t.status().code(), Code::kNotImplemented);
  EXPECT_THAT(t.status().message(), HasSubstr(option));
}

// A name in the test's own folder; some encoders write files only.
[[maybe_unused]] std::string scratch_file() {
  return testing::TempDir() + "image_codecs_test_" + std::to_string(getpid());
}

[[maybe_unused]] std::string take_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  in.close();
  unlink(path.c_str());
  return text;
}

#if ANYRT_HAVE_JPEG

std::string jpeg(const Tensor& pixels, J_COLOR_SPACE space, bool progressive = false) {
  jpeg_compress_struct info;
  jpeg_error_mgr errors;
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* out = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &out, &size);
  info.image_width = static_cast<JDIMENSION>(pixels.dim(1));
  info.image_height = static_cast<JDIMENSION>(pixels.dim(0));
  info.input_components = static_cast<int>(pixels.dim(2));
  info.in_color_space = space == JCS_YCCK ? JCS_CMYK : space;
  jpeg_set_defaults(&info);
  if (space == JCS_YCCK) jpeg_set_colorspace(&info, JCS_YCCK);
  jpeg_set_quality(&info, 98, TRUE);
  if (progressive) jpeg_simple_progression(&info);
  jpeg_start_compress(&info, TRUE);
  for (int64_t y = 0; y < pixels.dim(0); ++y) {
    auto* row = const_cast<uint8_t*>(pixels.data<uint8_t>()) + y * pixels.dim(1) * pixels.dim(2);
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  std::string text(reinterpret_cast<char*>(out), size);
  std::free(out);
  return text;
}

TEST(Jpeg, ReadsColourAndGray) {
  for (bool progressive : {false, true}) {
    const Tensor colour = picture(37, 23, 3), gray = picture(37, 23, 1);
    auto t = decode_image(as_bytes(jpeg(colour, JCS_RGB, progressive)));
    ASSERT_TRUE(t.ok()) << t.status().to_string();
    EXPECT_LE(largest_difference(colour, *t), 12);
    t = decode_image(as_bytes(jpeg(gray, JCS_GRAYSCALE, progressive)), {.format = PixelFormat::kGrayscale});
    ASSERT_TRUE(t.ok()) << t.status().to_string();
    EXPECT_LE(largest_difference(gray, *t), 4);
  }
}

TEST(Jpeg, ReadsInvertedCmyk) {
  Tensor inks = *Tensor::make(DType::kUInt8, {16, 16, 4});
  for (int i = 0; i < 256; ++i) std::copy_n("\xff\x80\x00\xff", 4, inks.mutable_data<uint8_t>() + 4 * i);
  for (J_COLOR_SPACE space : {JCS_CMYK, JCS_YCCK}) {
    auto t = decode_image(as_bytes(jpeg(inks, space)));
    ASSERT_TRUE(t.ok()) << t.status().to_string();
    EXPECT_NEAR(t->data<uint8_t>()[0], 255, 2);
    EXPECT_NEAR(t->data<uint8_t>()[1], 128, 2);
    EXPECT_NEAR(t->data<uint8_t>()[2], 0, 2);
  }
}

TEST(Jpeg, RefusesDamage) {
  expect_truncation_is_found(jpeg(picture(64, 64, 3), JCS_RGB), "jpeg: ", 37);
  const std::string good = jpeg(picture(64, 64, 3), JCS_RGB);
  for (size_t i = 0; i < good.size(); i += 5) {
    std::string bad = good;
    bad[i] ^= 0x24;
    (void)decode_image(as_bytes(bad)).ok();
  }
}

TEST(Jpeg, RefusesEndlessScans) {
  // Each scan of a progressive file may be repeated.
  std::string file = jpeg(picture(16, 16, 1), JCS_GRAYSCALE, true);
  const size_t scan = file.rfind("\xff\xda");
  const std::string last = file.substr(scan, file.size() - 2 - scan);
  std::string bomb = file.substr(0, file.size() - 2);
  for (int i = 0; i < 600; ++i) bomb += last;
  auto t = decode_image(as_bytes(bomb + "\xff\xd9"));
  EXPECT_THAT(t.status().message(), HasSubstr("scans"));
}

#else
TEST(Jpeg, SaysThatItIsMissing) { expect_missing("\xff\xd8\xff\xe0", "ANYRT_JPEG=OFF"); }
#endif

#if ANYRT_HAVE_WEBP

TEST(Webp, ReadsLossless) {
  const Tensor t = picture(37, 23, 3);
  uint8_t* out = nullptr;
  const size_t size = WebPEncodeLosslessRGB(t.data<uint8_t>(), 37, 23, 37 * 3, &out);
  const std::string file(reinterpret_cast<char*>(out), size);
  WebPFree(out);
  auto back = decode_image(as_bytes(file));
  ASSERT_TRUE(back.ok()) << back.status().to_string();
  EXPECT_TRUE(identical(t, *back));
  expect_truncation_is_found(file, "webp: ", 11);
}

#else
TEST(Webp, SaysThatItIsMissing) { expect_missing("RIFFxxxxWEBP", "ANYRT_WEBP=OFF"); }
#endif

#if ANYRT_HAVE_TIFF

struct TiffForm {
  uint16_t compression = COMPRESSION_NONE;
  uint16_t orientation = ORIENTATION_TOPLEFT;
  bool tiled = false;
  const char* mode = "w";  // "wb" big endian, "w8" BigTIFF
};

std::string tiff(const Tensor& pixels, const TiffForm& form) {
  const std::string path = scratch_file() + ".tif";
  TIFF* file = TIFFOpen(path.c_str(), form.mode);
  const auto width = static_cast<uint32_t>(pixels.dim(1)), height = static_cast<uint32_t>(pixels.dim(0));
  const auto channels = static_cast<uint32_t>(pixels.dim(2));
  TIFFSetField(file, TIFFTAG_IMAGEWIDTH, width);
  TIFFSetField(file, TIFFTAG_IMAGELENGTH, height);
  TIFFSetField(file, TIFFTAG_SAMPLESPERPIXEL, channels);
  TIFFSetField(file, TIFFTAG_BITSPERSAMPLE, 8);
  TIFFSetField(file, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
  TIFFSetField(file, TIFFTAG_PHOTOMETRIC, channels == 1 ? PHOTOMETRIC_MINISBLACK : PHOTOMETRIC_RGB);
  TIFFSetField(file, TIFFTAG_COMPRESSION, form.compression);
  TIFFSetField(file, TIFFTAG_ORIENTATION, form.orientation);
  if (channels == 4) {
    const uint16_t alpha = EXTRASAMPLE_UNASSALPHA;
    TIFFSetField(file, TIFFTAG_EXTRASAMPLES, 1, &alpha);
  }
  auto* bytes = const_cast<uint8_t*>(pixels.data<uint8_t>());
  if (form.tiled) {
    constexpr uint32_t kSide = 16;
    TIFFSetField(file, TIFFTAG_TILEWIDTH, kSide);
    TIFFSetField(file, TIFFTAG_TILELENGTH, kSide);
    std::vector<uint8_t> tile(kSide * kSide * channels);
    for (uint32_t y = 0; y < height; y += kSide) {
      for (uint32_t x = 0; x < width; x += kSide) {
        for (uint32_t v = 0; v < std::min(kSide, height - y); ++v) {
          std::copy_n(bytes + ((y + v) * width + x) * channels, std::min(kSide, width - x) * channels,
                      tile.data() + v * kSide * channels);
        }
        TIFFWriteTile(file, tile.data(), x, y, 0, 0);
      }
    }
  } else {
    TIFFSetField(file, TIFFTAG_ROWSPERSTRIP, 8);
    for (uint32_t y = 0; y < height; ++y) TIFFWriteScanline(file, bytes + y * width * channels, y, 0);
  }
  TIFFClose(file);
  return take_file(path);
}

TEST(Tiff, ReadsItsManyForms) {
  const TiffForm forms[] = {{},
                            {.compression = COMPRESSION_LZW},
                            {.compression = COMPRESSION_PACKBITS},
                            {.tiled = true},
                            {.mode = "wb"},
                            {.mode = "w8"}};
  for (const TiffForm& form : forms) {
    for (int channels : {1, 3}) {
      const Tensor t = picture(37, 23, channels);
      auto back = decode_image(as_bytes(tiff(t, form)), {.format = format_of(t)});
      ASSERT_TRUE(back.ok()) << back.status().to_string();
      EXPECT_TRUE(identical(t, *back)) << form.compression << ' ' << form.mode << ' ' << channels;
    }
  }
}

TEST(Tiff, AlphaDoesNotDarken) {
  Tensor t = *Tensor::make(DType::kUInt8, {1, 1, 4});
  std::copy_n("\x64\xc8\x32\x10", 4, t.mutable_data<uint8_t>());
  auto back = decode_image(as_bytes(tiff(t, {})));
  ASSERT_TRUE(back.ok()) << back.status().to_string();
  EXPECT_THAT(std::vector<int>(back->span<uint8_t>().begin(), back->span<uint8_t>().end()), ElementsAre(100, 200, 50));
}

TEST(Tiff, IsAlwaysUpright) {
  Tensor t = *Tensor::make(DType::kUInt8, {1, 3, 1});
  std::copy_n("abc", 3, t.mutable_data<uint8_t>());
  const ImageOptions gray{.format = PixelFormat::kGrayscale};
  auto right_top = decode_image(as_bytes(tiff(t, {.orientation = ORIENTATION_RIGHTTOP})), gray);
  EXPECT_THAT(right_top->dims(), ElementsAre(3, 1, 1));
  EXPECT_EQ(right_top->data<uint8_t>()[0], 'a');
  auto top_right = decode_image(as_bytes(tiff(t, {.orientation = ORIENTATION_TOPRIGHT})), gray);
  EXPECT_EQ(top_right->data<uint8_t>()[0], 'c');
}

TEST(Tiff, RefusesDamage) {
  const std::string good = tiff(picture(37, 23, 3), {.compression = COMPRESSION_LZW});
  expect_truncation_is_found(good, "tiff: ", 13);
  for (size_t i = 0; i < good.size(); i += 3) {
    std::string bad = good;
    bad[i] ^= 0x81;
    (void)decode_image(as_bytes(bad), {.max_pixels = 1 << 20}).ok();
  }
}

#else
TEST(Tiff, SaysThatItIsMissing) { expect_missing(std::string_view("II*\0", 4), "ANYRT_TIFF=OFF"); }
#endif

#if ANYRT_HAVE_JPEG2000

std::string jpeg2000(const Tensor& pixels, OPJ_CODEC_FORMAT format) {
  const auto width = static_cast<OPJ_UINT32>(pixels.dim(1)), height = static_cast<OPJ_UINT32>(pixels.dim(0));
  const auto channels = static_cast<OPJ_UINT32>(pixels.dim(2));
  opj_image_cmptparm_t parts[4] = {};
  for (OPJ_UINT32 c = 0; c < channels; ++c) {
    parts[c].dx = parts[c].dy = 1;
    parts[c].w = width;
    parts[c].h = height;
    parts[c].prec = 8;
  }
  opj_image_t* image = opj_image_create(channels, parts, channels == 1 ? OPJ_CLRSPC_GRAY : OPJ_CLRSPC_SRGB);
  image->x1 = width;
  image->y1 = height;
  for (int64_t i = 0; i < pixels.size(); ++i) {
    image->comps[static_cast<OPJ_UINT32>(i) % channels].data[static_cast<OPJ_UINT32>(i) / channels] =
        pixels.data<uint8_t>()[i];
  }
  opj_cparameters_t parameters;
  opj_set_default_encoder_parameters(&parameters);
  parameters.numresolution = 3;
  parameters.tcp_numlayers = 1;
  parameters.cp_disto_alloc = 1;
  const std::string path = scratch_file() + ".jp2";
  opj_codec_t* codec = opj_create_compress(format);
  opj_setup_encoder(codec, &parameters, image);
  opj_stream_t* stream = opj_stream_create_default_file_stream(path.c_str(), OPJ_FALSE);
  EXPECT_TRUE(opj_start_compress(codec, image, stream) && opj_encode(codec, stream) && opj_end_compress(codec, stream));
  opj_stream_destroy(stream);
  opj_destroy_codec(codec);
  opj_image_destroy(image);
  return take_file(path);
}

TEST(Jpeg2000, ReadsBothContainers) {
  for (OPJ_CODEC_FORMAT format : {OPJ_CODEC_JP2, OPJ_CODEC_J2K}) {
    for (int channels : {1, 3}) {
      const Tensor t = picture(37, 23, channels);
      auto back = decode_image(as_bytes(jpeg2000(t, format)), {.format = format_of(t)});
      ASSERT_TRUE(back.ok()) << back.status().to_string();
      EXPECT_TRUE(identical(t, *back)) << channels;
    }
  }
  // Data may end early, at a lower quality; headers may not.
  const std::string good = jpeg2000(picture(37, 23, 3), OPJ_CODEC_JP2);
  expect_truncation_is_found(good.substr(0, 120), "jpeg2000: ", 7);
}

#else
TEST(Jpeg2000, SaysThatItIsMissing) { expect_missing("\xff\x4f\xff\x51", "ANYRT_JPEG2000=OFF"); }
#endif

}  // namespace
}  // namespace anyrt
