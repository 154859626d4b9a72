#include <algorithm>
#include <cctype>

#include "tensor/type.h"

namespace anyrt {
namespace {

constexpr int kMaxDepth = 64;

void skip_blanks(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
}

bool eat(std::string_view& text, char c) {
  skip_blanks(text);
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

std::string_view shown(std::string_view text) { return text.empty() ? "the end" : text.substr(0, 20); }

Status expect(std::string_view& text, char c) {
  if (eat(text, c)) return {};
  return invalid_argument("expected '{}', found '{}'", c, shown(text));
}

std::string_view take_word(std::string_view& text) {
  skip_blanks(text);
  size_t end = 0;
  while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) || text[end] == '_')) ++end;
  if (end == 0 && text.starts_with('?')) end = 1;
  std::string_view word = text.substr(0, end);
  text.remove_prefix(end);
  return word;
}

// The end of one dimension: a comma or bracket outside of parentheses and backquotes.
size_t dim_end(std::string_view text) {
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      quoted = c != '`';
    } else if (c == '`') {
      quoted = true;
    } else if (c == '(') {
      ++depth;
    } else if (c == ')') {
      --depth;
    } else if (depth == 0 && (c == ',' || c == ']')) {
      return i;
    }
  }
  return text.size();
}

Expected<Type> parse_nested(std::string_view& text, int depth);

Expected<Type> parse_wrapped(std::string_view& text, std::string_view word, int depth) {
  ANYRT_TRY(expect(text, '('));
  DType key = DType::kUndefined;
  if (word == "map") {
    std::string_view key_word = take_word(text);
    std::optional<DType> dtype = parse_dtype(key_word);
    if (!dtype && key_word != "?") return invalid_argument("expected the key type of a map, found '{}'", shown(text));
    key = dtype.value_or(DType::kUndefined);
    ANYRT_TRY(expect(text, ','));
  }
  ANYRT_ASSIGN(Type inner, parse_nested(text, depth + 1));
  ANYRT_TRY(expect(text, ')'));
  if (word == "seq") return Type::sequence(std::move(inner));
  if (word == "optional") return Type::optional_of(std::move(inner));
  if (word == "map") return Type::map(key, std::move(inner));
  if (!inner.is_tensor()) return invalid_argument("expected a tensor type in sparse(), found {}", inner.to_string());
  return Type::sparse(inner.dtype, inner.shape);
}

Expected<Type> parse_nested(std::string_view& text, int depth) {
  if (depth > kMaxDepth) return invalid_argument("types are nested deeper than {} levels", kMaxDepth);
  std::string_view start = text;
  std::string_view word = take_word(text);
  if (word == "seq" || word == "optional" || word == "map" || word == "sparse") return parse_wrapped(text, word, depth);
  if (word == "opaque") {
    Type t;
    t.kind = TypeKind::kOpaque;
    return t;
  }
  std::optional<DType> dtype = word == "?" ? DType::kUndefined : parse_dtype(word);
  if (!dtype) return invalid_argument("expected a type, found '{}'", shown(start));
  Type t = Type::tensor(*dtype);
  if (text.starts_with('[')) {
    ANYRT_ASSIGN(t.shape, parse_shape(text));
  }
  return t;
}

}  // namespace

Expected<SymShape> parse_shape(std::string_view& text) {
  ANYRT_TRY(expect(text, '['));
  SymShape shape;
  if (eat(text, ']')) return shape;
  do {
    size_t end = dim_end(text);
    ANYRT_ASSIGN(Dim dim, Dim::parse(text.substr(0, end)));
    shape.push_back(std::move(dim));
    text.remove_prefix(end);
  } while (eat(text, ','));
  ANYRT_TRY(expect(text, ']'));
  return shape;
}

Expected<Type> parse_type(std::string_view& text) { return parse_nested(text, 0); }

}  // namespace anyrt
