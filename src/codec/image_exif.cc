#include "codec/image_formats.h"

namespace anyrt {

int exif_orientation(Bytes exif) {
  constexpr uint16_t kOrientationTag = 0x0112, kShort = 3;
  if (exif.size() < 8) return 1;
  const std::string_view magic = as_text(exif.first(4));
  const bool little = magic == std::string_view("II*\0", 4);
  if (!little && magic != std::string_view("MM\0*", 4)) return 1;
  auto u16 = [&](size_t at) {
    return little ? load_le<uint16_t>(exif.data() + at) : load_be<uint16_t>(exif.data() + at);
  };
  const uint32_t directory = little ? load_le<uint32_t>(exif.data() + 4) : load_be<uint32_t>(exif.data() + 4);
  if (!contains(exif, directory, 2)) return 1;
  const size_t count = u16(directory);
  for (size_t i = 0; i < count; ++i) {
    const size_t at = size_t{directory} + 2 + 12 * i;
    if (!contains(exif, at, 12)) return 1;
    if (u16(at) == kOrientationTag && u16(at + 2) == kShort) {
      const int value = u16(at + 8);
      return value >= 1 && value <= 8 ? value : 1;
    }
  }
  return 1;
}

}  // namespace anyrt
