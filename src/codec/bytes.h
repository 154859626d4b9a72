#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

namespace anyrt {

using Bytes = std::span<const std::byte>;

inline Bytes as_bytes(std::string_view text) { return {reinterpret_cast<const std::byte*>(text.data()), text.size()}; }
inline std::string_view as_text(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

// True when [offset, offset + length) lies inside of `bytes`; never overflows.
inline bool contains(Bytes bytes, uint64_t offset, uint64_t length) {
  return offset <= bytes.size() && length <= bytes.size() - offset;
}

template <class T>
T byte_swapped(T value) {
  std::byte b[sizeof(T)];
  std::memcpy(b, &value, sizeof(T));
  for (size_t i = 0; i < sizeof(T) / 2; ++i) std::swap(b[i], b[sizeof(T) - 1 - i]);
  std::memcpy(&value, b, sizeof(T));
  return value;
}

// Unaligned loads and stores; the caller has checked the bounds.
template <class T>
T load_le(const std::byte* p) {
  static_assert(std::is_arithmetic_v<T>);
  T value;
  std::memcpy(&value, p, sizeof(T));
  return std::endian::native == std::endian::little ? value : byte_swapped(value);
}
template <class T>
T load_be(const std::byte* p) {
  static_assert(std::is_arithmetic_v<T>);
  T value;
  std::memcpy(&value, p, sizeof(T));
  return std::endian::native == std::endian::big ? value : byte_swapped(value);
}
template <class T, class StringT>
void append_le(StringT& out, T value) {
  if (std::endian::native == std::endian::big) value = byte_swapped(value);
  out.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

}  // namespace anyrt
