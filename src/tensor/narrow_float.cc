#include "tensor/narrow_float.h"

namespace anyrt {
namespace narrow {
namespace {

constexpr float kNan = __builtin_nanf("");
constexpr float kInf = __builtin_inff();

constexpr float power_of_two(int exponent) {
  float v = 1;
  for (; exponent > 0; --exponent) v *= 2;
  for (; exponent < 0; ++exponent) v /= 2;
  return v;
}

template <int kExp, int kMant, int kBias, Specials kSpecials>
constexpr float decode(unsigned code) {
  constexpr unsigned kSign = 1u << (kExp + kMant);
  const unsigned magnitude = code & (kSign - 1);
  const int exponent = static_cast<int>(magnitude >> kMant);
  const unsigned mantissa = magnitude & ((1u << kMant) - 1);
  float value = exponent == 0 ? static_cast<float>(mantissa) * power_of_two(1 - kBias - kMant)
                              : static_cast<float>(mantissa + (1u << kMant)) * power_of_two(exponent - kBias - kMant);
  if (kSpecials == Specials::kFnuz && code == kSign) return kNan;
  if (kSpecials == Specials::kFn && magnitude == kSign - 1) value = kNan;
  if (kSpecials == Specials::kIeee && exponent == (1 << kExp) - 1) value = mantissa == 0 ? kInf : kNan;
  return (code & kSign) != 0 ? -value : value;
}

template <int kExp, int kMant, int kBias, Specials kSpecials>
constexpr auto make_table() {
  std::array<float, (1u << (kExp + kMant + 1))> table{};
  for (unsigned i = 0; i < table.size(); ++i) table[i] = decode<kExp, kMant, kBias, kSpecials>(i);
  return table;
}

constexpr std::array<float, 256> make_e8m0_table() {
  std::array<float, 256> table{};
  for (int i = 0; i < 255; ++i) table[static_cast<size_t>(i)] = power_of_two(i - 127);
  table[255] = kNan;
  return table;
}

}  // namespace

constexpr std::array<float, 256> kE4M3FN = make_table<4, 3, 7, Specials::kFn>();
constexpr std::array<float, 256> kE4M3FNUZ = make_table<4, 3, 8, Specials::kFnuz>();
constexpr std::array<float, 256> kE5M2 = make_table<5, 2, 15, Specials::kIeee>();
constexpr std::array<float, 256> kE5M2FNUZ = make_table<5, 2, 16, Specials::kFnuz>();
constexpr std::array<float, 256> kE8M0 = make_e8m0_table();
constexpr std::array<float, 16> kE2M1 = make_table<2, 1, 1, Specials::kNone>();

uint8_t to_e8m0(float value, bool saturate, F8Round round) {
  constexpr uint8_t kNanCode = 0xff, kMaxCode = 0xfe;
  constexpr uint32_t kMinBits = 0x00400000u;  // 2^-127
  constexpr uint32_t kMaxBits = 0x7f000000u;  // 2^127
  const uint32_t bits = std::bit_cast<uint32_t>(value) & 0x7fffffffu;
  if (bits > 0x7f800000u) return kNanCode;
  if (bits >= kMaxBits) return bits == kMaxBits || saturate ? kMaxCode : kNanCode;
  if (bits <= kMinBits) return bits == kMinBits || saturate ? 0 : kNanCode;
  const uint32_t floor = bits >> 23;
  // The powers of two around the value are not 2^23 apart in bits where floats are subnormal.
  const uint32_t below = floor == 0 ? kMinBits : floor << 23;
  const uint32_t half = floor == 0 ? 0x00600000u : below + 0x00400000u;
  bool up = false;
  switch (round) {
    case F8Round::kNearest: up = bits >= half; break;
    case F8Round::kUp: up = bits > below; break;
    case F8Round::kDown: break;
  }
  return static_cast<uint8_t>(floor + (up ? 1 : 0));
}

}  // namespace narrow

Float16::Float16(float value) : bits(narrow::to_half(value)) {}
Float16::operator float() const { return narrow::from_half(bits); }
BFloat16::BFloat16(float value) : bits(narrow::to_bfloat(value)) {}
BFloat16::operator float() const { return narrow::from_bfloat(bits); }

#define ANYRT_FLOAT8(Name, to, table)                          \
  Name Name::from_float(float value, bool saturate, F8Round) { \
    Name r;                                                    \
    r.bits = narrow::to(value, saturate);                      \
    return r;                                                  \
  }                                                            \
  Name::operator float() const { return narrow::table[bits]; }
ANYRT_FLOAT8(Float8E4M3FN, to_e4m3fn, kE4M3FN)
ANYRT_FLOAT8(Float8E4M3FNUZ, to_e4m3fnuz, kE4M3FNUZ)
ANYRT_FLOAT8(Float8E5M2, to_e5m2, kE5M2)
ANYRT_FLOAT8(Float8E5M2FNUZ, to_e5m2fnuz, kE5M2FNUZ)
#undef ANYRT_FLOAT8

Float8E8M0 Float8E8M0::from_float(float value, bool saturate, F8Round round) {
  Float8E8M0 r;
  r.bits = narrow::to_e8m0(value, saturate, round);
  return r;
}
Float8E8M0::operator float() const { return narrow::kE8M0[bits]; }

Float4E2M1 Float4E2M1::from_float(float value, bool, F8Round) {
  Float4E2M1 r;
  r.bits = narrow::to_e2m1(value);
  return r;
}
Float4E2M1::operator float() const { return narrow::kE2M1[bits & 15u]; }

}  // namespace anyrt
