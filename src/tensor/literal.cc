#include "tensor/literal.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <system_error>
#include <utility>

#include "tensor/convert.h"
#include "tensor/number_text.h"

namespace anyrt {
namespace {

// What a generator may make: enough for weights in tests, too little to exhaust a machine from a line of text.
constexpr int64_t kMaxGenerated = int64_t{1} << 26;
constexpr size_t kMaxRank = 64;

uint64_t next_random(uint64_t& state) {
  state += 0x9e3779b97f4a7c15ull;
  uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

double unit_random(uint64_t& state) { return static_cast<double>(next_random(state) >> 40) * 0x1p-24; }

class LiteralParser {
 public:
  explicit LiteralParser(std::string_view text) : text_(text) {}
  size_t position() const { return at_; }

  Expected<Tensor> parse() {
    ANYRT_ASSIGN(const DType dtype, parse_type());
    ANYRT_ASSIGN(Dims dims, parse_dims());
    ANYRT_ASSIGN(const int64_t count, checked_element_count(dims));
    if (!accept('{')) return error("'{'");
    const Generator generator = accept_generator();
    if (generator != Generator::kNone) {
      if (count > kMaxGenerated) return error(fmt::format("at most {} generated elements", kMaxGenerated));
      ANYRT_ASSIGN(Tensor tensor, Tensor::make(dtype, std::move(dims)));
      ANYRT_TRY(generate(generator, tensor));
      if (!accept('}')) return error("'}'");
      return tensor;
    }
    return dtype == DType::kString ? parse_strings(std::move(dims), count)
                                   : parse_numbers(dtype, std::move(dims), count);
  }

 private:
  enum class Generator : uint8_t { kNone, kRandom, kRange, kFill };

  Generator accept_generator() {
    skip_blanks();
    const std::string_view rest = text_.substr(at_);
    constexpr std::pair<std::string_view, Generator> kNames[] = {
        {"rand:", Generator::kRandom}, {"range", Generator::kRange}, {"fill:", Generator::kFill}};
    for (const auto& [name, generator] : kNames) {
      if (!rest.starts_with(name)) continue;
      at_ += name.size();
      return generator;
    }
    return Generator::kNone;
  }

  void skip_blanks() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r')) {
      ++at_;
    }
  }

  bool accept(char c) {
    skip_blanks();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  Status error(std::string_view expected) const {
    constexpr size_t kShown = 60;
    return invalid_argument("tensor literal: expected {} at offset {} of '{}'", expected, at_, text_.substr(0, kShown));
  }

  Expected<DType> parse_type() {
    skip_blanks();
    const size_t begin = at_;
    while (at_ < text_.size() && std::isalnum(static_cast<unsigned char>(text_[at_]))) ++at_;
    const auto dtype = parse_dtype(text_.substr(begin, at_ - begin));
    if (!dtype) {
      at_ = begin;
      return error("an element type such as f32");
    }
    return *dtype;
  }

  Expected<Dims> parse_dims() {
    if (!accept('[')) return error("'['");
    Dims dims;
    if (accept(']')) return dims;
    for (;;) {
      skip_blanks();
      int64_t dim = 0;
      const auto [end, failure] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), dim);
      if (failure != std::errc() || dim < 0 || dims.size() == kMaxRank) return error("a dimension");
      at_ = static_cast<size_t>(end - text_.data());
      dims.push_back(dim);
      if (accept(']')) return dims;
      if (!accept(',')) return error("',' or ']'");
    }
  }

  // A run of characters up to a blank or '}'.
  std::string_view word() {
    skip_blanks();
    const size_t begin = at_;
    while (at_ < text_.size() && text_[at_] != '}' && !std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  Status parse_number(DType dtype, std::byte* out) {
    const std::string_view text = word();
    bool good = true;
    if (is_float(dtype)) {
      good = parse_real(dtype, text, out);
    } else if (is_complex(dtype)) {
      good = parse_complex_text(text, dtype, out);
    } else {
      const auto value = parse_integer_text(text);
      good = value && text.find_first_of(".E") == std::string_view::npos && in_range(dtype, text, *value);
      if (good) convert_elements(DType::kInt64, &*value, dtype, out, 1);
    }
    if (good) return {};
    at_ -= text.size();
    return error(fmt::format("a value of {}", dtype_name(dtype)));
  }

  static bool parse_real(DType dtype, std::string_view text, std::byte* out) {
    if (dtype == DType::kFloat32) {
      const auto value = parse_float_text(text);
      if (value) std::memcpy(out, &*value, sizeof *value);
      return value.has_value();
    }
    const auto value = parse_double_text(text);
    if (value) convert_elements(DType::kFloat64, &*value, dtype, out, 1, false);
    return value.has_value();
  }

  // A literal is no cast: an integer that does not fit is a mistake.
  static bool in_range(DType dtype, std::string_view text, int64_t value) {
    const bool negative = text.starts_with('-');
    if (dtype == DType::kBool) return value == 0 || value == 1;
    const int bits = bits_in_file(dtype);
    if (is_unsigned_int(dtype))
      return !(negative && value != 0) && (bits == 64 || (static_cast<uint64_t>(value) >> bits) == 0);
    if (!negative && value < 0) return false;
    return bits == 64 || (value >= -(int64_t{1} << (bits - 1)) && value < (int64_t{1} << (bits - 1)));
  }

  Expected<Tensor> parse_numbers(DType dtype, Dims dims, int64_t count) {
    // Each element takes two characters or more: the text bounds the allocation.
    if (count > 0 && static_cast<uint64_t>(count) > (text_.size() - at_ + 1) / 2)
      return error(fmt::format("{} elements", count));
    ANYRT_ASSIGN(Tensor tensor, Tensor::make(dtype, std::move(dims)));
    std::byte* out = tensor.mutable_raw();
    for (int64_t i = 0; i < count; ++i, out += element_size(dtype)) ANYRT_TRY(parse_number(dtype, out));
    if (!accept('}')) return error(fmt::format("'}}' after {} elements", count));
    return tensor;
  }

  Expected<Tensor> parse_strings(Dims dims, int64_t count) {
    if (count > 0 && static_cast<uint64_t>(count) > (text_.size() - at_) / 2)
      return error(fmt::format("{} strings", count));
    ANYRT_ASSIGN(Tensor tensor, Tensor::make(DType::kString, std::move(dims)));
    for (std::string& out : tensor.mutable_span<std::string>()) ANYRT_TRY(parse_string(out));
    if (!accept('}')) return error(fmt::format("'}}' after {} strings", count));
    return tensor;
  }

  Status parse_string(std::string& out) {
    if (!accept('"')) return error("'\"'");
    while (at_ < text_.size() && text_[at_] != '"') {
      char c = text_[at_++];
      if (c == '\\') {
        if (at_ == text_.size()) return error("an escape");
        c = text_[at_++];
        switch (c) {
          case 'n': c = '\n'; break;
          case 't': c = '\t'; break;
          case 'r': c = '\r'; break;
          case '"':
          case '\\': break;
          case 'x': {
            unsigned code = 0;
            const std::string_view digits = text_.substr(at_, 2);
            const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
            if (failure != std::errc() || end != digits.data() + 2) return error("two hexadecimal digits");
            at_ += 2;
            c = static_cast<char>(code);
            break;
          }
          default: --at_; return error("one of n t r \" \\ x after a backslash");
        }
      }
      out += c;
    }
    if (!accept('"')) return error("'\"'");
    return {};
  }

  Status generate(Generator generator, Tensor& tensor) {
    const DType dtype = tensor.dtype();
    const auto count = static_cast<size_t>(tensor.size());
    if (generator == Generator::kFill) return fill(tensor);
    if (dtype == DType::kString || is_complex(dtype)) return error("a real type for a generator");
    if (generator == Generator::kRange) {
      for (size_t i = 0; i < count; ++i) {
        const auto value = static_cast<int64_t>(i);
        convert_elements(DType::kInt64, &value, dtype, tensor.mutable_raw() + i * element_size(dtype), 1);
      }
      return {};
    }
    const auto seed = parse_integer_text(word());
    if (!seed) return error("a seed");
    auto state = static_cast<uint64_t>(*seed);
    for (size_t i = 0; i < count; ++i) {
      double value = 2 * unit_random(state) - 1;
      if (dtype == DType::kBool) value = value < 0 ? 0 : 1;
      if (is_signed_int(dtype)) value = std::floor(value * 8);
      if (is_unsigned_int(dtype)) value = std::floor((value + 1) * 4);
      convert_elements(DType::kFloat64, &value, dtype, tensor.mutable_raw() + i * element_size(dtype), 1);
    }
    return {};
  }

  Status fill(Tensor& tensor) {
    if (tensor.dtype() == DType::kString) {
      std::string value;
      ANYRT_TRY(parse_string(value));
      for (std::string& out : tensor.mutable_span<std::string>()) out = value;
      return {};
    }
    alignas(16) std::byte value[16];
    ANYRT_TRY(parse_number(tensor.dtype(), value));
    const size_t size = element_size(tensor.dtype());
    for (size_t i = 0; i < static_cast<size_t>(tensor.size()); ++i)
      std::memcpy(tensor.mutable_raw() + i * size, value, size);
    return {};
  }

  std::string_view text_;
  size_t at_ = 0;
};

void append_string(std::string& text, std::string_view value) {
  text += '"';
  for (const char c : value) {
    switch (c) {
      case '"': text += "\\\""; break;
      case '\\': text += "\\\\"; break;
      case '\n': text += "\\n"; break;
      case '\t': text += "\\t"; break;
      case '\r': text += "\\r"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        } else {
          text += c;
        }
    }
  }
  text += '"';
}

void append_element(std::string& text, const Tensor& tensor, int64_t i) {
  const DType dtype = tensor.dtype();
  const std::byte* at = tensor.raw() + static_cast<size_t>(i) * element_size(dtype);
  if (dtype == DType::kString) {
    append_string(text, tensor.data<std::string>()[i]);
  } else if (is_float(dtype)) {
    text += number_text(dtype, at);
  } else if (is_complex(dtype)) {
    text += complex_text(dtype, at);
  } else if (dtype == DType::kBool) {
    text += std::to_integer<int>(*at) != 0 ? "true" : "false";
  } else if (dtype == DType::kUInt64) {
    text += std::to_string(tensor.data<uint64_t>()[i]);
  } else {
    int64_t value = 0;
    convert_elements(dtype, at, DType::kInt64, &value, 1);
    text += std::to_string(value);
  }
}

}  // namespace

Expected<Tensor> parse_tensor(std::string_view& text) {
  LiteralParser parser(text);
  ANYRT_ASSIGN(Tensor tensor, parser.parse());
  text.remove_prefix(parser.position());
  return tensor;
}

std::string print_tensor(const Tensor& tensor, int64_t max_elements) {
  if (!tensor.defined()) return "?";
  std::string text(dtype_short_name(tensor.dtype()));
  text += '[';
  for (int i = 0; i < tensor.rank(); ++i) text += (i > 0 ? "," : "") + std::to_string(tensor.dim(i));
  text += "]{";
  const int64_t count = max_elements < 0 ? tensor.size() : std::min(max_elements, tensor.size());
  for (int64_t i = 0; i < count; ++i) {
    if (i > 0) text += ' ';
    append_element(text, tensor, i);
  }
  if (count < tensor.size()) text += count > 0 ? " …" : "…";
  return text + '}';
}

}  // namespace anyrt
