#include "codec/text.h"

namespace anyrt {

bool append_utf8(std::string& out, uint32_t c) {
  if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) return false;
  auto tail = [&](int shift) { out += static_cast<char>(0x80 | ((c >> shift) & 0x3f)); };
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xc0 | (c >> 6));
    tail(0);
  } else if (c < 0x10000) {
    out += static_cast<char>(0xe0 | (c >> 12));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xf0 | (c >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
  return true;
}

std::optional<std::u32string> decode_utf8(std::string_view text) {
  std::u32string out;
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<uint8_t>(text[i++]);
    if (lead < 0x80) {
      out += static_cast<char32_t>(lead);
      continue;
    }
    const int more = lead >= 0xf0 && lead < 0xf5   ? 3
                     : lead >= 0xe0 && lead < 0xf0 ? 2
                     : lead >= 0xc2 && lead < 0xe0 ? 1
                                                   : 0;
    if (more == 0 || text.size() - i < static_cast<size_t>(more)) return std::nullopt;
    uint32_t c = lead & (0x3f >> more);
    for (int k = 0; k < more; ++k) {
      const auto byte = static_cast<uint8_t>(text[i++]);
      if ((byte & 0xc0) != 0x80) return std::nullopt;
      c = (c << 6) | (byte & 0x3f);
    }
    constexpr uint32_t kFirst[] = {0, 0x80, 0x800, 0x10000};
    if (c < kFirst[more] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) return std::nullopt;
    out += static_cast<char32_t>(c);
  }
  return out;
}

}  // namespace anyrt
