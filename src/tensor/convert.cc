#include "tensor/convert.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "tensor/narrow_float.h"

namespace anyrt {
namespace {

// Elements go through a wide type (float, double, int64 or uint64) in blocks: one loop for each pair of narrow and wide
// type instead of one for each pair of types. The inner loops have a constant count, so that the compiler vectorises
// them.
constexpr size_t kBlock = 256;
constexpr size_t kLanes = 16;

// Float to integer as x86 converts: truncation, and the smallest integer for what does not fit.
template <class F>
int32_t truncate_to_int32(F v) {
  constexpr F kLow = sizeof(F) == 4 ? F(-2147483648.0) : F(-2147483649.0);
  const bool fits = (sizeof(F) == 4 ? v >= kLow : v > kLow) && v < F(2147483648.0);
  return fits ? static_cast<int32_t>(v) : std::numeric_limits<int32_t>::min();
}

template <class F>
int64_t truncate_to_int64(F v) {
  const bool fits = v >= F(-9223372036854775808.0) && v < F(9223372036854775808.0);
  return fits ? static_cast<int64_t>(v) : std::numeric_limits<int64_t>::min();
}

template <class F>
uint64_t truncate_to_uint64(F v) {
  constexpr F kHalf = F(9223372036854775808.0);
  if (v >= kHalf) return static_cast<uint64_t>(truncate_to_int64(v - kHalf)) ^ (uint64_t{1} << 63);
  return static_cast<uint64_t>(truncate_to_int64(v));
}

// An integer as a double whose last bit keeps what 53 bits cannot hold, so that a later rounding is right.
double odd_double(uint64_t magnitude) {
  if (magnitude >> 53) {
    const uint64_t lost = magnitude & 0x7ff;
    magnitude = (magnitude & ~uint64_t{0x7ff}) | (lost != 0 ? 0x800 : 0);
  }
  return static_cast<double>(magnitude);
}

// What is rounded to a narrow float: a float that rounds like the wide value.
float pre_round(float v) { return v; }
float pre_round(double v) { return narrow::round_to_odd(v); }
float pre_round(uint64_t v) { return narrow::round_to_odd(odd_double(v)); }
float pre_round(int64_t v) {
  const float magnitude = pre_round(v < 0 ? ~static_cast<uint64_t>(v) + 1 : static_cast<uint64_t>(v));
  return v < 0 ? -magnitude : magnitude;
}

struct Options {
  bool saturate;
  F8Round round;
};

// Readers: one element as a wide type W.
template <class W>
bool load_block(DType dtype, const void* from, size_t count, W* out) {
  auto each = [&](auto tag, auto convert) {
    const auto* p = static_cast<const typename decltype(tag)::type*>(from);
    for (size_t i = 0; i < count; i += kLanes) {
      for (size_t k = 0; k < kLanes; ++k) out[i + k] = static_cast<W>(convert(p[i + k]));
    }
    return true;
  };
  auto same = [](auto v) { return v; };
  auto low4 = [](uint8_t v) { return v & 15; };
  auto low2 = [](uint8_t v) { return v & 3; };
#define ANYRT_AS(T) \
  std::type_identity<T> {}
  switch (dtype) {
    case DType::kUInt8: return each(ANYRT_AS(uint8_t), same);
    case DType::kInt8:
    case DType::kInt4:
    case DType::kInt2: return each(ANYRT_AS(int8_t), same);
    case DType::kUInt16: return each(ANYRT_AS(uint16_t), same);
    case DType::kInt16: return each(ANYRT_AS(int16_t), same);
    case DType::kUInt4: return each(ANYRT_AS(uint8_t), low4);
    case DType::kUInt2: return each(ANYRT_AS(uint8_t), low2);
    case DType::kBool: return each(ANYRT_AS(uint8_t), [](uint8_t v) { return v != 0; });
    default: break;
  }
  if constexpr (!std::is_same_v<W, float>) {
    if (dtype == DType::kInt32) return each(ANYRT_AS(int32_t), same);
    if (dtype == DType::kUInt32) return each(ANYRT_AS(uint32_t), same);
  }
  if constexpr (std::is_integral_v<W>) {
    if (dtype == DType::kInt64 || dtype == DType::kUInt64) return each(ANYRT_AS(W), same);
  }
  if constexpr (std::is_same_v<W, double>) {
    if (dtype == DType::kFloat64) return each(ANYRT_AS(double), same);
  }
  if constexpr (std::is_same_v<W, float>) {
    switch (dtype) {
      case DType::kFloat32: return each(ANYRT_AS(float), same);
      case DType::kFloat16: return each(ANYRT_AS(uint16_t), narrow::from_half);
      case DType::kBFloat16: return each(ANYRT_AS(uint16_t), narrow::from_bfloat);
      case DType::kFloat8E4M3FN: return each(ANYRT_AS(uint8_t), [](uint8_t v) { return narrow::kE4M3FN[v]; });
      case DType::kFloat8E4M3FNUZ: return each(ANYRT_AS(uint8_t), [](uint8_t v) { return narrow::kE4M3FNUZ[v]; });
      case DType::kFloat8E5M2: return each(ANYRT_AS(uint8_t), [](uint8_t v) { return narrow::kE5M2[v]; });
      case DType::kFloat8E5M2FNUZ: return each(ANYRT_AS(uint8_t), [](uint8_t v) { return narrow::kE5M2FNUZ[v]; });
      case DType::kFloat8E8M0: return each(ANYRT_AS(uint8_t), [](uint8_t v) { return narrow::kE8M0[v]; });
      case DType::kFloat4E2M1: return each(ANYRT_AS(uint8_t), [](uint8_t v) { return narrow::kE2M1[v & 15]; });
      default: break;
    }
  }
  return false;
}

template <class To, class W>
To to_integer(W v) {
  if constexpr (std::is_integral_v<W>) {
    return static_cast<To>(v);
  } else if constexpr (sizeof(To) == 8) {
    return std::is_signed_v<To> ? static_cast<To>(truncate_to_int64(v)) : static_cast<To>(truncate_to_uint64(v));
  } else if constexpr (std::is_same_v<To, uint32_t>) {
    return static_cast<To>(truncate_to_int64(v));
  } else {
    return static_cast<To>(truncate_to_int32(v));
  }
}

template <class W>
void store_block(DType dtype, const W* in, size_t count, void* to, Options options) {
  auto each = [&](auto tag, auto convert) {
    auto* p = static_cast<typename decltype(tag)::type*>(to);
    for (size_t i = 0; i < count; i += kLanes) {
      for (size_t k = 0; k < kLanes; ++k) p[i + k] = convert(in[i + k]);
    }
  };
  const bool saturate = options.saturate;
  switch (dtype) {
    case DType::kFloat32: return each(ANYRT_AS(float), [](W v) { return static_cast<float>(v); });
    case DType::kFloat64: return each(ANYRT_AS(double), [](W v) { return static_cast<double>(v); });
    case DType::kUInt8: return each(ANYRT_AS(uint8_t), to_integer<uint8_t, W>);
    case DType::kInt8: return each(ANYRT_AS(int8_t), to_integer<int8_t, W>);
    case DType::kUInt16: return each(ANYRT_AS(uint16_t), to_integer<uint16_t, W>);
    case DType::kInt16: return each(ANYRT_AS(int16_t), to_integer<int16_t, W>);
    case DType::kUInt32: return each(ANYRT_AS(uint32_t), to_integer<uint32_t, W>);
    case DType::kInt32: return each(ANYRT_AS(int32_t), to_integer<int32_t, W>);
    case DType::kUInt64: return each(ANYRT_AS(uint64_t), to_integer<uint64_t, W>);
    case DType::kInt64: return each(ANYRT_AS(int64_t), to_integer<int64_t, W>);
    case DType::kBool: return each(ANYRT_AS(uint8_t), [](W v) { return static_cast<uint8_t>(v != 0); });
    case DType::kInt4: return each(ANYRT_AS(int8_t), [](W v) { return Int4(to_integer<int8_t>(v)).value; });
    case DType::kUInt4: return each(ANYRT_AS(uint8_t), [](W v) { return UInt4(to_integer<uint8_t>(v)).value; });
    case DType::kInt2: return each(ANYRT_AS(int8_t), [](W v) { return Int2(to_integer<int8_t>(v)).value; });
    case DType::kUInt2: return each(ANYRT_AS(uint8_t), [](W v) { return UInt2(to_integer<uint8_t>(v)).value; });
    case DType::kFloat16: return each(ANYRT_AS(uint16_t), [](W v) { return narrow::to_half(pre_round(v)); });
    case DType::kBFloat16: return each(ANYRT_AS(uint16_t), [](W v) { return narrow::to_bfloat(pre_round(v)); });
    case DType::kFloat8E4M3FN:
      return each(ANYRT_AS(uint8_t), [=](W v) { return narrow::to_e4m3fn(pre_round(v), saturate); });
    case DType::kFloat8E4M3FNUZ:
      return each(ANYRT_AS(uint8_t), [=](W v) { return narrow::to_e4m3fnuz(pre_round(v), saturate); });
    case DType::kFloat8E5M2:
      return each(ANYRT_AS(uint8_t), [=](W v) { return narrow::to_e5m2(pre_round(v), saturate); });
    case DType::kFloat8E5M2FNUZ:
      return each(ANYRT_AS(uint8_t), [=](W v) { return narrow::to_e5m2fnuz(pre_round(v), saturate); });
    case DType::kFloat8E8M0:
      return each(ANYRT_AS(uint8_t), [=](W v) { return narrow::to_e8m0(pre_round(v), saturate, options.round); });
    case DType::kFloat4E2M1: return each(ANYRT_AS(uint8_t), [](W v) { return narrow::to_e2m1(pre_round(v)); });
    default: break;
  }
}
#undef ANYRT_AS

// What is left behind the last whole group of lanes is converted in a padded group.
template <class W>
void convert_through(DType from_dtype, const std::byte* from, DType to_dtype, std::byte* to, size_t n,
                     Options options) {
  const size_t from_size = element_size(from_dtype), to_size = element_size(to_dtype);
  alignas(64) W wide[kBlock];
  alignas(64) std::byte padded[kLanes * sizeof(double)];
  while (n > 0) {
    const bool whole = n >= kLanes;
    const size_t count = whole ? std::min(kBlock, n / kLanes * kLanes) : kLanes;
    const std::byte* block = from;
    if (!whole) {
      std::memset(padded, 0, sizeof padded);
      std::memcpy(padded, from, n * from_size);
      block = padded;
    }
    if (from_dtype == dtype_of<W>) {
      std::memcpy(wide, block, count * sizeof(W));
    } else {
      load_block(from_dtype, block, count, wide);
    }
    store_block(to_dtype, wide, count, whole ? to : padded, options);
    if (!whole) {
      std::memcpy(to, padded, n * to_size);
      return;
    }
    n -= count;
    from += count * from_size;
    to += count * to_size;
  }
}

void convert_real(DType from_dtype, const std::byte* from, DType to_dtype, std::byte* to, size_t n, Options options) {
  const bool to_float_type = is_float(to_dtype);
  switch (from_dtype) {
    case DType::kFloat64: return convert_through<double>(from_dtype, from, to_dtype, to, n, options);
    case DType::kInt32:
    case DType::kUInt32:
      if (to_float_type) return convert_through<double>(from_dtype, from, to_dtype, to, n, options);
      return convert_through<int64_t>(from_dtype, from, to_dtype, to, n, options);
    case DType::kUInt64: return convert_through<uint64_t>(from_dtype, from, to_dtype, to, n, options);
    case DType::kInt64: return convert_through<int64_t>(from_dtype, from, to_dtype, to, n, options);
    default:
      if (is_float(from_dtype) || to_float_type) {
        return convert_through<float>(from_dtype, from, to_dtype, to, n, options);
      }
      return convert_through<int64_t>(from_dtype, from, to_dtype, to, n, options);
  }
}

// Complex numbers are pairs of reals: copies with a stride, through a small buffer.
void convert_complex(DType from_dtype, const std::byte* from, DType to_dtype, std::byte* to, size_t n,
                     Options options) {
  const bool from_complex = is_complex(from_dtype), to_complex = is_complex(to_dtype);
  const DType from_part = from_dtype == DType::kComplex64 ? DType::kFloat32 : DType::kFloat64;
  const DType to_part = to_dtype == DType::kComplex64 ? DType::kFloat32 : DType::kFloat64;
  if (from_complex && to_complex) return convert_real(from_part, from, to_part, to, 2 * n, options);
  double parts[2 * kBlock];
  const size_t from_size = element_size(from_dtype), to_size = element_size(to_dtype);
  for (size_t i = 0; i < n; i += kBlock, from += kBlock * from_size, to += kBlock * to_size) {
    const size_t count = n - i < kBlock ? n - i : kBlock;
    auto* bytes = reinterpret_cast<std::byte*>(parts);
    if (from_complex) {
      convert_real(from_part, from, DType::kFloat64, bytes, 2 * count, options);
      for (size_t k = 0; k < count; ++k) {
        const bool imaginary = to_dtype == DType::kBool && parts[2 * k] == 0;
        parts[k] = imaginary ? parts[2 * k + 1] : parts[2 * k];
      }
      convert_real(DType::kFloat64, bytes, to_dtype, to, count, options);
    } else {
      convert_real(from_dtype, from, DType::kFloat64, bytes, count, options);
      for (size_t k = count; k-- > 0;) {
        parts[2 * k] = parts[k];
        parts[2 * k + 1] = 0;
      }
      convert_real(DType::kFloat64, bytes, to_part, to, 2 * count, options);
    }
  }
}

}  // namespace

void convert_elements(DType from_dtype, const void* from, DType to_dtype, void* to, size_t n, bool saturate,
                      F8Round round) {
  if (n == 0) return;
  const auto* src = static_cast<const std::byte*>(from);
  auto* dst = static_cast<std::byte*>(to);
  const Options options{saturate, round};
  if (from_dtype == to_dtype) {
    std::memcpy(dst, src, n * element_size(to_dtype));
  } else if (is_complex(from_dtype) || is_complex(to_dtype)) {
    convert_complex(from_dtype, src, to_dtype, dst, n, options);
  } else {
    convert_real(from_dtype, src, to_dtype, dst, n, options);
  }
}

}  // namespace anyrt
