#include "tensor/dtype.h"

#include <array>
#include <cctype>
#include <string>

namespace anyrt {
namespace {

enum class Family : uint8_t { kNone, kFloat, kSigned, kUnsigned, kComplex, kBool, kString };

struct DTypeInfo {
  const char* name;
  const char* short_name;
  const char* onnx_name;
  uint8_t size;
  uint8_t file_bits;
  Family family;
  DType compute;
};

// Indexed by DType.
constexpr std::array<DTypeInfo, kDTypeCount> kInfo = {{
    {"undefined", "?", "UNDEFINED", 0, 0, Family::kNone, DType::kUndefined},
    {"float32", "f32", "FLOAT", 4, 32, Family::kFloat, DType::kFloat32},
    {"uint8", "u8", "UINT8", 1, 8, Family::kUnsigned, DType::kUInt64},
    {"int8", "i8", "INT8", 1, 8, Family::kSigned, DType::kInt64},
    {"uint16", "u16", "UINT16", 2, 16, Family::kUnsigned, DType::kUInt64},
    {"int16", "i16", "INT16", 2, 16, Family::kSigned, DType::kInt64},
    {"int32", "i32", "INT32", 4, 32, Family::kSigned, DType::kInt64},
    {"int64", "i64", "INT64", 8, 64, Family::kSigned, DType::kInt64},
    {"string", "str", "STRING", sizeof(std::string), 0, Family::kString, DType::kString},
    {"bool", "bool", "BOOL", 1, 8, Family::kBool, DType::kUInt64},
    {"float16", "f16", "FLOAT16", 2, 16, Family::kFloat, DType::kFloat32},
    {"float64", "f64", "DOUBLE", 8, 64, Family::kFloat, DType::kFloat64},
    {"uint32", "u32", "UINT32", 4, 32, Family::kUnsigned, DType::kUInt64},
    {"uint64", "u64", "UINT64", 8, 64, Family::kUnsigned, DType::kUInt64},
    {"complex64", "c64", "COMPLEX64", 8, 64, Family::kComplex, DType::kComplex128},
    {"complex128", "c128", "COMPLEX128", 16, 128, Family::kComplex, DType::kComplex128},
    {"bfloat16", "bf16", "BFLOAT16", 2, 16, Family::kFloat, DType::kFloat32},
    {"float8e4m3fn", "f8e4m3fn", "FLOAT8E4M3FN", 1, 8, Family::kFloat, DType::kFloat32},
    {"float8e4m3fnuz", "f8e4m3fnuz", "FLOAT8E4M3FNUZ", 1, 8, Family::kFloat, DType::kFloat32},
    {"float8e5m2", "f8e5m2", "FLOAT8E5M2", 1, 8, Family::kFloat, DType::kFloat32},
    {"float8e5m2fnuz", "f8e5m2fnuz", "FLOAT8E5M2FNUZ", 1, 8, Family::kFloat, DType::kFloat32},
    {"uint4", "u4", "UINT4", 1, 4, Family::kUnsigned, DType::kUInt64},
    {"int4", "i4", "INT4", 1, 4, Family::kSigned, DType::kInt64},
    {"float4e2m1", "f4e2m1", "FLOAT4E2M1", 1, 4, Family::kFloat, DType::kFloat32},
    {"float8e8m0", "f8e8m0", "FLOAT8E8M0", 1, 8, Family::kFloat, DType::kFloat32},
    {"uint2", "u2", "UINT2", 1, 2, Family::kUnsigned, DType::kUInt64},
    {"int2", "i2", "INT2", 1, 2, Family::kSigned, DType::kInt64},
}};

struct Alias {
  const char* name;
  DType dtype;
};
constexpr Alias kAliases[] = {
    {"float", DType::kFloat32}, {"double", DType::kFloat64}, {"half", DType::kFloat16}, {"str", DType::kString},
    {"boolean", DType::kBool},  {"int", DType::kInt32},      {"long", DType::kInt64},
};

const DTypeInfo& info(DType dtype) {
  const auto i = static_cast<size_t>(dtype);
  return kInfo[i < kInfo.size() ? i : 0];
}

bool equal_ignoring_case(std::string_view a, std::string_view lower) {
  if (a.size() != lower.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::tolower(static_cast<unsigned char>(a[i])) != std::tolower(static_cast<unsigned char>(lower[i])))
      return false;
  }
  return true;
}

}  // namespace

size_t element_size(DType dtype) { return info(dtype).size; }
int bits_in_file(DType dtype) { return info(dtype).file_bits; }
std::string_view dtype_name(DType dtype) { return info(dtype).name; }
std::string_view dtype_short_name(DType dtype) { return info(dtype).short_name; }
std::string_view dtype_onnx_name(DType dtype) { return info(dtype).onnx_name; }

std::optional<DType> parse_dtype(std::string_view name) {
  for (size_t i = 1; i < kInfo.size(); ++i) {
    const DTypeInfo& row = kInfo[i];
    for (const char* known : {row.name, row.short_name, row.onnx_name}) {
      if (equal_ignoring_case(name, known)) return static_cast<DType>(i);
    }
  }
  for (const Alias& alias : kAliases) {
    if (equal_ignoring_case(name, alias.name)) return alias.dtype;
  }
  return std::nullopt;
}

bool is_valid_dtype(int onnx_number) { return onnx_number > 0 && onnx_number < kDTypeCount; }

bool is_float(DType dtype) { return info(dtype).family == Family::kFloat; }
bool is_signed_int(DType dtype) { return info(dtype).family == Family::kSigned; }
bool is_unsigned_int(DType dtype) { return info(dtype).family == Family::kUnsigned; }
bool is_complex(DType dtype) { return info(dtype).family == Family::kComplex; }
DType compute_dtype(DType dtype) { return info(dtype).compute; }

}  // namespace anyrt
