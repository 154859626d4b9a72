#pragma once

#include <string>

#include "base/status.h"
#include "codec/bytes.h"
#include "codec/sink.h"
#include "tensor/tensor.h"

namespace anyrt {

struct Audio {
  Tensor samples;    // float32 [channels, samples]; full scale is [-1, 1)
  int64_t rate = 0;  // samples a second
};

// Reads RIFF/WAVE and RF64 files: PCM of 8 to 32 bits, float of 32 and 64 bits, A-law and mu-law, plain or
// "extensible". A data chunk whose length was left open (0xffffffff, as programs that write to a pipe do) reaches to
// the end of the file.
Expected<Audio> decode_wav(Bytes file);
Expected<Audio> read_wav(const std::string& path);

enum class WavSamples : uint8_t { kPcm16, kFloat32 };
// Values beyond [-1, 1) are clamped in PCM.
Status encode_wav(const Audio& audio, ByteSink& sink, WavSamples samples = WavSamples::kPcm16);
Status write_wav(const std::string& path, const Audio& audio, WavSamples samples = WavSamples::kPcm16);

// The mean of all channels: [1, samples].
Expected<Tensor> mix_to_mono(const Tensor& samples);

// To another rate by a Kaiser-windowed sinc of 32 zero crossings to either side, cut off at 95 % of the lower Nyquist
// frequency; without delay; ceil(samples * rate / audio.rate) samples; silence is assumed around the sound.
Expected<Audio> resample_audio(const Audio& audio, int64_t rate);

}  // namespace anyrt
