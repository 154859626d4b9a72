#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace anyrt {

// Element types, numbered as in ONNX's TensorProto.DataType.
enum class DType : uint8_t {
  kUndefined = 0,
  kFloat32 = 1,
  kUInt8 = 2,
  kInt8 = 3,
  kUInt16 = 4,
  kInt16 = 5,
  kInt32 = 6,
  kInt64 = 7,
  kString = 8,
  kBool = 9,
  kFloat16 = 10,
  kFloat64 = 11,
  kUInt32 = 12,
  kUInt64 = 13,
  kComplex64 = 14,
  kComplex128 = 15,
  kBFloat16 = 16,
  kFloat8E4M3FN = 17,
  kFloat8E4M3FNUZ = 18,
  kFloat8E5M2 = 19,
  kFloat8E5M2FNUZ = 20,
  kUInt4 = 21,
  kInt4 = 22,
  kFloat4E2M1 = 23,
  kFloat8E8M0 = 24,
  kUInt2 = 25,
  kInt2 = 26,
};
inline constexpr int kDTypeCount = 27;

// Bytes one element takes in memory. Types narrower than a byte take a whole byte each in memory (their value in the
// low bits, int4/int2 sign-extended); files pack them, see bits_in_file. Strings take sizeof(std::string).
size_t element_size(DType dtype);
int bits_in_file(DType dtype);  // 0 for strings

std::string_view dtype_name(DType dtype);        // "float32", "int4", "float8e4m3fn"; ONNX's text names also parse
std::string_view dtype_short_name(DType dtype);  // "f32", "i4", "f8e4m3fn", "str"
std::string_view dtype_onnx_name(DType dtype);   // "FLOAT", "INT4"
std::optional<DType> parse_dtype(
    std::string_view name);            // also "float", "double", "f32", "i64", "u8", "str", "FLOAT" …
bool is_valid_dtype(int onnx_number);  // 1..26

bool is_float(DType dtype);  // every real floating type, float8 and float4 included
bool is_signed_int(DType dtype);
bool is_unsigned_int(DType dtype);  // not bool
inline bool is_int(DType dtype) { return is_signed_int(dtype) || is_unsigned_int(dtype); }
bool is_complex(DType dtype);

// Storage types. Conversions round to nearest even; float8/float4 conversions saturate only where `from_float` is told.
struct Float16 {
  uint16_t bits;
  Float16() = default;
  explicit Float16(float value);
  explicit operator float() const;
};
struct BFloat16 {
  uint16_t bits;
  BFloat16() = default;
  explicit BFloat16(float value);
  explicit operator float() const;
};

enum class F8Round : uint8_t { kNearest, kUp, kDown };  // only float8e8m0 offers other than nearest

#define ANYRT_NARROW_FLOAT(Name)                                                           \
  struct Name {                                                                            \
    uint8_t bits;                                                                          \
    Name() = default;                                                                      \
    explicit Name(float value) : Name(from_float(value, true)) {}                          \
    static Name from_float(float value, bool saturate, F8Round round = F8Round::kNearest); \
    explicit operator float() const;                                                       \
  };
ANYRT_NARROW_FLOAT(Float8E4M3FN)
ANYRT_NARROW_FLOAT(Float8E4M3FNUZ)
ANYRT_NARROW_FLOAT(Float8E5M2)
ANYRT_NARROW_FLOAT(Float8E5M2FNUZ)
ANYRT_NARROW_FLOAT(Float8E8M0)
ANYRT_NARROW_FLOAT(Float4E2M1)
#undef ANYRT_NARROW_FLOAT

// One value a byte; the constructors keep the low bits (wrap), as a cast to a narrow integer does.
struct Int4 {
  int8_t value;
  Int4() = default;
  explicit Int4(int64_t v) : value(static_cast<int8_t>(static_cast<int8_t>((v & 15) << 4) >> 4)) {}
  explicit operator int64_t() const { return value; }
};
struct UInt4 {
  uint8_t value;
  UInt4() = default;
  explicit UInt4(int64_t v) : value(static_cast<uint8_t>(v & 15)) {}
  explicit operator int64_t() const { return value; }
};
struct Int2 {
  int8_t value;
  Int2() = default;
  explicit Int2(int64_t v) : value(static_cast<int8_t>(static_cast<int8_t>((v & 3) << 6) >> 6)) {}
  explicit operator int64_t() const { return value; }
};
struct UInt2 {
  uint8_t value;
  UInt2() = default;
  explicit UInt2(int64_t v) : value(static_cast<uint8_t>(v & 3)) {}
  explicit operator int64_t() const { return value; }
};

struct Complex64 {
  float re, im;
};
struct Complex128 {
  double re, im;
};

// A set of element types, for schema rows and kernel rows.
class DTypeSet {
 public:
  constexpr DTypeSet() = default;
  constexpr DTypeSet(DType d) : bits_(1u << static_cast<unsigned>(d)) {}  // NOLINT: implicit by design
  constexpr explicit DTypeSet(uint32_t bits) : bits_(bits) {}
  constexpr DTypeSet operator|(DTypeSet o) const { return DTypeSet(bits_ | o.bits_); }
  constexpr DTypeSet operator-(DTypeSet o) const { return DTypeSet(bits_ & ~o.bits_); }
  constexpr bool has(DType d) const { return (bits_ >> static_cast<unsigned>(d)) & 1u; }
  constexpr uint32_t bits() const { return bits_; }
  constexpr bool empty() const { return bits_ == 0; }

 private:
  uint32_t bits_ = 0;
};
constexpr DTypeSet operator|(DType a, DType b) { return DTypeSet(a) | DTypeSet(b); }

inline constexpr DTypeSet kFloats3 = DTypeSet(DType::kFloat32) | DType::kFloat64 | DType::kFloat16;
inline constexpr DTypeSet kFloats = kFloats3 | DType::kBFloat16;
inline constexpr DTypeSet kSignedInts = DTypeSet(DType::kInt8) | DType::kInt16 | DType::kInt32 | DType::kInt64;
inline constexpr DTypeSet kUnsignedInts = DTypeSet(DType::kUInt8) | DType::kUInt16 | DType::kUInt32 | DType::kUInt64;
inline constexpr DTypeSet kInts = kSignedInts | kUnsignedInts;
inline constexpr DTypeSet kNumeric = kFloats | kInts;  // what ONNX calls "all numeric tensor types"
inline constexpr DTypeSet kComplex = DTypeSet(DType::kComplex64) | DType::kComplex128;
inline constexpr DTypeSet kFloat8s =
    DTypeSet(DType::kFloat8E4M3FN) | DType::kFloat8E4M3FNUZ | DType::kFloat8E5M2 | DType::kFloat8E5M2FNUZ;
inline constexpr DTypeSet kSubByte =
    DTypeSet(DType::kUInt4) | DType::kInt4 | DType::kFloat4E2M1 | DType::kUInt2 | DType::kInt2;
// What ONNX calls "all tensor types" up to opset 18: no float8, no type narrower than a byte.
inline constexpr DTypeSet kPlainDTypes = kNumeric | kComplex | DType::kBool | DType::kString;
inline constexpr DTypeSet kAllDTypes = DTypeSet(0x7fffffeu);
inline constexpr DTypeSet kIndexTypes = DTypeSet(DType::kInt32) | DType::kInt64;

// C++ type -> DType.
template <class T>
struct DTypeOf;
#define ANYRT_DTYPE_OF(T, D)                 \
  template <>                                \
  struct DTypeOf<T> {                        \
    static constexpr DType value = DType::D; \
  };
ANYRT_DTYPE_OF(float, kFloat32)
ANYRT_DTYPE_OF(uint8_t, kUInt8)
ANYRT_DTYPE_OF(int8_t, kInt8)
ANYRT_DTYPE_OF(uint16_t, kUInt16)
ANYRT_DTYPE_OF(int16_t, kInt16)
ANYRT_DTYPE_OF(int32_t, kInt32)
ANYRT_DTYPE_OF(int64_t, kInt64)
ANYRT_DTYPE_OF(bool, kBool)
ANYRT_DTYPE_OF(Float16, kFloat16)
ANYRT_DTYPE_OF(double, kFloat64)
ANYRT_DTYPE_OF(uint32_t, kUInt32)
ANYRT_DTYPE_OF(uint64_t, kUInt64)
ANYRT_DTYPE_OF(Complex64, kComplex64)
ANYRT_DTYPE_OF(Complex128, kComplex128)
ANYRT_DTYPE_OF(BFloat16, kBFloat16)
ANYRT_DTYPE_OF(Float8E4M3FN, kFloat8E4M3FN)
ANYRT_DTYPE_OF(Float8E4M3FNUZ, kFloat8E4M3FNUZ)
ANYRT_DTYPE_OF(Float8E5M2, kFloat8E5M2)
ANYRT_DTYPE_OF(Float8E5M2FNUZ, kFloat8E5M2FNUZ)
ANYRT_DTYPE_OF(UInt4, kUInt4)
ANYRT_DTYPE_OF(Int4, kInt4)
ANYRT_DTYPE_OF(Float4E2M1, kFloat4E2M1)
ANYRT_DTYPE_OF(Float8E8M0, kFloat8E8M0)
ANYRT_DTYPE_OF(UInt2, kUInt2)
ANYRT_DTYPE_OF(Int2, kInt2)
#undef ANYRT_DTYPE_OF
template <class T>
inline constexpr DType dtype_of = DTypeOf<T>::value;

// The type an operator computes in when it is given T: float for the narrow floats, int64/uint64 for integers.
// "Widening" evaluates every element type of an operator with four instantiations: float, double, int64_t, uint64_t.
DType compute_dtype(DType dtype);

}  // namespace anyrt
