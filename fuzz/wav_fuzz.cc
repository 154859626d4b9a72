#include <cstdint>
#include <cstdlib>

#include "codec/wav.h"

using namespace anyrt;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto audio = decode_wav({reinterpret_cast<const std::byte*>(data), size});
  if (!audio.ok()) return 0;
  const auto mono = mix_to_mono(audio->samples);
  if (!mono.ok()) std::abort();
  if (mono->size() > 4096) return 0;
  // Rates a thousand times apart are allowed, but slow.
  if (audio->rate > 400 && audio->rate < 400000) (void)resample_audio({*mono, audio->rate}, 16000).ok();
  StringSink sink;
  (void)encode_wav(*audio, sink).ok();
  return 0;
}
