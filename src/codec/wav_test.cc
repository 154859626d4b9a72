#include "codec/wav.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace anyrt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string chunk(std::string_view id, const std::string& body) {
  std::string out(id);
  append_le(out, static_cast<uint32_t>(body.size()));
  out += body;
  return body.size() % 2 ? out + '\0' : out;
}

std::string form(uint16_t tag, uint16_t channels, uint32_t rate, uint16_t bits) {
  const auto block = static_cast<uint16_t>((bits + 7) / 8 * channels);
  std::string out;
  append_le(out, tag);
  append_le(out, channels);
  append_le(out, rate);
  append_le(out, rate * block);
  append_le(out, block);
  append_le(out, bits);
  return out;
}

std::string wav(const std::string& fmt, const std::string& data, std::string_view riff = "RIFF") {
  const std::string body = "WAVE" + chunk("fmt ", fmt) + chunk("LIST", "odd") + chunk("data", data);
  return chunk(riff, body);
}

std::vector<float> samples(const std::string& file) {
  auto audio = decode_wav(as_bytes(file));
  EXPECT_TRUE(audio.ok()) << audio.status().to_string();
  if (!audio.ok()) return {};
  return {audio->samples.span<float>().begin(), audio->samples.span<float>().end()};
}

std::string error_of(const std::string& file) {
  auto audio = decode_wav(as_bytes(file));
  EXPECT_FALSE(audio.ok());
  return audio.status().message();
}

std::string doubles(std::vector<double> values) {
  std::string out;
  for (double v : values) append_le(out, v);
  return out;
}

TEST(Wav, ReadsEveryWidth) {
  EXPECT_THAT(samples(wav(form(1, 1, 8000, 8), std::string("\x00\x80\xc0", 3))), ElementsAre(-1, 0, 0.5));
  EXPECT_THAT(samples(wav(form(1, 1, 8000, 16), std::string("\x00\x80\x00\x40", 4))), ElementsAre(-1, 0.5));
  EXPECT_THAT(samples(wav(form(1, 1, 8000, 24), std::string("\x00\x00\x80\x00\x00\x40\xff\xff\xff", 9))),
              ElementsAre(-1, 0.5, -1 / 8388608.0f));
  EXPECT_THAT(samples(wav(form(1, 1, 8000, 32), std::string("\x00\x00\x00\xc0", 4))), ElementsAre(-0.5));
  EXPECT_THAT(samples(wav(form(3, 1, 8000, 32), std::string("\x00\x00\x80\x3e", 4))), ElementsAre(0.25));
  EXPECT_THAT(samples(wav(form(3, 1, 8000, 64), doubles({-0.125, 2}))), ElementsAre(-0.125, 2));
  // 12 bits lie at the top of their two bytes.
  EXPECT_THAT(samples(wav(form(1, 1, 8000, 12), std::string("\x00\x40", 2))), ElementsAre(0.5));
}

TEST(Wav, ReadsTelephoneCodes) {
  EXPECT_THAT(samples(wav(form(7, 1, 8000, 8), std::string("\xff\x7f\x00\x80", 4))),
              ElementsAre(0, 0, -32124 / 32768.0f, 32124 / 32768.0f));
  EXPECT_THAT(samples(wav(form(6, 1, 8000, 8), std::string("\xd5\x55\x2a\xaa", 4))),
              ElementsAre(8 / 32768.0f, -8 / 32768.0f, -32256 / 32768.0f, 32256 / 32768.0f));
}

TEST(Wav, SeparatesChannels) {
  auto audio = decode_wav(as_bytes(wav(form(1, 2, 44100, 8), "\x80\xc0\xa0\xe0")));
  ASSERT_TRUE(audio.ok());
  EXPECT_EQ(audio->rate, 44100);
  EXPECT_THAT(audio->samples.dims(), ElementsAre(2, 2));
  EXPECT_THAT(std::vector<float>(audio->samples.data<float>(), audio->samples.data<float>() + 4),
              ElementsAre(0, 0.25, 0.5, 0.75));
  const Tensor mono = *mix_to_mono(audio->samples);
  EXPECT_THAT(mono.dims(), ElementsAre(1, 2));
  EXPECT_EQ(mono.data<float>()[1], 0.5f);
}

TEST(Wav, ReadsExtensibleAndOpenEnded) {
  std::string fmt = form(0xfffe, 1, 8000, 16);
  append_le<uint16_t>(fmt, 22);
  append_le<uint16_t>(fmt, 16);
  append_le<uint32_t>(fmt, 4);
  append_le<uint16_t>(fmt, 1);
  const std::string guid("\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71", 14);
  EXPECT_THAT(samples(wav(fmt + guid, std::string("\x00\x40", 2))), ElementsAre(0.5));
  EXPECT_THAT(error_of(wav(fmt + std::string(14, 'x'), std::string("\x00\x40", 2))), HasSubstr("GUID"));
  std::string open = wav(form(1, 1, 8000, 8), "\xc0\x80");
  open.replace(open.size() - 6, 4, "\xff\xff\xff\xff");
  EXPECT_THAT(samples(open), ElementsAre(0.5, 0));
}

TEST(Wav, ReadsRf64) {
  std::string ds64;
  append_le<uint64_t>(ds64, 0);
  append_le<uint64_t>(ds64, 1);
  append_le<uint64_t>(ds64, 1);
  append_le<uint32_t>(ds64, 0);
  std::string file = "RF64\xff\xff\xff\xffWAVE" + chunk("ds64", ds64) + chunk("fmt ", form(1, 1, 8000, 8));
  file += "data\xff\xff\xff\xff\xc0\x80";
  EXPECT_THAT(samples(file), ElementsAre(0.5));
}

TEST(Wav, RefusesDamage) {
  const std::string good = wav(form(1, 1, 8000, 16), "1234");
  for (size_t n = 0; n < good.size(); ++n) error_of(good.substr(0, n));
  EXPECT_THAT(error_of("RIFFxxxxAVI "), HasSubstr("not a wav file"));
  EXPECT_THAT(error_of(wav(form(1, 0, 8000, 16), "12")), HasSubstr("0 channels"));
  EXPECT_THAT(error_of(wav(form(2, 1, 8000, 4), "12")), HasSubstr("sample format 2"));
  EXPECT_THAT(error_of(wav(form(3, 1, 8000, 16), "12")), HasSubstr("sample format 3 with 16 bits"));
  EXPECT_THAT(error_of(chunk("RIFF", "WAVE" + chunk("data", "12"))), HasSubstr("before their format"));
  EXPECT_THAT(samples(wav(form(1, 2, 8000, 16), "123")), ElementsAre());
}

TEST(Wav, RoundTrips) {
  Audio audio{*Tensor::make(DType::kFloat32, {2, 3}), 16000};
  std::copy_n(std::vector<float>{0, 0.5f, -1, 0.25f, 1.5f, -2}.begin(), 6, audio.samples.mutable_data<float>());
  StringSink sink;
  ASSERT_TRUE(encode_wav(audio, sink).ok());
  auto back = decode_wav(as_bytes(sink.take()));
  ASSERT_TRUE(back.ok()) << back.status().to_string();
  EXPECT_EQ(back->rate, 16000);
  EXPECT_THAT(std::vector<float>(back->samples.span<float>().begin(), back->samples.span<float>().end()),
              ElementsAre(0, 0.5, -1, 0.25, 32767 / 32768.0f, -1));
  const std::string path = testing::TempDir() + "wav_test.wav";
  ASSERT_TRUE(write_wav(path, audio, WavSamples::kFloat32).ok());
  EXPECT_TRUE(identical(read_wav(path)->samples, audio.samples));
  EXPECT_FALSE(encode_wav({Tensor::scalar(1.0f), 8000}, sink).ok());
}

Audio tone(double frequency, int64_t rate, int64_t count) {
  Audio audio{*Tensor::make(DType::kFloat32, {1, count}), rate};
  for (int64_t i = 0; i < count; ++i) {
    const double t = static_cast<double>(i) / static_cast<double>(rate);
    audio.samples.mutable_data<float>()[i] = static_cast<float>(std::sin(2 * std::numbers::pi * frequency * t));
  }
  return audio;
}

TEST(Resample, KeepsTonesInPlace) {
  for (auto [from, to] : {std::pair<int64_t, int64_t>{8000, 16000}, {44100, 16000}, {16000, 44101}, {48000, 16000}}) {
    const Audio out = *resample_audio(tone(1000, from, from / 4), to);
    const Audio want = tone(1000, to, out.samples.size());
    EXPECT_EQ(out.samples.size(), (from / 4 * to + from - 1) / from);
    float most = 0;
    for (int64_t i = out.samples.size() / 4; i < out.samples.size() * 3 / 4; ++i) {
      most = std::max(most, std::abs(out.samples.data<float>()[i] - want.samples.data<float>()[i]));
    }
    EXPECT_LT(most, 1e-3) << from << " to " << to;
  }
}

TEST(Resample, RemovesWhatTheNewRateCannotHold) {
  const Audio out = *resample_audio(tone(10000, 44100, 44100), 16000);
  for (int64_t i = 2000; i < 14000; ++i) ASSERT_LT(std::abs(out.samples.data<float>()[i]), 1e-3);
}

TEST(Resample, EdgeCases) {
  EXPECT_EQ(resample_audio(tone(1, 8000, 0), 16000)->samples.size(), 0);
  EXPECT_EQ(resample_audio(tone(1, 8000, 1), 7)->samples.size(), 1);
  EXPECT_THAT(resample_audio(tone(1, 8000, 1), 0).status().message(), HasSubstr("from 8000 to 0"));
  EXPECT_FALSE(resample_audio({Tensor::scalar(1.0f), 8000}, 16000).ok());
}

}  // namespace
}  // namespace anyrt
