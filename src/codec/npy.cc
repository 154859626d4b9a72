#include "codec/npy.h"

#include <algorithm>

#include "codec/npy_header.h"
#include "codec/text.h"
#include "tensor/dim.h"
#include "tensor/dispatch.h"
#include "tensor/file.h"

namespace anyrt {

namespace {

// Moves `from` (first index fastest) to `to` (last index fastest).
template <class T>
void reorder_from_fortran(const T* from, T* to, const Dims& dims) {
  const size_t rank = dims.size();
  std::vector<int64_t> stride(rank, 1), index(rank, 0);
  for (size_t i = 1; i < rank; ++i) stride[i] = stride[i - 1] * dims[i - 1];
  int64_t count = 1;
  for (int64_t d : dims) count *= d;
  int64_t offset = 0;
  for (int64_t i = 0; i < count; ++i) {
    to[i] = from[offset];
    for (size_t axis = rank; axis-- > 0;) {
      offset += stride[axis];
      if (++index[axis] < dims[axis]) break;
      offset -= stride[axis] * dims[axis];
      index[axis] = 0;
    }
  }
}

void swap_bytes(Tensor& t) {
  const bool complex = is_complex(t.dtype());
  const size_t width = element_size(t.dtype()) / (complex ? 2 : 1);
  std::byte* p = t.mutable_raw();
  for (std::byte* end = p + t.bytes(); p != end; p += width) std::reverse(p, p + width);
}

// Values that the type does not have must not reach the operators: bools become 0 or 1, narrow types keep their bits.
void normalise(Tensor& t) {
  auto* p = reinterpret_cast<uint8_t*>(t.mutable_raw());
  const size_t n = t.bytes();
  switch (t.dtype()) {
    case DType::kBool:
      for (size_t i = 0; i < n; ++i) p[i] = p[i] != 0;
      break;
    case DType::kInt4:
      for (size_t i = 0; i < n; ++i) p[i] = static_cast<uint8_t>(Int4(p[i]).value);
      break;
    case DType::kInt2:
      for (size_t i = 0; i < n; ++i) p[i] = static_cast<uint8_t>(Int2(p[i]).value);
      break;
    case DType::kUInt4:
    case DType::kFloat4E2M1:
      for (size_t i = 0; i < n; ++i) p[i] &= 15;
      break;
    case DType::kUInt2:
      for (size_t i = 0; i < n; ++i) p[i] &= 3;
      break;
    default: break;
  }
}

bool needs_normalising(Bytes data, DType dtype) {
  if (dtype == DType::kBool) {
    return std::any_of(data.begin(), data.end(), [](std::byte b) { return static_cast<uint8_t>(b) > 1; });
  }
  return bits_in_file(dtype) < 8;
}

Status read_text(Bytes data, const NpyElement& element, std::span<std::string> out) {
  for (size_t i = 0; i < out.size(); ++i) {
    Bytes item = data.subspan(i * element.width, element.width);
    if (element.text == NpyElement::Text::kBytes) {
      const std::string_view text = as_text(item);
      out[i] = text.substr(0, text.find_last_not_of('\0') + 1);
      continue;
    }
    size_t used = item.size() / 4;
    auto code_point = [&](size_t k) {
      uint32_t c;
      std::memcpy(&c, item.data() + 4 * k, 4);
      return element.swapped ? byte_swapped(c) : c;
    };
    while (used > 0 && code_point(used - 1) == 0) --used;
    for (size_t k = 0; k < used; ++k) {
      if (!append_utf8(out[i], code_point(k))) {
        return invalid_argument("string {} holds {:#x}, which is not a Unicode character", i, code_point(k));
      }
    }
  }
  return ok_status();
}

Expected<Tensor> decode(const std::shared_ptr<Buffer>& file, const NpyOptions& options, bool may_view) {
  const Bytes bytes(file->data(), file->size());
  ANYRT_ASSIGN(NpyHeader header, parse_npy_header(bytes, options.one_byte));
  const NpyElement& element = header.element;
  ANYRT_ASSIGN(const int64_t count, checked_element_count(header.dims));
  const Bytes data = bytes.subspan(header.data_offset);
  const size_t n = static_cast<size_t>(count);
  if (element.width != 0 ? n != data.size() / element.width || data.size() % element.width != 0 : !data.empty()) {
    return invalid_argument("broken .npy file: shape {} of {} bytes each does not match the {} bytes of data",
                            shape_string(header.dims), element.width, data.size());
  }
  // Without bytes in the file nothing else bounds the count.
  if (element.width == 0 && n > (size_t{1} << 24)) {
    return invalid_argument("broken .npy file: {} empty strings", n);
  }
  const bool ordered = !header.fortran_order ||
                       std::count_if(header.dims.begin(), header.dims.end(), [](int64_t d) { return d != 1; }) < 2;
  const DType dtype = element.dtype;
  if (dtype != DType::kString && may_view && ordered && !element.swapped && !needs_normalising(data, dtype) &&
      reinterpret_cast<uintptr_t>(data.data()) % std::min<size_t>(element.width, 8) == 0) {
    return Tensor::view(dtype, header.dims, file, header.data_offset);
  }
  ANYRT_ASSIGN(Tensor t, Tensor::make(dtype, header.dims));
  if (dtype == DType::kString) {
    ANYRT_TRY(read_text(data, element, t.mutable_span<std::string>()));
  } else if (n > 0) {
    std::memcpy(t.mutable_raw(), data.data(), data.size());
    if (element.swapped) swap_bytes(t);
    normalise(t);
  }
  if (ordered || n == 0) return t;
  ANYRT_ASSIGN(Tensor out, Tensor::make(dtype, header.dims));
  dispatch_storage(
      dtype, [&]<class T>(TypeTag<T>) { reorder_from_fortran(storage<T>(t), mutable_storage<T>(out), header.dims); });
  return out;
}

Expected<std::string_view> descr_of(DType dtype) {
  switch (dtype) {
    case DType::kBool: return std::string_view("|b1");
    case DType::kInt8: return std::string_view("|i1");
    case DType::kInt16: return std::string_view("<i2");
    case DType::kInt32: return std::string_view("<i4");
    case DType::kInt64: return std::string_view("<i8");
    case DType::kUInt8: return std::string_view("|u1");
    case DType::kUInt16: return std::string_view("<u2");
    case DType::kUInt32: return std::string_view("<u4");
    case DType::kUInt64: return std::string_view("<u8");
    case DType::kFloat16: return std::string_view("<f2");
    case DType::kFloat32: return std::string_view("<f4");
    case DType::kFloat64: return std::string_view("<f8");
    case DType::kComplex64: return std::string_view("<c8");
    case DType::kComplex128: return std::string_view("<c16");
    case DType::kBFloat16: return std::string_view("<V2");
    case DType::kFloat8E5M2: return std::string_view("<f1");
    case DType::kUndefined:
    case DType::kString: return internal_error("no .npy name for {}", dtype_name(dtype));
    default: return std::string_view("<V1");
  }
}

// As Unicode, or as bytes when one of the strings is not UTF-8.
Status encode_text(const Tensor& tensor, ByteSink& sink) {
  const auto strings = tensor.span<std::string>();
  std::vector<std::u32string> decoded;
  decoded.reserve(strings.size());
  size_t longest = 0, longest_bytes = 0;
  for (size_t i = 0; i < strings.size(); ++i) {
    if (strings[i].ends_with('\0')) return invalid_argument("string {} ends with a NUL, which .npy cannot keep", i);
    longest_bytes = std::max(longest_bytes, strings[i].size());
    auto text = decoded.size() == i ? decode_utf8(strings[i]) : std::nullopt;
    if (!text) continue;
    longest = std::max(longest, text->size());
    decoded.push_back(*std::move(text));
  }
  const bool unicode = decoded.size() == strings.size();
  const std::string descr = unicode ? fmt::format("<U{}", longest) : fmt::format("|S{}", longest_bytes);
  ANYRT_TRY(sink.write(as_bytes(make_npy_header(descr, tensor.dims()))));
  std::string row;
  for (size_t i = 0; i < strings.size(); ++i) {
    row.clear();
    if (unicode) {
      for (char32_t c : decoded[i]) append_le(row, static_cast<uint32_t>(c));
    } else {
      row = strings[i];
    }
    row.resize(unicode ? longest * 4 : longest_bytes);
    ANYRT_TRY(sink.write(as_bytes(row)));
  }
  return ok_status();
}

}  // namespace

Expected<Tensor> decode_npy(Bytes file, const NpyOptions& options) {
  auto* data = const_cast<std::byte*>(file.data());
  return decode(borrow_buffer(data, file.size(), nullptr, false), options, false);
}

Expected<Tensor> decode_npy(const std::shared_ptr<Buffer>& file, const NpyOptions& options) {
  return decode(file, options, true);
}

Expected<Tensor> read_npy(const std::string& path, const NpyOptions& options) {
  ANYRT_ASSIGN(auto file, load_file(path));
  auto tensor = decode_npy(file, options);
  if (!tensor.ok()) return std::move(tensor).status().with_context(path);
  return tensor;
}

Status encode_npy(const Tensor& tensor, ByteSink& sink) {
  if (!tensor.defined()) return invalid_argument("there is no tensor to write");
  if (tensor.dtype() == DType::kString) return encode_text(tensor, sink);
  ANYRT_ASSIGN(const std::string_view descr, descr_of(tensor.dtype()));
  ANYRT_TRY(sink.write(as_bytes(make_npy_header(descr, tensor.dims()))));
  if constexpr (std::endian::native == std::endian::little) {
    return sink.write({tensor.raw(), tensor.bytes()});
  } else {
    ANYRT_ASSIGN(Tensor swapped, tensor.clone());
    swap_bytes(swapped);
    return sink.write({swapped.raw(), swapped.bytes()});
  }
}

Expected<std::string> encode_npy(const Tensor& tensor) {
  StringSink sink;
  ANYRT_TRY(encode_npy(tensor, sink));
  return sink.take();
}

Status write_npy(const std::string& path, const Tensor& tensor) {
  return encode_to_file(path, [&](ByteSink& sink) { return encode_npy(tensor, sink); });
}

}  // namespace anyrt
