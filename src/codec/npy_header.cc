#include "codec/npy_header.h"

#include <charconv>
#include <optional>

namespace anyrt {

namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kMaxHeader = 1 << 20;
constexpr size_t kMaxRank = 64;

// The few Python literals that a header is made of: {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }.
class Literals {
 public:
  explicit Literals(std::string_view text) : text_(text) {}

  bool take(char c) {
    skip_blanks();
    if (text_.empty() || text_.front() != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  bool take_word(std::string_view word) {
    skip_blanks();
    if (text_.substr(0, word.size()) != word) return false;
    text_.remove_prefix(word.size());
    return true;
  }
  char peek() {
    skip_blanks();
    return text_.empty() ? '\0' : text_.front();
  }
  std::optional<std::string_view> string() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') return std::nullopt;
    const size_t end = text_.find(quote, 1);
    if (end == std::string_view::npos) return std::nullopt;
    std::string_view s = text_.substr(1, end - 1);
    text_.remove_prefix(end + 1);
    return s;
  }
  std::optional<int64_t> integer() {
    skip_blanks();
    int64_t value = 0;
    auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
    if (error != std::errc()) return std::nullopt;
    text_.remove_prefix(static_cast<size_t>(end - text_.data()));
    if (!text_.empty() && text_.front() == 'L') text_.remove_prefix(1);  // Python 2
    return value;
  }
  bool at_end() {
    skip_blanks();
    return text_.empty();
  }

 private:
  void skip_blanks() {
    const size_t i = text_.find_first_not_of(" \t\r\n");
    text_.remove_prefix(i == std::string_view::npos ? text_.size() : i);
  }
  std::string_view text_;
};

DType number_dtype(char kind, size_t width) {
  switch (kind) {
    case 'b': return width == 1 ? DType::kBool : DType::kUndefined;
    case 'i':
      return width == 1   ? DType::kInt8
             : width == 2 ? DType::kInt16
             : width == 4 ? DType::kInt32
             : width == 8 ? DType::kInt64
                          : DType::kUndefined;
    case 'u':
      return width == 1   ? DType::kUInt8
             : width == 2 ? DType::kUInt16
             : width == 4 ? DType::kUInt32
             : width == 8 ? DType::kUInt64
                          : DType::kUndefined;
    case 'f':
      return width == 1   ? DType::kFloat8E5M2
             : width == 2 ? DType::kFloat16
             : width == 4 ? DType::kFloat32
             : width == 8 ? DType::kFloat64
                          : DType::kUndefined;
    case 'c': return width == 8 ? DType::kComplex64 : width == 16 ? DType::kComplex128 : DType::kUndefined;
    case 'V': return width == 2 ? DType::kBFloat16 : DType::kUndefined;
    default: return DType::kUndefined;
  }
}

Expected<NpyElement> parse_descr(std::string_view descr, DType one_byte) {
  NpyElement e;
  if (const auto named = parse_dtype(descr); named && *named != DType::kString && !descr.empty() && descr.size() > 3) {
    e.dtype = *named;
    e.width = element_size(*named);
    return e;
  }
  std::string_view rest = descr;
  char order = '=';
  if (!rest.empty() && std::string_view("<>|=").find(rest.front()) != std::string_view::npos) {
    order = rest.front();
    rest.remove_prefix(1);
  }
  if (rest == "?") rest = "b1";
  const char kind = rest.empty() ? '\0' : rest.front();
  if (kind == 'O') return not_implemented("dtype '{}' holds pickled Python objects, which are not read", descr);
  if (kind == 'M' || kind == 'm') return not_implemented("dtype '{}' holds dates or times", descr);
  if (!rest.empty()) rest.remove_prefix(1);
  size_t width = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), width);
  if (error != std::errc() || end != rest.data() + rest.size()) {
    return not_implemented("dtype '{}' is not one of numpy's simple types", descr);
  }
  const bool little = std::endian::native == std::endian::little;
  e.swapped = (order == '<' && !little) || (order == '>' && little);
  if (kind == 'S' || kind == 'a' || kind == 'U') {
    e.dtype = DType::kString;
    e.text = kind == 'U' ? NpyElement::Text::kUcs4 : NpyElement::Text::kBytes;
    const size_t unit = kind == 'U' ? 4 : 1;
    if (width > SIZE_MAX / unit) return invalid_argument("dtype '{}' is too wide", descr);
    e.width = width * unit;
    return e;
  }
  e.width = width;
  e.dtype = number_dtype(kind, width);
  if (kind == 'V' && width == 1) {
    if (one_byte == DType::kUndefined || element_size(one_byte) != 1) {
      return not_implemented("dtype '{}' does not say which one-byte type it holds; name the element type", descr);
    }
    e.dtype = one_byte;
  }
  if (e.dtype == DType::kUndefined) return not_implemented("dtype '{}' has no equal here", descr);
  return e;
}

Status bad_header(std::string_view what) { return invalid_argument("broken .npy header: {}", what); }

Status parse_shape(Literals& in, Dims& dims) {
  if (!in.take('(')) return bad_header("'shape' is not a tuple");
  while (!in.take(')')) {
    const auto dim = in.integer();
    if (!dim) return bad_header("'shape' is not a tuple of integers");
    if (*dim < 0) return invalid_argument("broken .npy header: negative dimension {}", *dim);
    if (dims.size() == kMaxRank) return invalid_argument("broken .npy header: more than {} dimensions", kMaxRank);
    dims.push_back(*dim);
    if (!in.take(',') && in.peek() != ')') return bad_header("'shape' is not a tuple of integers");
  }
  return ok_status();
}

}  // namespace

Expected<NpyHeader> parse_npy_header(Bytes file, DType one_byte) {
  if (file.size() < 10 || as_text(file).substr(0, kMagic.size()) != kMagic) {
    return invalid_argument("not an .npy file: it does not begin with the bytes \\x93NUMPY");
  }
  const int major = static_cast<int>(file[6]);
  const int minor = static_cast<int>(file[7]);
  if (major < 1 || major > 3 || minor != 0) {
    return not_implemented(".npy format version {}.{}; versions 1.0, 2.0 and 3.0 are known", major, minor);
  }
  const size_t length_size = major == 1 ? 2 : 4;
  if (!contains(file, 8, length_size)) return bad_header("the file ends inside of it");
  const size_t length = major == 1 ? load_le<uint16_t>(file.data() + 8) : load_le<uint32_t>(file.data() + 8);
  const size_t begin = 8 + length_size;
  if (!contains(file, begin, length)) return bad_header("the file ends inside of it");
  if (length > kMaxHeader)
    return invalid_argument("broken .npy header: {} bytes long, at most {} allowed", length, kMaxHeader);

  NpyHeader header;
  header.data_offset = begin + length;
  Literals in(as_text(file.subspan(begin, length)));
  bool have_descr = false, have_order = false, have_shape = false;
  if (!in.take('{')) return bad_header("no dictionary");
  while (!in.take('}')) {
    const auto key = in.string();
    if (!key || !in.take(':')) return bad_header("expected 'key': value");
    if (*key == "descr" && !have_descr) {
      if (in.peek() == '[')
        return not_implemented("the array holds records (a structured dtype); one plain type expected");
      const auto descr = in.string();
      if (!descr) return bad_header("'descr' is not a string");
      ANYRT_ASSIGN(header.element, parse_descr(*descr, one_byte));
      have_descr = true;
    } else if (*key == "fortran_order" && !have_order) {
      header.fortran_order = in.take_word("True");
      if (!header.fortran_order && !in.take_word("False"))
        return bad_header("'fortran_order' is neither True nor False");
      have_order = true;
    } else if (*key == "shape" && !have_shape) {
      ANYRT_TRY(parse_shape(in, header.dims));
      have_shape = true;
    } else {
      return bad_header("unknown or repeated key");
    }
    if (!in.take(',') && in.peek() != '}') return bad_header("expected ',' or '}'");
  }
  if (!in.at_end()) return bad_header("text after the dictionary");
  if (!have_descr || !have_order || !have_shape) return bad_header("'descr', 'fortran_order' or 'shape' is missing");
  return header;
}

std::string make_npy_header(std::string_view descr, const Dims& dims) {
  std::string dict = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': (", descr);
  for (size_t i = 0; i < dims.size(); ++i) dict += fmt::format("{}{}", i ? ", " : "", dims[i]);
  dict += dims.size() == 1 ? ",), }" : "), }";
  const bool large = dict.size() + 74 > 65535;
  const size_t fixed = large ? 12 : 10;
  const size_t total = (fixed + dict.size() + 1 + 63) / 64 * 64;
  dict.append(total - fixed - dict.size() - 1, ' ');
  dict += '\n';
  std::string out(kMagic);
  out += large ? '\x03' : '\x01';
  out += '\0';
  if (large) {
    append_le(out, static_cast<uint32_t>(dict.size()));
  } else {
    append_le(out, static_cast<uint16_t>(dict.size()));
  }
  return out + dict;
}

}  // namespace anyrt
