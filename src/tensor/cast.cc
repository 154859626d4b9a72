#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <string>
#include <system_error>

#include "tensor/convert.h"
#include "tensor/number_text.h"
#include "tensor/tensor.h"

namespace anyrt {
namespace {

Status bad_text(const std::string& text, int64_t i, DType to) {
  constexpr size_t kShown = 40;
  return invalid_argument("Cast: element {} is the string \"{}\", expected a number for {}", i,
                          text.size() > kShown ? text.substr(0, kShown) + "…" : text, dtype_name(to));
}

Status strings_to_numbers(const Tensor& x, Tensor& y, bool saturate, F8Round round) {
  const DType to = y.dtype();
  const std::string* from = x.data<std::string>();
  std::byte* out = y.mutable_raw();
  const size_t size = element_size(to);
  for (int64_t i = 0; i < x.size(); ++i, out += size) {
    if (to == DType::kFloat32) {
      const auto value = parse_float_text(from[i]);
      if (!value) return bad_text(from[i], i, to);
      std::memcpy(out, &*value, size);
    } else if (is_float(to)) {
      const auto value = parse_double_text(from[i]);
      if (!value) return bad_text(from[i], i, to);
      convert_elements(DType::kFloat64, &*value, to, out, 1, saturate, round);
    } else if (is_complex(to)) {
      if (!parse_complex_text(from[i], to, out)) return bad_text(from[i], i, to);
    } else {
      const auto value = parse_integer_text(from[i]);
      if (!value) return bad_text(from[i], i, to);
      convert_elements(DType::kInt64, &*value, to, out, 1);
    }
  }
  return {};
}

void numbers_to_strings(const Tensor& x, Tensor& y) {
  const DType from = x.dtype();
  std::string* out = y.mutable_data<std::string>();
  const std::byte* in = x.raw();
  const size_t size = element_size(from);
  for (int64_t i = 0; i < x.size(); ++i, in += size) {
    if (from == DType::kUInt64) {
      out[i] = fmt::format_int(x.data<uint64_t>()[i]).str();
    } else if (is_float(from)) {
      out[i] = number_text(from, in);
      if (out[i] == "inf") out[i] = "INF";
      if (out[i] == "-inf") out[i] = "-INF";
      if (out[i] == "nan" || out[i] == "-nan") out[i] = "NaN";
    } else if (is_complex(from)) {
      out[i] = complex_text(from, in);
    } else {
      int64_t value = 0;
      convert_elements(from, in, DType::kInt64, &value, 1);
      out[i] = fmt::format_int(value).str();
    }
  }
}

}  // namespace

Expected<Tensor> cast_tensor(const Tensor& x, DType to, bool saturate, F8Round round) {
  if (!x.defined() || element_size(to) == 0) {
    return invalid_argument("Cast: cannot convert {} to {}", dtype_name(x.dtype()), dtype_name(to));
  }
  if (x.dtype() == to) return x;
  ANYRT_ASSIGN(Tensor y, Tensor::make(to, x.dims()));
  y.set_layout(x.layout());
  if (x.dtype() == DType::kString) {
    ANYRT_TRY(strings_to_numbers(x, y, saturate, round));
  } else if (to == DType::kString) {
    numbers_to_strings(x, y);
  } else {
    convert_elements(x.dtype(), x.raw(), to, y.mutable_raw(), static_cast<size_t>(x.size()), saturate, round);
  }
  return y;
}

}  // namespace anyrt
