#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace anyrt {

namespace detail {
inline uint64_t fold(uint64_t a, uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

inline uint64_t load_little(const unsigned char* p, size_t n) {
  uint64_t value = 0;
  std::memcpy(&value, p, n);
  if constexpr (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) value = __builtin_bswap64(value);
  return value;
}
}  // namespace detail

inline uint64_t hash_combine(uint64_t a, uint64_t b) {
  return detail::fold(a ^ 0x8c9f1b3e6a5d7c41ull, b ^ 0xd1b54a32d192ed03ull);
}

// A 64-bit hash for cache keys and tables: the same on every machine and in every version; not against adversaries.
inline uint64_t hash_bytes(const void* data, size_t size, uint64_t seed = 0) {
  const auto* p = static_cast<const unsigned char*>(data);
  uint64_t lanes[4] = {seed ^ 0x9e3779b97f4a7c15ull, seed ^ 0xc2b2ae3d27d4eb4full, seed ^ 0x165667b19e3779f9ull,
                       seed ^ 0x27d4eb2f165667c5ull};
  size_t left = size;
  for (; left >= 64; left -= 64, p += 64) {
    for (size_t i = 0; i < 4; ++i) {
      lanes[i] = detail::fold(lanes[i] ^ detail::load_little(p + 16 * i, 8),
                              detail::load_little(p + 16 * i + 8, 8) ^ 0xa0761d6478bd642full) +
                 lanes[i];
    }
  }
  uint64_t hash = hash_combine(hash_combine(lanes[0], lanes[1]), hash_combine(lanes[2], lanes[3]));
  for (; left >= 8; left -= 8, p += 8) hash = hash_combine(hash, detail::load_little(p, 8));
  if (left > 0) hash = hash_combine(hash, detail::load_little(p, left));
  return hash_combine(hash, size);
}

inline uint64_t hash_text(std::string_view text, uint64_t seed = 0) {
  return hash_bytes(text.data(), text.size(), seed);
}

}  // namespace anyrt
