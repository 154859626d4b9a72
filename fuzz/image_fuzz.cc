#include <cstdint>
#include <cstdlib>

#include "codec/image.h"

using namespace anyrt;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Bytes file(reinterpret_cast<const std::byte*>(data), size);
  // The last byte chooses what is asked for; pictures rarely mind it.
  const uint8_t choice = size ? data[size - 1] : 0;
  const ImageOptions options{
      .format = static_cast<PixelFormat>(choice % 3), .orient = (choice & 64) != 0, .max_pixels = 1 << 18};
  const auto image = decode_image(file, options);
  if (!image.ok()) return 0;
  uint64_t sum = 0;
  for (uint8_t v : image->span<uint8_t>()) sum += v;
  if (sum > uint64_t{255} * (1 << 18) * 3) std::abort();
  return 0;
}
