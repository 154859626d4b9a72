#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/dtype.h"

namespace anyrt::onnx {

// Files keep 4-bit elements two and 2-bit elements four to a byte, the first in the low bits; memory keeps one a byte,
// sign-extended where the type is signed.
inline size_t packed_bytes(size_t count, int bits) {
  const size_t per_byte = 8 / static_cast<size_t>(bits);
  return count / per_byte + (count % per_byte != 0);
}

inline void unpack_bits(const uint8_t* from, size_t count, DType dtype, uint8_t* to) {
  const unsigned bits = static_cast<unsigned>(bits_in_file(dtype));
  const unsigned per_byte = 8 / bits;
  const unsigned mask = (1u << bits) - 1;
  const unsigned sign = is_signed_int(dtype) ? 1u << (bits - 1) : 0;
  for (size_t i = 0; i < count; ++i) {
    const unsigned value = (static_cast<unsigned>(from[i / per_byte]) >> (bits * (i % per_byte))) & mask;
    to[i] = static_cast<uint8_t>((value ^ sign) - sign);
  }
}

inline void pack_bits(const uint8_t* from, size_t count, DType dtype, uint8_t* to) {
  const unsigned bits = static_cast<unsigned>(bits_in_file(dtype));
  const unsigned per_byte = 8 / bits;
  const unsigned mask = (1u << bits) - 1;
  for (size_t i = 0; i < count; i += per_byte) {
    unsigned byte = 0;
    for (size_t k = 0; k < per_byte && i + k < count; ++k) byte |= (from[i + k] & mask) << (bits * k);
    to[i / per_byte] = static_cast<uint8_t>(byte);
  }
}

}  // namespace anyrt::onnx
