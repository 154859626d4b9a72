#include <algorithm>
#include <array>
#include <bit>

#include "codec/image_formats.h"

namespace anyrt {

namespace {

enum Compression : uint32_t { kPlain = 0, kRle8 = 1, kRle4 = 2, kBitFields = 3, kAlphaBitFields = 6 };

struct Header {
  int64_t width = 0, height = 0;
  bool top_down = false;
  int bits = 0;
  uint32_t compression = kPlain;
  std::array<uint32_t, 3> masks{};  // red, green, blue
  std::array<std::array<uint8_t, 3>, 256> palette{};
  size_t pixels = 0;  // offset
};

Status cut_off() { return invalid_argument("the data end before the last pixel"); }

Status read_masks(Bytes file, Header& h) {
  const int n = h.bits;
  if (h.compression != kBitFields && h.compression != kAlphaBitFields) {
    if (n == 16) h.masks = {0x7c00, 0x03e0, 0x001f};
    if (n == 32) h.masks = {0xff0000, 0x00ff00, 0x0000ff};
    return ok_status();
  }
  if (!contains(file, 14 + 40, 12)) return invalid_argument("the header is cut off");
  for (size_t i = 0; i < 3; ++i) {
    const uint32_t mask = load_le<uint32_t>(file.data() + 54 + 4 * i);
    const uint32_t ones = mask >> (mask ? std::countr_zero(mask) : 0);
    if ((ones & (ones + 1)) != 0 || (n == 16 && mask > 0xffff))
      return invalid_argument("the colour mask {:#x} is broken", mask);
    h.masks[i] = mask;
  }
  return ok_status();
}

Expected<Header> read_header(Bytes file) {
  if (file.size() < 26) return invalid_argument("the header is cut off");
  Header h;
  h.pixels = load_le<uint32_t>(file.data() + 10);
  const size_t size = load_le<uint32_t>(file.data() + 14);
  const bool core = size == 12;
  if (!core && (size < 16 || size > 4096)) return invalid_argument("the header is said to have {} bytes", size);
  if (!contains(file, 14, size)) return invalid_argument("the header is cut off");
  auto field32 = [&](size_t at) { return at + 4 <= size ? load_le<uint32_t>(file.data() + 14 + at) : 0; };
  if (core) {
    h.width = load_le<uint16_t>(file.data() + 18);
    h.height = load_le<uint16_t>(file.data() + 20);
    h.bits = load_le<uint16_t>(file.data() + 24);
  } else {
    h.width = load_le<int32_t>(file.data() + 18);
    h.height = load_le<int32_t>(file.data() + 22);
    h.bits = load_le<uint16_t>(file.data() + 28);
    h.compression = field32(16);
  }
  if (h.height < 0) {
    h.top_down = true;
    h.height = -h.height;
  }
  if (h.width < 0) return invalid_argument("the width is {}", h.width);
  const bool known_bits =
      h.bits == 1 || h.bits == 2 || h.bits == 4 || h.bits == 8 || h.bits == 16 || h.bits == 24 || h.bits == 32;
  if (!known_bits) return invalid_argument("{} bits for each pixel; 1, 2, 4, 8, 16, 24 and 32 are known", h.bits);
  const bool fields = h.compression == kBitFields || h.compression == kAlphaBitFields;
  if (!(h.compression == kPlain || (h.compression == kRle8 && h.bits == 8) || (h.compression == kRle4 && h.bits == 4) ||
        (fields && (h.bits == 16 || h.bits == 32)))) {
    return not_implemented("compression {} of {} bits for each pixel", h.compression, h.bits);
  }
  if (h.top_down && (h.compression == kRle8 || h.compression == kRle4)) {
    return invalid_argument("a compressed picture cannot be stored from the top down");
  }
  ANYRT_TRY(read_masks(file, h));
  if (h.bits <= 8) {
    const size_t entry = core ? 3 : 4;
    const size_t most = size_t{1} << h.bits;
    const size_t used = core ? 0 : field32(32);
    const size_t begin = 14 + size;
    const size_t end = std::min(h.pixels, file.size());
    const size_t room = end > begin ? (end - begin) / entry : 0;
    const size_t count = std::min({used ? used : most, most, room});
    for (size_t i = 0; i < count; ++i) {
      const std::byte* p = file.data() + begin + i * entry;
      for (size_t k = 0; k < 3; ++k) h.palette[i][k] = static_cast<uint8_t>(p[2 - k]);
    }
  }
  return h;
}

// The bits under the mask, scaled to 0..255.
uint8_t masked(uint32_t value, uint32_t mask) {
  if (mask == 0) return 0;
  const uint64_t most = mask >> std::countr_zero(mask);
  return static_cast<uint8_t>(((value & mask) >> std::countr_zero(mask)) * uint64_t{255} / most);
}

void put_index(const Header& h, int index, uint8_t* out) {
  std::copy_n(h.palette[static_cast<size_t>(index)].data(), 3, out);
}

Status read_plain(Bytes data, const Header& h, Raster& r) {
  const size_t stride = (static_cast<size_t>(h.width) * static_cast<size_t>(h.bits) + 31) / 32 * 4;
  // Some writers leave out the padding of the last row.
  const size_t last = (static_cast<size_t>(h.width) * static_cast<size_t>(h.bits) + 7) / 8;
  if (data.size() < stride * static_cast<size_t>(h.height - 1) + last) return cut_off();
  for (int64_t y = 0; y < h.height; ++y) {
    const auto* p = reinterpret_cast<const uint8_t*>(data.data()) + stride * static_cast<size_t>(y);
    uint8_t* out = r.row(h.top_down ? y : h.height - 1 - y);
    for (int64_t x = 0; x < h.width; ++x, out += 3) {
      if (h.bits <= 8) {
        const int per_byte = 8 / h.bits;
        const int shift = 8 - h.bits * (1 + static_cast<int>(x % per_byte));
        put_index(h, (p[x / per_byte] >> shift) & ((1 << h.bits) - 1), out);
      } else if (h.bits == 24) {
        for (int k = 0; k < 3; ++k) out[k] = p[3 * x + 2 - k];
      } else {
        const uint32_t value = h.bits == 16 ? static_cast<uint32_t>(p[2 * x] | p[2 * x + 1] << 8)
                                            : load_le<uint32_t>(reinterpret_cast<const std::byte*>(p) + 4 * x);
        for (size_t k = 0; k < 3; ++k) out[k] = masked(value, h.masks[k]);
      }
    }
  }
  return ok_status();
}

// Runs (count, index), and after a zero: end of line, end of picture, a jump, or a literal row of indices.
Status read_runs(Bytes data, const Header& h, Raster& r) {
  for (int64_t y = 0; y < h.height; ++y) {
    uint8_t* out = r.row(y);
    for (int64_t x = 0; x < h.width; ++x) put_index(h, 0, out + 3 * x);
  }
  const bool nibbles = h.compression == kRle4;
  const auto* p = reinterpret_cast<const uint8_t*>(data.data());
  const uint8_t* end = p + data.size();
  int64_t x = 0, y = 0;
  auto put = [&](int index) {
    if (x < h.width && y < h.height) put_index(h, index, r.row(h.height - 1 - y) + 3 * x);
    ++x;
  };
  while (y < h.height) {
    if (end - p < 2) return cut_off();
    const int count = p[0], value = p[1];
    p += 2;
    if (count > 0) {
      for (int i = 0; i < count; ++i) put(nibbles ? (i % 2 ? value & 15 : value >> 4) : value);
    } else if (value == 0) {
      x = 0;
      ++y;
    } else if (value == 1) {
      return ok_status();
    } else if (value == 2) {
      if (end - p < 2) return cut_off();
      x += p[0];
      y += p[1];
      p += 2;
    } else {
      const int bytes = nibbles ? (value + 1) / 2 : value;
      if (end - p < bytes + bytes % 2) return cut_off();
      for (int i = 0; i < value; ++i) put(nibbles ? (i % 2 ? p[i / 2] & 15 : p[i / 2] >> 4) : p[i]);
      p += bytes + bytes % 2;
    }
    x = std::min(x, h.width);
  }
  return ok_status();
}

}  // namespace

Expected<Raster> decode_bmp(Bytes file, int64_t max_pixels) {
  ANYRT_ASSIGN(const Header h, read_header(file));
  ANYRT_TRY(check_image_size(static_cast<uint64_t>(h.width), static_cast<uint64_t>(h.height), file.size(), max_pixels));
  if (h.pixels > file.size()) return cut_off();
  ANYRT_ASSIGN(Raster r, make_raster(static_cast<uint64_t>(h.width), static_cast<uint64_t>(h.height), 3, file.size(),
                                     max_pixels));
  const Bytes data = file.subspan(h.pixels);
  const bool runs = h.compression == kRle8 || h.compression == kRle4;
  ANYRT_TRY(runs ? read_runs(data, h, r) : read_plain(data, h, r));
  return r;
}

}  // namespace anyrt
