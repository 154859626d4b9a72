#include "codec/deflate.h"

#include <algorithm>
#include <array>
#include <limits>

#if ANYRT_HAVE_ZLIB
#include <zlib.h>
#endif

namespace anyrt {

#if ANYRT_HAVE_ZLIB

namespace {

// zlib counts in 32 bits; the rest waits for the next turn.
uInt next_part(size_t left) { return static_cast<uInt>(std::min<size_t>(left, std::numeric_limits<uInt>::max() / 2)); }

Bytef* zlib_bytes(const std::byte* p) { return reinterpret_cast<Bytef*>(const_cast<std::byte*>(p)); }

}  // namespace

bool have_deflate() { return true; }

uint32_t crc32_of(Bytes bytes) { return static_cast<uint32_t>(crc32_z(0, zlib_bytes(bytes.data()), bytes.size())); }

Expected<std::string> deflate_bytes(Bytes bytes) {
  z_stream z = {};
  if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    return make_error(Code::kResourceExhausted, "out of memory for compression");
  }
  std::string out;
  char block[1 << 16];
  size_t left = bytes.size();
  z.next_in = zlib_bytes(bytes.data());
  int result = Z_OK;
  do {
    if (z.avail_in == 0) {
      z.avail_in = next_part(left);
      left -= z.avail_in;
    }
    z.next_out = reinterpret_cast<Bytef*>(block);
    z.avail_out = sizeof(block);
    result = deflate(&z, left == 0 ? Z_FINISH : Z_NO_FLUSH);
    out.append(block, sizeof(block) - z.avail_out);
  } while (result == Z_OK || result == Z_BUF_ERROR);
  deflateEnd(&z);
  if (result != Z_STREAM_END) return internal_error("zlib cannot compress: error {}", result);
  return out;
}

Status inflate_bytes(Bytes bytes, std::span<std::byte> out) {
  z_stream z = {};
  if (inflateInit2(&z, -MAX_WBITS) != Z_OK) return make_error(Code::kResourceExhausted, "out of memory for unpacking");
  size_t in_left = bytes.size();
  size_t out_left = out.size();
  z.next_in = zlib_bytes(bytes.data());
  z.next_out = zlib_bytes(out.data());
  Bytef spare = 0;
  bool full = false;
  int result = Z_OK;
  while (result == Z_OK) {
    if (z.avail_in == 0) {
      z.avail_in = next_part(in_left);
      in_left -= z.avail_in;
    }
    if (z.avail_out == 0) {
      z.avail_out = next_part(out_left);
      out_left -= z.avail_out;
      if (z.avail_out == 0) {
        // One byte more than allowed shows whether the stream ends here.
        if (full) break;
        full = true;
        z.next_out = &spare;
        z.avail_out = 1;
      }
    }
    result = inflate(&z, Z_NO_FLUSH);
  }
  const bool exact = out_left == 0 && (full ? z.avail_out == 1 : z.avail_out == 0);
  const bool all_used = in_left == 0 && z.avail_in == 0;
  inflateEnd(&z);
  if (result == Z_STREAM_END && exact && all_used) return ok_status();
  if (result == Z_DATA_ERROR) return invalid_argument("compressed data are broken");
  return invalid_argument("compressed data do not unpack to the {} bytes that were declared", out.size());
}

#else

namespace {

constexpr std::array<uint32_t, 256> make_crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t c = i;
    for (int k = 0; k < 8; ++k) c = (c & 1) ? 0xedb88320u ^ (c >> 1) : c >> 1;
    table[i] = c;
  }
  return table;
}

Status missing() {
  return not_implemented("this build has no zlib (ANYRT_ZLIB=OFF): compressed data cannot be read or written");
}

}  // namespace

bool have_deflate() { return false; }

uint32_t crc32_of(Bytes bytes) {
  static constexpr std::array<uint32_t, 256> kTable = make_crc_table();
  uint32_t crc = ~0u;
  for (std::byte b : bytes) crc = kTable[(crc ^ static_cast<uint32_t>(b)) & 255] ^ (crc >> 8);
  return ~crc;
}

Expected<std::string> deflate_bytes(Bytes) { return missing(); }
Status inflate_bytes(Bytes, std::span<std::byte>) { return missing(); }

#endif

}  // namespace anyrt
