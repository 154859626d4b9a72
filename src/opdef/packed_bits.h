#pragma once

#include <cstdint>

#include "base/status.h"

// Integers of 2, 4 or 8 bits packed into bytes, low bits first, as the block-quantised weights of com.microsoft are.

namespace anyrt {

inline unsigned packed_at(const uint8_t* bytes, int64_t i, int64_t bits) {
  const int64_t at = i * bits;
  return (static_cast<unsigned>(bytes[at / 8]) >> (at % 8)) & ((1u << bits) - 1u);
}

inline Status check_packing(int64_t bits, int64_t block_size) {
  if (bits != 2 && bits != 4 && bits != 8) return invalid_argument("bits is {}, expected 2, 4 or 8", bits);
  if (block_size < 16 || block_size > (int64_t{1} << 30) || (block_size & (block_size - 1)) != 0)
    return invalid_argument("block_size is {}, expected a power of two from 16 on", block_size);
  return {};
}

inline int64_t divide_up(int64_t a, int64_t b) { return a / b + (a % b != 0); }

}  // namespace anyrt
