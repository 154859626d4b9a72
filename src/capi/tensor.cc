#include <cstring>

#include "base/text.h"
#include "capi/guard.h"
#include "capi/handles.h"
#include "format/onnx/packed_bits.h"

using namespace anyrt;
using namespace anyrt::c;

namespace {

using Made = Expected<std::unique_ptr<anyrt_value>>;

Expected<Dims> read_dims(const int64_t* dims, size_t rank) {
  if (rank > 0) ANYRT_C_NEED(dims);
  if (rank > 64) return invalid_argument("the rank is {}, expected at most 64", rank);
  return rank > 0 ? Dims(dims, dims + rank) : Dims();
}

Status check_dtype(const anyrt_dtype& dtype, bool strings = false) {
  const int number = raw_int(dtype);
  if (!is_valid_dtype(number))
    return invalid_argument("there is no element type {}, expected 1 to {}", number, kDTypeCount - 1);
  if (number == ANYRT_STRING && !strings)
    return invalid_argument("strings have no raw bytes: use anyrt_tensor_from_strings");
  return {};
}

std::unique_ptr<anyrt_value> wrap(Tensor t) { return std::make_unique<anyrt_value>(Value(std::move(t))); }

const Tensor* tensor_of(const anyrt_value* v) { return v && v->value.is_tensor() ? &v->value.tensor() : nullptr; }

const Dims* dims_of(const anyrt_value* v) {
  if (v && v->value.is_sparse()) return &v->value.sparse().dims;
  const Tensor* t = tensor_of(v);
  return t ? &t->dims() : nullptr;
}

Status check_packed(const Tensor& t, size_t bytes) {
  const int bits = bits_in_file(t.dtype());
  if (bits == 0 || bits >= 8)
    return invalid_argument("{} is not narrower than a byte: its elements are never packed", dtype_name(t.dtype()));
  const size_t need = onnx::packed_bytes(static_cast<size_t>(t.size()), bits);
  if (bytes != need) return invalid_argument("{} packed has {} bytes, found {}", t.type_string(), need, bytes);
  return {};
}

}  // namespace

anyrt_status* anyrt_tensor_create(anyrt_dtype dtype, const int64_t* dims, size_t rank, anyrt_value** out) noexcept {
  return guarded_into(out, [&]() -> Made {
    ANYRT_TRY(check_dtype(dtype, true));
    ANYRT_ASSIGN(Dims d, read_dims(dims, rank));
    ANYRT_ASSIGN(Tensor t, Tensor::zeros(static_cast<DType>(dtype), std::move(d)));
    return wrap(std::move(t));
  });
}

anyrt_status* anyrt_tensor_copy(anyrt_dtype dtype, const int64_t* dims, size_t rank, const void* data, size_t bytes,
                                anyrt_value** out) noexcept {
  return guarded_into(out, [&]() -> Made {
    ANYRT_TRY(check_dtype(dtype));
    ANYRT_ASSIGN(Dims d, read_dims(dims, rank));
    ANYRT_ASSIGN(Tensor t, Tensor::make(static_cast<DType>(dtype), std::move(d)));
    if (bytes != t.bytes()) return invalid_argument("{} has {} bytes, found {}", t.type_string(), t.bytes(), bytes);
    if (bytes > 0) {
      ANYRT_C_NEED(data);
      std::memcpy(t.mutable_raw(), data, bytes);
    }
    return wrap(std::move(t));
  });
}

anyrt_status* anyrt_tensor_borrow(anyrt_dtype dtype, const int64_t* dims, size_t rank, void* data, size_t bytes,
                                  anyrt_release_fn release, void* user, anyrt_value** out) noexcept {
  if (!out && release) release(user);
  return guarded_into(out, [&]() -> Made {
    const std::shared_ptr<const void> owner = release_later(release, user);
    ANYRT_TRY(check_dtype(dtype));
    ANYRT_ASSIGN(Dims d, read_dims(dims, rank));
    if (bytes > 0) ANYRT_C_NEED(data);
    // Not writable: no kernel may take it for its result.
    ANYRT_ASSIGN(Tensor t,
                 Tensor::view(static_cast<DType>(dtype), std::move(d), borrow_buffer(data, bytes, owner, false)));
    return wrap(std::move(t));
  });
}

anyrt_status* anyrt_tensor_unpack(anyrt_dtype dtype, const int64_t* dims, size_t rank, const void* packed, size_t bytes,
                                  anyrt_value** out) noexcept {
  return guarded_into(out, [&]() -> Made {
    ANYRT_TRY(check_dtype(dtype));
    ANYRT_ASSIGN(Dims d, read_dims(dims, rank));
    ANYRT_ASSIGN(Tensor t, Tensor::make(static_cast<DType>(dtype), std::move(d)));
    ANYRT_TRY(check_packed(t, bytes));
    if (bytes > 0) {
      ANYRT_C_NEED(packed);
      onnx::unpack_bits(static_cast<const uint8_t*>(packed), static_cast<size_t>(t.size()), t.dtype(),
                        reinterpret_cast<uint8_t*>(t.mutable_raw()));
    }
    return wrap(std::move(t));
  });
}

anyrt_status* anyrt_tensor_pack(const anyrt_value* tensor, void* packed, size_t bytes) noexcept {
  return guarded([&]() -> Status {
    const Tensor* t = tensor_of(tensor);
    if (!t) return invalid_argument("expected a tensor, found {}", tensor ? tensor->value.type_string() : "NULL");
    ANYRT_TRY(check_packed(*t, bytes));
    if (bytes == 0) return {};
    ANYRT_C_NEED(packed);
    onnx::pack_bits(reinterpret_cast<const uint8_t*>(t->raw()), static_cast<size_t>(t->size()), t->dtype(),
                    static_cast<uint8_t*>(packed));
    return {};
  });
}

anyrt_status* anyrt_tensor_from_strings(const int64_t* dims, size_t rank, const char* const* strings,
                                        const size_t* lengths, anyrt_value** out) noexcept {
  return guarded_into(out, [&]() -> Made {
    ANYRT_ASSIGN(Dims d, read_dims(dims, rank));
    ANYRT_ASSIGN(Tensor t, Tensor::make(DType::kString, std::move(d)));
    if (t.size() > 0) ANYRT_C_NEED(strings);
    auto* to = t.mutable_data<std::string>();
    for (size_t i = 0; i < static_cast<size_t>(t.size()); ++i) {
      if (!strings[i]) return invalid_argument("string {} is NULL", i);
      to[i] = lengths ? std::string(strings[i], lengths[i]) : std::string(strings[i]);
    }
    return wrap(std::move(t));
  });
}

anyrt_dtype anyrt_tensor_dtype(const anyrt_value* tensor) noexcept {
  if (tensor && tensor->value.is_sparse()) return static_cast<anyrt_dtype>(tensor->value.sparse().values.dtype());
  const Tensor* t = tensor_of(tensor);
  return t ? static_cast<anyrt_dtype>(t->dtype()) : ANYRT_UNDEFINED;
}

size_t anyrt_tensor_rank(const anyrt_value* tensor) noexcept {
  const Dims* d = dims_of(tensor);
  return d ? d->size() : 0;
}

const int64_t* anyrt_tensor_dims(const anyrt_value* tensor) noexcept {
  const Dims* d = dims_of(tensor);
  return d ? d->data() : nullptr;
}

size_t anyrt_tensor_size(const anyrt_value* tensor) noexcept {
  const Tensor* t = tensor_of(tensor);
  return t ? static_cast<size_t>(t->size()) : 0;
}

size_t anyrt_tensor_bytes(const anyrt_value* tensor) noexcept {
  const Tensor* t = tensor_of(tensor);
  return t && t->dtype() != DType::kString ? t->bytes() : 0;
}

const void* anyrt_tensor_data(const anyrt_value* tensor) noexcept {
  const Tensor* t = tensor_of(tensor);
  return t && t->dtype() != DType::kString ? t->raw() : nullptr;
}

void* anyrt_tensor_mutable_data(anyrt_value* tensor) noexcept { return const_cast<void*>(anyrt_tensor_data(tensor)); }

anyrt_status* anyrt_tensor_string(const anyrt_value* tensor, size_t index, const char** out, size_t* length) noexcept {
  return guarded([&]() -> Status {
    ANYRT_C_NEED(out);
    *out = nullptr;
    const Tensor* t = tensor_of(tensor);
    if (!t || t->dtype() != DType::kString)
      return invalid_argument("expected a tensor of strings, found {}", tensor ? tensor->value.type_string() : "NULL");
    if (index >= static_cast<size_t>(t->size()))
      return make_error(Code::kOutOfRange, "there is no element {} in {}", index, t->type_string());
    const std::string& s = t->data<std::string>()[index];
    *out = s.c_str();
    if (length) *length = s.size();
    return {};
  });
}
