#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "tensor/dtype.h"

namespace anyrt::narrow {

// Bit-level conversions between float and the narrower formats, inline so that loops over them vectorise.

// What a format does with infinities, NaN and minus zero.
enum class Specials : uint8_t {
  kIeee,  // infinities and NaN as in IEEE 754
  kFn,    // no infinities; only all ones is NaN
  kFnuz,  // no infinities, no minus zero; 0x80 is the one NaN
  kNone,  // neither infinities nor NaN
};

// Rounds the magnitude of a float to nearest even at `kMant` mantissa bits and returns the code without the sign. Codes
// above the largest finite one are not clipped. `abs_bits` must not be NaN.
template <int kExp, int kMant, int kBias>
inline uint32_t round_magnitude(uint32_t abs_bits) {
  constexpr int kDrop = 23 - kMant;
  constexpr uint32_t kMinNormal = static_cast<uint32_t>(127 + 1 - kBias) << 23;
  const uint32_t normal = ((abs_bits + ((1u << (kDrop - 1)) - 1) + ((abs_bits >> kDrop) & 1u)) >> kDrop) -
                          (static_cast<uint32_t>(127 - kBias) << kMant);
  // Below the smallest normal number the quantum is fixed: adding a float of that quantum rounds in the adder.
  constexpr uint32_t kMagic = static_cast<uint32_t>(127 + 1 - kBias - kMant + 23) << 23;
  const uint32_t subnormal =
      std::bit_cast<uint32_t>(std::bit_cast<float>(abs_bits) + std::bit_cast<float>(kMagic)) - kMagic;
  return abs_bits < kMinNormal ? subnormal : normal;
}

inline uint16_t to_half(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = (bits >> 16) & 0x8000u;
  const uint32_t abs_bits = bits & 0x7fffffffu;
  uint32_t code = round_magnitude<5, 10, 15>(abs_bits < 0x47800000u ? abs_bits : 0x47800000u);
  code = abs_bits > 0x7f800000u ? 0x7e00u | ((abs_bits >> 13) & 0x3ffu) : code;
  return static_cast<uint16_t>(sign | code);
}

inline float from_half(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  const uint32_t body = static_cast<uint32_t>(half & 0x7fffu) << 13;
  const uint32_t exponent = body & 0x0f800000u;
  const uint32_t normal = body + ((127u - 15u) << 23);
  const uint32_t special = normal + ((128u - 16u) << 23);
  // A subnormal is its mantissa in units of 2^-24: subtract the implicit one of 2^-14.
  constexpr uint32_t kMinNormal = (127u - 14u) << 23;
  const uint32_t subnormal =
      std::bit_cast<uint32_t>(std::bit_cast<float>(body + kMinNormal) - std::bit_cast<float>(kMinNormal));
  const uint32_t magnitude = exponent == 0 ? subnormal : (exponent == 0x0f800000u ? special : normal);
  return std::bit_cast<float>(sign | magnitude);
}

inline uint16_t to_bfloat(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  const uint32_t nan = ((bits >> 16) & 0x8000u) | 0x7fc0u;
  return static_cast<uint16_t>((bits & 0x7fffffffu) > 0x7f800000u ? nan : rounded);
}

inline float from_bfloat(uint16_t value) { return std::bit_cast<float>(static_cast<uint32_t>(value) << 16); }

// One of the four 8-bit formats. `kMax` is the code of the largest finite value.
template <int kExp, int kMant, int kBias, Specials kSpecials, uint32_t kMax>
inline uint8_t to_float8(float value, bool saturate) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t abs_bits = bits & 0x7fffffffu;
  uint32_t sign = (bits >> 24) & 0x80u;
  constexpr uint32_t kNan = kSpecials == Specials::kIeee ? 0x7eu : kSpecials == Specials::kFn ? 0x7fu : 0x80u;
  constexpr uint32_t kOverflow = kSpecials == Specials::kIeee ? 0x7cu : kNan;
  constexpr uint32_t kClip = 0x48000000u;  // 2^17, above every format's range
  uint32_t code = round_magnitude<kExp, kMant, kBias>(abs_bits < kClip ? abs_bits : kClip);
  code = code > kMax ? (saturate ? kMax : kOverflow) : code;
  code = abs_bits > 0x7f800000u ? kNan : code;
  if constexpr (kSpecials == Specials::kFnuz) sign = (code & 0x7fu) == 0 ? 0 : sign;
  return static_cast<uint8_t>(sign | code);
}

inline uint8_t to_e4m3fn(float v, bool saturate) { return to_float8<4, 3, 7, Specials::kFn, 0x7e>(v, saturate); }
inline uint8_t to_e4m3fnuz(float v, bool saturate) { return to_float8<4, 3, 8, Specials::kFnuz, 0x7f>(v, saturate); }
inline uint8_t to_e5m2(float v, bool saturate) { return to_float8<5, 2, 15, Specials::kIeee, 0x7b>(v, saturate); }
inline uint8_t to_e5m2fnuz(float v, bool saturate) { return to_float8<5, 2, 16, Specials::kFnuz, 0x7f>(v, saturate); }

// Always saturates: there is neither infinity nor NaN. NaN becomes a zero.
inline uint8_t to_e2m1(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t abs_bits = bits & 0x7fffffffu;
  const uint32_t sign = (bits >> 28) & 8u;
  constexpr uint32_t kClip = 0x41000000u;  // 8
  uint32_t code = round_magnitude<2, 1, 1>(abs_bits < kClip ? abs_bits : kClip);
  code = code > 7u ? 7u : code;
  return static_cast<uint8_t>(abs_bits > 0x7f800000u ? sign ^ 8u : sign | code);
}

// A power of two from 2^-127 to 2^127; 0xff is NaN. The sign is ignored.
uint8_t to_e8m0(float value, bool saturate, F8Round round);

// Values of all codes.
extern const std::array<float, 256> kE4M3FN;
extern const std::array<float, 256> kE4M3FNUZ;
extern const std::array<float, 256> kE5M2;
extern const std::array<float, 256> kE5M2FNUZ;
extern const std::array<float, 256> kE8M0;
extern const std::array<float, 16> kE2M1;

// The float next to `value` toward zero when inexact, its last bit set: rounding that to at most 22 bits gives the same
// as rounding `value` directly.
inline float round_to_odd(double value) {
  const float nearest = static_cast<float>(value);
  const double back = nearest;
  uint32_t bits = std::bit_cast<uint32_t>(nearest);
  const double magnitude = value < 0 ? -value : value;
  const double back_magnitude = back < 0 ? -back : back;
  bits -= back_magnitude > magnitude ? 1u : 0u;
  bits |= back_magnitude != magnitude ? 1u : 0u;
  return value != value ? nearest : std::bit_cast<float>(bits);
}

}  // namespace anyrt::narrow
