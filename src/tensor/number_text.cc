#include "tensor/number_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <system_error>

#include "tensor/convert.h"

namespace anyrt {
namespace {

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n\v\f";
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

bool is_word(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) != lower[i]) return false;
  }
  return true;
}

// Too large or too small for the type: from_chars does not say which, the position of the first digit and the exponent
// do.
template <class F>
F out_of_range_value(std::string_view digits) {
  int64_t exponent = 0;
  size_t mantissa_end = digits.find_first_of("eE");
  if (mantissa_end == std::string_view::npos) mantissa_end = digits.size();
  if (mantissa_end + 1 < digits.size()) {
    std::string_view e = digits.substr(mantissa_end + 1);
    if (e.front() == '+') e.remove_prefix(1);
    constexpr int64_t kFar = int64_t{1} << 40;  // beyond every distance of a point, far from overflow of the sum below
    if (std::from_chars(e.data(), e.data() + e.size(), exponent).ec == std::errc::result_out_of_range) {
      exponent = e.front() == '-' ? -kFar : kFar;
    }
    exponent = std::clamp(exponent, -kFar, kFar);
  }
  const std::string_view mantissa = digits.substr(0, mantissa_end);
  size_t point = mantissa.find('.');
  if (point == std::string_view::npos) point = mantissa.size();
  const size_t first = mantissa.find_first_of("123456789");
  if (first == std::string_view::npos) return 0;
  const auto distance = static_cast<int64_t>(point) - static_cast<int64_t>(first);
  return exponent + distance > 0 ? std::numeric_limits<F>::infinity() : F(0);
}

template <class F>
std::optional<F> parse_real(std::string_view text) {
  text = trim(text);
  bool negative = false;
  if (!text.empty() && (text.front() == '+' || text.front() == '-')) {
    negative = text.front() == '-';
    text.remove_prefix(1);
  }
  F value = 0;
  if (is_word(text, "inf") || is_word(text, "infinity")) {
    value = std::numeric_limits<F>::infinity();
  } else if (is_word(text, "nan")) {
    value = std::numeric_limits<F>::quiet_NaN();
  } else {
    // from_chars itself would take a second sign and spellings like nan(…).
    if (text.empty() || !((text.front() >= '0' && text.front() <= '9') || text.front() == '.')) return std::nullopt;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (end != text.data() + text.size() || error == std::errc::invalid_argument) return std::nullopt;
    if (error == std::errc::result_out_of_range) value = out_of_range_value<F>(text);
  }
  return negative ? -value : value;
}

template <class F>
std::string shortest(F value) {
  char buffer[40];
  if (value != value) return std::signbit(value) ? "-nan" : "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  const double magnitude = std::fabs(static_cast<double>(value));
  const bool plain = magnitude == 0 || (magnitude >= 1e-4 && magnitude < 1e16);
  const auto format = plain ? std::chars_format::fixed : std::chars_format::scientific;
  const auto result = std::to_chars(buffer, buffer + sizeof buffer, value, format);
  return std::string(buffer, result.ptr);
}

}  // namespace

std::optional<float> parse_float_text(std::string_view text) { return parse_real<float>(text); }
std::optional<double> parse_double_text(std::string_view text) { return parse_real<double>(text); }

std::optional<int64_t> parse_integer_text(std::string_view text) {
  text = trim(text);
  if (is_word(text, "true")) return 1;
  if (is_word(text, "false")) return 0;
  std::string_view digits = text;
  if (!digits.empty() && digits.front() == '+') digits.remove_prefix(1);
  const char* end = digits.data() + digits.size();
  if (!digits.empty() && digits != text && digits.front() == '-') return std::nullopt;
  int64_t value = 0;
  auto result = std::from_chars(digits.data(), end, value);
  if (result.ec == std::errc() && result.ptr == end) return value;
  uint64_t large = 0;
  result = std::from_chars(digits.data(), end, large);
  if (result.ec == std::errc() && result.ptr == end) return static_cast<int64_t>(large);
  if (result.ec == std::errc::result_out_of_range && result.ptr == end) return std::nullopt;
  const auto real = parse_real<double>(text);
  if (!real || !(std::fabs(*real) < 9223372036854775808.0)) return std::nullopt;
  return static_cast<int64_t>(*real);
}

std::string number_text(DType dtype, const void* element) {
  if (dtype == DType::kFloat64) {
    double value;
    std::memcpy(&value, element, sizeof value);
    return shortest(value);
  }
  float value = 0;
  convert_elements(dtype, element, DType::kFloat32, &value, 1);
  if (dtype == DType::kFloat32 || !std::isfinite(value)) return shortest(value);
  constexpr float kPlainInteger = 1e6f;
  if (std::fabs(value) < kPlainInteger && value == std::trunc(value)) return shortest(value);
  // A narrow float needs fewer digits than the float of the same value.
  for (int digits = 1; digits < 9; ++digits) {
    const std::string text = fmt::format("{:.{}g}", value, digits);
    const auto back = parse_double_text(text);
    uint16_t code = 0, original = 0;
    std::memcpy(&original, element, element_size(dtype));
    if (back) convert_elements(DType::kFloat64, &*back, dtype, &code, 1);
    if (back && code == original) return text;
  }
  return shortest(value);
}

bool parse_complex_text(std::string_view text, DType dtype, std::byte* out) {
  const bool single = dtype == DType::kComplex64;
  const size_t size = single ? sizeof(float) : sizeof(double);
  const auto part = [&](std::string_view t, size_t i) {
    if (single) {
      const auto value = parse_float_text(t);
      if (value) std::memcpy(out + i * size, &*value, size);
      return value.has_value();
    }
    const auto value = parse_double_text(t);
    if (value) std::memcpy(out + i * size, &*value, size);
    return value.has_value();
  };
  text = trim(text);
  if (text.size() > 1 && text.front() == '(' && text.back() == ')') text = text.substr(1, text.size() - 2);
  std::memset(out, 0, 2 * size);
  if (!text.ends_with('i') && !text.ends_with('j')) return part(text, 0);
  text.remove_suffix(1);
  size_t split = text.find_last_of("+-");
  if (split != std::string_view::npos && split > 0 && (text[split - 1] == 'e' || text[split - 1] == 'E')) {
    split = split > 1 ? text.find_last_of("+-", split - 2) : std::string_view::npos;
  }
  if (split == std::string_view::npos || split == 0) return part(text, 1);
  return part(text.substr(0, split), 0) && part(text.substr(split), 1);
}

std::string complex_text(DType dtype, const std::byte* element) {
  const DType part = dtype == DType::kComplex64 ? DType::kFloat32 : DType::kFloat64;
  const std::string imaginary = number_text(part, element + element_size(part));
  return number_text(part, element) + (imaginary[0] == '-' ? "" : "+") + imaginary + 'i';
}

}  // namespace anyrt
