#include "codec/wav.h"

#include <algorithm>
#include <cmath>

#include "tensor/file.h"

namespace anyrt {

namespace {

enum Tag : uint16_t { kPcm = 1, kFloat = 3, kALaw = 6, kMuLaw = 7, kExtensible = 0xfffe };

struct Form {
  uint16_t tag = 0;
  int64_t channels = 0;
  int64_t rate = 0;
  size_t width = 0;  // bytes of one sample
};

Expected<Form> read_form(Bytes chunk) {
  if (chunk.size() < 16)
    return invalid_argument("wav: the format chunk has {} bytes, at least 16 were expected", chunk.size());
  const std::byte* p = chunk.data();
  Form f{load_le<uint16_t>(p), load_le<uint16_t>(p + 2), load_le<uint32_t>(p + 4), 0};
  const size_t block = load_le<uint16_t>(p + 12);
  const int bits = load_le<uint16_t>(p + 14);
  if (f.tag == kExtensible) {
    if (chunk.size() < 40) return invalid_argument("wav: the extensible format chunk is cut off");
    constexpr std::string_view kGuidTail("\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71", 14);
    if (as_text(chunk.subspan(26, 14)) != kGuidTail) return not_implemented("wav: unknown sample format GUID");
    f.tag = load_le<uint16_t>(p + 24);
  }
  if (f.channels == 0 || f.rate == 0) return invalid_argument("wav: {} channels at a rate of {}", f.channels, f.rate);
  if (block == 0 || block % static_cast<size_t>(f.channels) != 0) {
    return invalid_argument("wav: blocks of {} bytes cannot hold {} channels", block, f.channels);
  }
  f.width = block / static_cast<size_t>(f.channels);
  const bool wide_enough = bits > 0 && static_cast<size_t>(bits) <= 8 * f.width;
  const bool known = (f.tag == kPcm && f.width <= 4 && wide_enough) ||
                     (f.tag == kFloat && (f.width == 4 || f.width == 8)) ||
                     ((f.tag == kALaw || f.tag == kMuLaw) && f.width == 1);
  if (!known) {
    return not_implemented(
        "wav: sample format {} with {} bits in {} bytes; PCM of 8 to 32 bits, float, A-law and mu-law are known", f.tag,
        bits, f.width);
  }
  return f;
}

float from_mu_law(uint8_t v) {
  const int u = ~v & 0xff;
  const int t = (((u & 15) << 3) + 0x84) << ((u & 0x70) >> 4);
  return static_cast<float>((u & 0x80) ? 0x84 - t : t - 0x84) / 32768.0f;
}

float from_a_law(uint8_t v) {
  const int a = v ^ 0x55, segment = (a & 0x70) >> 4;
  int t = ((a & 15) << 4) + 8;
  if (segment > 0) t = (t + 0x100) << (segment - 1);
  return static_cast<float>((a & 0x80) ? t : -t) / 32768.0f;
}

// Integers fill their bytes from the top, whatever the number of bits.
float sample_at(const std::byte* p, const Form& f) {
  switch (f.tag) {
    case kFloat: return f.width == 4 ? load_le<float>(p) : static_cast<float>(load_le<double>(p));
    case kALaw: return from_a_law(static_cast<uint8_t>(*p));
    case kMuLaw: return from_mu_law(static_cast<uint8_t>(*p));
    default: break;
  }
  switch (f.width) {
    case 1: return static_cast<float>(static_cast<int>(*p) - 128) / 128.0f;
    case 2: return static_cast<float>(load_le<int16_t>(p)) / 32768.0f;
    case 3: {
      const auto low = static_cast<uint32_t>(p[0]) | static_cast<uint32_t>(p[1]) << 8;
      return static_cast<float>(static_cast<int32_t>(low << 8 | static_cast<uint32_t>(p[2]) << 24) / 256) / 8388608.0f;
    }
    default: return static_cast<float>(load_le<int32_t>(p) / 2147483648.0);
  }
}

Expected<Audio> read_samples(Bytes data, const Form& f) {
  const size_t block = f.width * static_cast<size_t>(f.channels);
  // Writers that were stopped leave a part of a block behind.
  const auto count = static_cast<int64_t>(data.size() / block);
  Audio audio;
  audio.rate = f.rate;
  ANYRT_ASSIGN(audio.samples, Tensor::make(DType::kFloat32, {f.channels, count}));
  float* out = audio.samples.mutable_data<float>();
  for (int64_t i = 0; i < count; ++i) {
    const std::byte* p = data.data() + static_cast<size_t>(i) * block;
    for (int64_t c = 0; c < f.channels; ++c, p += f.width) out[c * count + i] = sample_at(p, f);
  }
  return audio;
}

}  // namespace

Expected<Audio> decode_wav(Bytes file) {
  constexpr uint32_t kOpen = 0xffffffff;
  const std::string_view text = as_text(file);
  const bool rf64 = text.starts_with("RF64");
  if (file.size() < 12 || (!rf64 && !text.starts_with("RIFF")) || text.substr(8, 4) != "WAVE") {
    return invalid_argument("not a wav file: it does not begin with RIFF or RF64 and WAVE");
  }
  Form form;
  uint64_t long_data = 0;
  Bytes rest = file.subspan(12);
  while (rest.size() >= 8) {
    const std::string_view id = as_text(rest.first(4));
    const uint32_t size32 = load_le<uint32_t>(rest.data() + 4);
    uint64_t size = size32;
    rest = rest.subspan(8);
    if (id == "data") {
      if (form.width == 0) return invalid_argument("wav: the data come before their format");
      if (size32 == kOpen) size = rf64 && long_data != 0 ? long_data : rest.size();
      if (size > rest.size())
        return invalid_argument("wav: {} bytes of samples were promised, {} are there", size, rest.size());
      return read_samples(rest.first(static_cast<size_t>(size)), form);
    }
    if (size > rest.size())
      return invalid_argument("wav: a chunk of {} bytes reaches beyond the end of the file", size);
    const Bytes chunk = rest.first(static_cast<size_t>(size));
    if (id == "fmt ") {
      ANYRT_ASSIGN(form, read_form(chunk));
    } else if (id == "ds64" && chunk.size() >= 16) {
      long_data = load_le<uint64_t>(chunk.data() + 8);
    }
    rest = rest.subspan(std::min<size_t>(rest.size(), static_cast<size_t>(size + size % 2)));
  }
  return invalid_argument("wav: there are no samples in the file");
}

Expected<Audio> read_wav(const std::string& path) {
  ANYRT_ASSIGN(const auto file, load_file(path));
  auto audio = decode_wav({file->data(), file->size()});
  if (!audio.ok()) return std::move(audio).status().with_context(path);
  return audio;
}

Status encode_wav(const Audio& audio, ByteSink& sink, WavSamples kind) {
  const Tensor& t = audio.samples;
  if (t.dtype() != DType::kFloat32 || t.rank() != 2 || t.dim(0) < 1 || t.dim(0) > 16384) {
    return invalid_argument("sound is float32[channels,samples], found {}", t.type_string());
  }
  if (audio.rate < 1 || audio.rate > UINT32_MAX / 65536)
    return invalid_argument("a sample rate of {} cannot be written", audio.rate);
  const bool pcm = kind == WavSamples::kPcm16;
  const int64_t channels = t.dim(0), count = t.dim(1);
  const int64_t block = channels * (pcm ? 2 : 4);
  const auto size = static_cast<uint64_t>(block) * static_cast<uint64_t>(count);
  const bool large = size > UINT32_MAX - 64;
  std::string h = large ? "RF64" : "RIFF";
  append_le<uint32_t>(h, large ? UINT32_MAX : static_cast<uint32_t>(36 + size + size % 2));
  h += "WAVE";
  if (large) {
    h += "ds64";
    append_le<uint32_t>(h, 28);
    append_le<uint64_t>(h, 72 + size);
    append_le<uint64_t>(h, size);
    append_le<uint64_t>(h, static_cast<uint64_t>(count));
    append_le<uint32_t>(h, 0);
  }
  h += "fmt ";
  append_le<uint32_t>(h, 16);
  append_le<uint16_t>(h, pcm ? kPcm : kFloat);
  append_le<uint16_t>(h, static_cast<uint16_t>(channels));
  append_le<uint32_t>(h, static_cast<uint32_t>(audio.rate));
  append_le<uint32_t>(h, static_cast<uint32_t>(audio.rate * block));
  append_le<uint16_t>(h, static_cast<uint16_t>(block));
  append_le<uint16_t>(h, pcm ? 16 : 32);
  h += "data";
  append_le<uint32_t>(h, large ? UINT32_MAX : static_cast<uint32_t>(size));
  ANYRT_TRY(sink.write(as_bytes(h)));
  const float* samples = t.data<float>();
  std::string part;
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t c = 0; c < channels; ++c) {
      const float v = samples[c * count + i];
      if (pcm) {
        const float scaled = std::isnan(v) ? 0 : std::clamp(std::nearbyint(v * 32768.0f), -32768.0f, 32767.0f);
        append_le(part, static_cast<int16_t>(scaled));
      } else {
        append_le(part, v);
      }
    }
    if (part.size() > (1 << 16)) {
      ANYRT_TRY(sink.write(as_bytes(part)));
      part.clear();
    }
  }
  if (size % 2) part += '\0';
  return sink.write(as_bytes(part));
}

Status write_wav(const std::string& path, const Audio& audio, WavSamples samples) {
  return encode_to_file(path, [&](ByteSink& sink) { return encode_wav(audio, sink, samples); });
}

}  // namespace anyrt
