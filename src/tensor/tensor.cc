#include "tensor/tensor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "tensor/convert.h"
#include "tensor/dim.h"

namespace anyrt {
namespace {

struct Extent {
  int64_t elements;
  size_t bytes;
};

Expected<Extent> checked_extent(DType dtype, std::span<const int64_t> dims) {
  if (element_size(dtype) == 0) return invalid_argument("a tensor needs an element type, found {}", dtype_name(dtype));
  ANYRT_ASSIGN(const int64_t elements, checked_element_count(dims));
  size_t bytes = 0;
  if (__builtin_mul_overflow(static_cast<size_t>(elements), element_size(dtype), &bytes) ||
      bytes > static_cast<size_t>(std::numeric_limits<int64_t>::max())) {
    return make_error(Code::kResourceExhausted, "a tensor {}{} does not fit into memory", dtype_name(dtype),
                      shape_string(Dims(dims.begin(), dims.end())));
  }
  return Extent{elements, bytes};
}

size_t alignment_of(DType dtype) {
  switch (dtype) {
    case DType::kString: return alignof(std::string);
    case DType::kComplex64: return alignof(Complex64);
    case DType::kComplex128: return alignof(Complex128);
    default: return element_size(dtype);
  }
}

}  // namespace

Expected<int64_t> checked_element_count(std::span<const int64_t> dims) {
  int64_t count = 1;
  bool overflow = false;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] < 0) return invalid_argument("dimension {} of a shape is {}, expected 0 or more", i, dims[i]);
  }
  for (int64_t dim : dims) {
    if (dim == 0) return int64_t{0};
    overflow |= __builtin_mul_overflow(count, dim, &count);
  }
  if (overflow) {
    return invalid_argument("the shape {} has more elements than 64 bits can count",
                            shape_string(Dims(dims.begin(), dims.end())));
  }
  return count;
}

Expected<Tensor> Tensor::make(DType dtype, Dims dims) {
  ANYRT_ASSIGN(const Extent extent, checked_extent(dtype, dims));
  auto buffer =
      dtype == DType::kString ? allocate_strings(static_cast<size_t>(extent.elements)) : allocate_buffer(extent.bytes);
  if (!buffer.ok()) {
    return std::move(buffer).status().with_context(fmt::format("tensor {}{}", dtype_name(dtype), shape_string(dims)));
  }
  Tensor t;
  t.dtype_ = dtype;
  t.dims_ = std::move(dims);
  t.size_ = extent.elements;
  t.buffer_ = std::move(buffer).value();
  t.data_ = t.buffer_->data();
  return t;
}

Expected<Tensor> Tensor::zeros(DType dtype, Dims dims) {
  ANYRT_ASSIGN(Tensor t, make(dtype, std::move(dims)));
  if (dtype != DType::kString) std::memset(t.data_, 0, t.bytes());
  return t;
}

Expected<Tensor> Tensor::view(DType dtype, Dims dims, std::shared_ptr<Buffer> buffer, size_t offset) {
  ANYRT_ASSIGN(const Extent extent, checked_extent(dtype, dims));
  if (buffer == nullptr) return invalid_argument("a view needs a buffer");
  if (offset > buffer->size() || extent.bytes > buffer->size() - offset) {
    return make_error(Code::kOutOfRange, "a view {}{} needs {} bytes at offset {}, the buffer has {}",
                      dtype_name(dtype), shape_string(dims), extent.bytes, offset, buffer->size());
  }
  std::byte* data = buffer->data() + offset;
  const uintptr_t address = buffer->deferred() ? offset : reinterpret_cast<uintptr_t>(data);
  if (extent.bytes != 0 && address % alignment_of(dtype) != 0) {
    return invalid_argument("a view {}{} at offset {} is not aligned to {} bytes", dtype_name(dtype),
                            shape_string(dims), offset, alignment_of(dtype));
  }
  Tensor t;
  t.dtype_ = dtype;
  t.dims_ = std::move(dims);
  t.size_ = extent.elements;
  t.data_ = data;
  t.deferred_ = buffer->deferred();
  t.buffer_ = std::move(buffer);
  return t;
}

Tensor Tensor::string_scalar(std::string value) {
  Tensor t = detail::make_or_die(DType::kString, {});
  *t.mutable_data<std::string>() = std::move(value);
  return t;
}

Expected<Tensor> Tensor::reshaped(Dims dims) const {
  ANYRT_ASSIGN(const int64_t count, checked_element_count(dims));
  if (!defined() || count != size_) {
    return invalid_argument("cannot reshape {} to {}: {} elements, expected {}", type_string(), shape_string(dims),
                            count, size_);
  }
  Tensor t = *this;
  t.dims_ = std::move(dims);
  return t;
}

void Tensor::drop_bytes() {
  if (!buffer_ || buffer_->release(buffer_offset(), bytes())) return;
  buffer_.reset();
  data_ = nullptr;
  deferred_ = false;
}

Tensor Tensor::uncopied() const {
  Tensor t = *this;
  if (deferred_) t.buffer_ = buffer_->uncopied();
  return t;
}

std::byte* Tensor::read_aligned() const { return buffer_->aligned() + (data_ - buffer_->data()); }

Expected<Tensor> Tensor::clone() const {
  if (!defined()) return Tensor();
  ANYRT_ASSIGN(Tensor t, make(dtype_, dims_));
  t.layout_ = layout_;
  if (dtype_ == DType::kString) {
    std::copy_n(data<std::string>(), size_, t.mutable_data<std::string>());
  } else if (size_ != 0) {
    std::memcpy(t.data_, data_, bytes());
  }
  return t;
}

std::string Tensor::type_string() const { return std::string(dtype_name(dtype_)) + shape_string(dims_); }

void* Tensor::raw_checked(DType want) const {
  // Going on would read the bytes as the wrong type, possibly beyond their end.
  if (want != dtype_) {
    std::fprintf(stderr, "anyrt: internal error: a tensor %s was read as %s\n", type_string().c_str(),
                 dtype_name(want).data());
    std::abort();
  }
  return deferred_ ? read_aligned() : data_;
}

namespace detail {

Tensor make_or_die(DType dtype, Dims dims) {
  auto t = Tensor::make(dtype, std::move(dims));
  if (!t.ok()) {
    std::fprintf(stderr, "anyrt: %s\n", t.status().message().c_str());
    std::abort();
  }
  return std::move(t).value();
}

}  // namespace detail

Expected<std::vector<int64_t>> to_int64s(const Tensor& x) {
  if (!is_int(x.dtype())) return invalid_argument("expected a tensor of integers, found {}", x.type_string());
  if (x.dtype() == DType::kUInt64) {
    for (uint64_t v : x.span<uint64_t>()) {
      if (v >> 63) return make_error(Code::kOutOfRange, "the integer {} is beyond the range of int64", v);
    }
  }
  std::vector<int64_t> result(static_cast<size_t>(x.size()));
  convert_elements(x.dtype(), x.raw(), DType::kInt64, result.data(), result.size());
  return result;
}

Expected<std::vector<double>> to_doubles(const Tensor& x) {
  if (!is_int(x.dtype()) && !is_float(x.dtype()) && x.dtype() != DType::kBool) {
    return invalid_argument("expected a tensor of real numbers, found {}", x.type_string());
  }
  std::vector<double> result(static_cast<size_t>(x.size()));
  convert_elements(x.dtype(), x.raw(), DType::kFloat64, result.data(), result.size());
  return result;
}

std::vector<std::string> to_strings(const Tensor& x) {
  const auto values = x.span<std::string>();
  return {values.begin(), values.end()};
}

bool identical(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype() || a.dims() != b.dims() || !(a.layout() == b.layout())) return false;
  if (a.size() == 0 || a.unaligned_raw() == b.unaligned_raw()) return true;
  if (a.dtype() == DType::kString) {
    const auto x = a.span<std::string>(), y = b.span<std::string>();
    return std::equal(x.begin(), x.end(), y.begin());
  }
  return std::memcmp(a.unaligned_raw(), b.unaligned_raw(), a.bytes()) == 0;
}

}  // namespace anyrt
