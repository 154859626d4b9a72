#include "format/onnx/tensor_data.h"

#include <cstring>
#include <limits>
#include <utility>

#include "format/onnx/packed_bits.h"

namespace anyrt::onnx {
namespace {

constexpr size_t kWorthDeferring = 1 << 16;

struct TypedField {
  TypedData field;
  const char* name;
  int unit;  // wire size of an element, 0 = varint
};

TypedField typed_field(DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
    case DType::kComplex64: return {kFloatData, "float_data", 4};
    case DType::kFloat64:
    case DType::kComplex128: return {kDoubleData, "double_data", 8};
    case DType::kInt64: return {kInt64Data, "int64_data", 0};
    case DType::kUInt32:
    case DType::kUInt64: return {kUint64Data, "uint64_data", 0};
    default: return {kInt32Data, "int32_data", 0};
  }
}

// Bytes that `count` elements take in a file.
Expected<uint64_t> file_bytes(DType dtype, int64_t count) {
  const auto bits = static_cast<uint64_t>(bits_in_file(dtype));
  const auto n = static_cast<uint64_t>(count);
  if (bits < 8) return n / (8 / bits) + (n % (8 / bits) != 0);
  if (n > std::numeric_limits<uint64_t>::max() / (bits / 8)) {
    return make_error(Code::kResourceExhausted, "{} elements are more than 64 bits can count the bytes of", count);
  }
  return n * (bits / 8);
}

Expected<Tensor> from_raw(DType dtype, const Dims& dims, int64_t count, std::string_view raw,
                          const std::shared_ptr<Buffer>& buffer) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(raw.data());
  if (bits_in_file(dtype) < 8) {
    ANYRT_ASSIGN(Tensor t, Tensor::make(dtype, dims));
    unpack_bits(bytes, static_cast<size_t>(count), dtype, reinterpret_cast<uint8_t*>(t.mutable_raw()));
    return t;
  }
  bool as_it_lies = buffer != nullptr && !raw.empty();
  if (dtype == DType::kBool) {
    for (size_t i = 0; as_it_lies && i < raw.size(); ++i) as_it_lies = bytes[i] <= 1;
  }
  const size_t align = std::min<size_t>(element_size(dtype), 8);
  if (as_it_lies) {
    const auto offset = static_cast<size_t>(reinterpret_cast<const std::byte*>(bytes) - buffer->data());
    if (reinterpret_cast<uintptr_t>(bytes) % align == 0) return Tensor::view(dtype, dims, buffer, offset);
    if (raw.size() >= kWorthDeferring) return Tensor::view(dtype, dims, align_when_read(buffer, offset, raw.size()));
  }
  ANYRT_ASSIGN(Tensor t, Tensor::make(dtype, dims));
  if (dtype == DType::kBool) {
    auto* to = reinterpret_cast<uint8_t*>(t.mutable_raw());
    for (size_t i = 0; i < raw.size(); ++i) to[i] = bytes[i] != 0;
  } else if (!raw.empty()) {
    std::memcpy(t.mutable_raw(), raw.data(), raw.size());
  }
  return t;
}

// Stores the low bytes of `v`; false when it is beyond both the signed and the unsigned range of the width.
bool store_int(uint64_t v, size_t width, std::byte* to) {
  std::memcpy(to, &v, width);
  if (width == 8) return true;
  const uint64_t limit = 1ull << (8 * width);
  const uint64_t low = v & 0xffffffffu;  // int32_data holds negative numbers as 10-byte or 5-byte varints
  const bool negative = static_cast<int32_t>(low) < 0 && (v >> 32 == 0 || v >> 32 == 0xffffffffu);
  if (width == 4) return v >> 32 == 0 || v >> 32 == 0xffffffffu;
  return v < limit || (negative && static_cast<int64_t>(static_cast<int32_t>(low)) >= -static_cast<int64_t>(limit / 2));
}

Status decode_ints(const std::vector<std::string_view>& runs, const TensorMsg& msg, Tensor& t) {
  const DType dtype = t.dtype();
  const size_t width = element_size(dtype);
  std::byte* to = t.mutable_raw();
  const std::byte* end = to + t.bytes();
  bool fits = true;
  const int bits = bits_in_file(dtype);
  for (std::string_view run : runs) {
    for_each_varint(run, [&](uint64_t v) {
      if (bits < 8) {
        const auto byte = static_cast<uint8_t>(v);
        const size_t n = std::min(static_cast<size_t>(8 / bits), static_cast<size_t>(end - to));
        unpack_bits(&byte, n, dtype, reinterpret_cast<uint8_t*>(to));
        std::byte unused[8];
        fits = fits && store_int(v, 1, unused);
        to += n;
      } else if (dtype == DType::kBool) {
        *to++ = static_cast<std::byte>(v != 0);
      } else {
        fits = store_int(v, width, to) && fits;
        to += width;
      }
    });
  }
  if (!fits) return invalid_model("tensor {}: an element is out of the type's range", describe(msg));
  return {};
}

Expected<Tensor> from_typed(DType dtype, const TensorMsg& msg, int64_t count, const TensorSource& source) {
  const TypedField field = typed_field(dtype);
  const auto& runs = msg.typed[field.field];
  uint64_t found = 0;
  for (std::string_view run : runs) {
    if (field.unit != 0) {
      found += run.size() / static_cast<size_t>(field.unit);
    } else if (!for_each_varint(run, [&](uint64_t) { ++found; })) {
      return invalid_model("tensor {}: {} ends within a number", describe(msg), field.name);
    }
  }
  // How many entries of the field the elements take.
  auto expected = static_cast<uint64_t>(count);
  if (is_complex(dtype)) {
    if (expected > std::numeric_limits<uint64_t>::max() / 2)
      return invalid_model("tensor {}: too large", describe(msg));
    expected *= 2;
  }
  if (bits_in_file(dtype) < 8) expected = packed_bytes(expected, bits_in_file(dtype));
  if (found != expected) {
    return invalid_model("tensor {}: {} has {} entries, expected {}", describe(msg), field.name, found, expected);
  }
  if (field.unit != 0 && runs.size() == 1) return from_raw(dtype, msg.dims, count, runs[0], source.buffer);
  ANYRT_ASSIGN(Tensor t, Tensor::make(dtype, msg.dims));
  if (field.unit == 0) {
    ANYRT_TRY(decode_ints(runs, msg, t));
    return t;
  }
  std::byte* to = t.mutable_raw();
  for (std::string_view run : runs) {
    if (run.empty()) continue;
    std::memcpy(to, run.data(), run.size());
    to += run.size();
  }
  return t;
}

Expected<Tensor> from_strings(const TensorMsg& msg, int64_t count) {
  if (msg.raw && !msg.raw->empty())
    return invalid_model("tensor {}: strings in raw_data, expected string_data", describe(msg));
  if (msg.strings.size() != static_cast<uint64_t>(count)) {
    return invalid_model("tensor {}: string_data has {} entries, expected {}", describe(msg), msg.strings.size(),
                         count);
  }
  ANYRT_ASSIGN(Tensor t, Tensor::make(DType::kString, msg.dims));
  auto* to = t.mutable_data<std::string>();
  for (std::string_view s : msg.strings) *to++ = std::string(s);
  return t;
}

}  // namespace

std::string describe(const TensorMsg& msg) {
  const bool known = msg.data_type > 0 && msg.data_type < kDTypeCount;
  std::string dims;
  for (size_t i = 0; i < msg.dims.size() && i < kMaxRank; ++i) {
    dims += fmt::format("{}{}", i == 0 ? "" : ",", msg.dims[i]);
  }
  return fmt::format("'{}' ({}[{}])", msg.name, known ? dtype_name(static_cast<DType>(msg.data_type)) : "unknown",
                     dims);
}

Expected<Tensor> make_tensor(const TensorMsg& msg, const TensorSource& source) {
  if (msg.data_type < 1 || msg.data_type >= kDTypeCount || !is_valid_dtype(static_cast<int>(msg.data_type))) {
    return invalid_model("tensor {}: element type {} is not known, expected 1 to {}", describe(msg), msg.data_type,
                         kDTypeCount - 1);
  }
  if (msg.has_segment)
    return not_implemented("tensor {}: the deprecated field 'segment' is not supported", describe(msg));
  if (msg.dims.size() > kMaxRank) {
    return invalid_model("tensor '{}' has {} dimensions, expected at most {}", msg.name, msg.dims.size(), kMaxRank);
  }
  const auto dtype = static_cast<DType>(msg.data_type);
  const auto counted = checked_element_count(msg.dims);
  if (!counted.ok()) return invalid_model("tensor {}: {}", describe(msg), counted.status().message());
  const int64_t count = *counted;
  if (dtype == DType::kString) {
    if (msg.location == 1) return invalid_model("tensor {}: strings cannot lie in external data", describe(msg));
    return from_strings(msg, count);
  }
  auto sized = file_bytes(dtype, count);
  if (!sized.ok()) return std::move(sized).status().with_context(fmt::format("tensor {}", describe(msg)));
  const uint64_t expected = *sized;
  if (msg.location == 1) {
    if (source.external == nullptr) return invalid_model("tensor {}: external data is not allowed here", describe(msg));
    auto slice = source.external->find(msg.external, expected);
    if (!slice.ok()) return std::move(slice).status().with_context(fmt::format("tensor {}", describe(msg)));
    const auto* data = reinterpret_cast<const char*>(slice->buffer->data());
    const std::string_view raw(data == nullptr ? nullptr : data + slice->offset, slice->length);
    return from_raw(dtype, msg.dims, count, raw, slice->buffer);
  }
  if (msg.raw) {
    if (msg.raw->size() != expected) {
      return invalid_model("tensor {}: raw_data has {} bytes, expected {}", describe(msg), msg.raw->size(), expected);
    }
    return from_raw(dtype, msg.dims, count, *msg.raw, source.buffer);
  }
  return from_typed(dtype, msg, count, source);
}

Expected<Tensor> read_tensor(std::string_view bytes, const TensorSource& source) {
  TensorMsg msg;
  ANYRT_TRY(decode_message(source.source, bytes, "TensorProto", msg));
  return make_tensor(msg, source);
}

Expected<SparseTensor> read_sparse(std::string_view bytes, const TensorSource& source, std::string_view* name) {
  SparseMsg msg;
  ANYRT_TRY(decode_message(source.source, bytes, "SparseTensorProto", msg));
  if (!msg.values || !msg.indices) return invalid_model("a sparse tensor lacks its values or its indices");
  TensorMsg values;
  ANYRT_TRY(decode_message(source.source, *msg.values, "TensorProto", values));
  if (name != nullptr) *name = values.name;
  SparseTensor sparse;
  if (msg.dims.size() > kMaxRank)
    return invalid_model("sparse tensor '{}' has more than {} dimensions", values.name, kMaxRank);
  if (auto count = checked_element_count(msg.dims); !count.ok()) {
    return invalid_model("sparse tensor '{}': {}", values.name, count.status().message());
  }
  sparse.dims = msg.dims;
  ANYRT_ASSIGN(sparse.values, make_tensor(values, source));
  ANYRT_ASSIGN(sparse.indices, read_tensor(*msg.indices, source));
  if (sparse.values.rank() != 1) {
    return invalid_model("sparse tensor '{}': values have rank {}, expected 1", values.name, sparse.values.rank());
  }
  const int64_t nnz = sparse.values.size();
  const Dims& d = sparse.indices.dims();
  const bool linear = d.size() == 1 && d[0] == nnz;
  const bool coordinates = d.size() == 2 && d[0] == nnz && d[1] == static_cast<int64_t>(msg.dims.size());
  if (sparse.indices.dtype() != DType::kInt64 || !(linear || coordinates)) {
    return invalid_model("sparse tensor '{}': indices are {}, expected int64[{}] or int64[{},{}]", values.name,
                         sparse.indices.type_string(), nnz, nnz, msg.dims.size());
  }
  return sparse;
}

}  // namespace anyrt::onnx
