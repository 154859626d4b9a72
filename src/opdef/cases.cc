#include "opdef/cases.h"

#include <cctype>
#include <charconv>

#include "tensor/literal.h"

namespace anyrt {

namespace {

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  void skip() {
    while (!text_.empty() && std::isspace(static_cast<unsigned char>(text_.front()))) text_.remove_prefix(1);
  }
  bool take(std::string_view token) {
    skip();
    if (text_.substr(0, token.size()) != token) return false;
    text_.remove_prefix(token.size());
    return true;
  }
  bool done() {
    skip();
    return text_.empty();
  }
  std::string word() {
    skip();
    size_t n = 0;
    while (n < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[n])) || text_[n] == '_')) ++n;
    std::string w(text_.substr(0, n));
    text_.remove_prefix(n);
    return w;
  }
  std::string_view& rest() { return text_; }

  Expected<std::string> quoted() {
    if (!take("\"")) return invalid_argument("expected a string in quotes at '{}'", text_.substr(0, 20));
    std::string out;
    while (!text_.empty() && text_.front() != '"') {
      if (text_.front() == '\\' && text_.size() > 1) text_.remove_prefix(1);
      out += text_.front();
      text_.remove_prefix(1);
    }
    if (!take("\"")) return invalid_argument("string without end");
    return out;
  }

  // A number is an INT unless it has a dot, an exponent or is inf/nan.
  Expected<AttrValue> number() {
    skip();
    size_t n = 0;
    while (n < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[n])) || text_[n] == '.' ||
                                text_[n] == '-' || text_[n] == '+'))
      ++n;
    const std::string_view token = text_.substr(0, n);
    text_.remove_prefix(n);
    int64_t i = 0;
    if (auto r = std::from_chars(token.data(), token.data() + n, i);
        n > 0 && r.ec == std::errc() && r.ptr == token.data() + n)
      return AttrValue(i);
    float f = 0;
    if (auto r = std::from_chars(token.data(), token.data() + n, f);
        n > 0 && r.ec == std::errc() && r.ptr == token.data() + n)
      return AttrValue(f);
    return invalid_argument("'{}' is not a number", token);
  }

  Expected<AttrValue> attribute() {
    skip();
    if (text_.empty()) return invalid_argument("attribute without value");
    if (text_.front() == '"') {
      ANYRT_ASSIGN(std::string s, quoted());
      return AttrValue(std::move(s));
    }
    if (text_.front() != '[') {
      if (std::isalpha(static_cast<unsigned char>(text_.front())) && text_.find('{') != std::string_view::npos &&
          text_.substr(0, 3) != "inf" && text_.substr(0, 3) != "nan") {
        ANYRT_ASSIGN(Tensor t, parse_tensor(text_));
        return AttrValue(std::move(t));
      }
      return number();
    }
    take("[");
    std::vector<int64_t> ints;
    std::vector<float> floats;
    std::vector<std::string> strings;
    bool any_float = false;
    while (!take("]")) {
      skip();
      if (text_.empty()) return invalid_argument("list without end");
      if (text_.front() == '"') {
        ANYRT_ASSIGN(std::string s, quoted());
        strings.push_back(std::move(s));
      } else {
        ANYRT_ASSIGN(AttrValue v, number());
        if (const auto* i = std::get_if<int64_t>(&v)) {
          ints.push_back(*i);
          floats.push_back(static_cast<float>(*i));
        } else {
          any_float = true;
          floats.push_back(std::get<float>(v));
        }
      }
      take(",");
    }
    if (!strings.empty()) return AttrValue(std::move(strings));
    if (any_float) return AttrValue(std::move(floats));
    return AttrValue(std::move(ints));
  }

  Expected<Value> value() {
    if (take("_")) return Value();
    if (take("seq(")) {
      Sequence s;
      while (!take(")")) {
        ANYRT_ASSIGN(Value v, value());
        s.elem_type = v.type();
        if (s.elem_type.is_tensor()) s.elem_type.shape.reset();
        s.values.push_back(std::move(v));
        if (!take(",") && rest().empty()) return invalid_argument("sequence without end");
      }
      return Value(std::move(s));
    }
    skip();
    ANYRT_ASSIGN(Tensor t, parse_tensor(text_));
    return Value(std::move(t));
  }

 private:
  std::string_view text_;
};

Expected<OpCase> parse_case(std::string_view line) {
  OpCase out;
  Reader r(line);
  while (!r.take(":")) {
    const std::string name = r.word();
    if (name.empty() || !r.take("="))
      return invalid_argument("expected name=value or ':' at '{}'", r.rest().substr(0, 20));
    ANYRT_ASSIGN(AttrValue v, r.attribute());
    out.attrs.push_back({name, std::move(v)});
  }
  while (!r.take("->")) {
    ANYRT_ASSIGN(Value v, r.value());
    out.inputs.push_back(std::move(v));
    r.take(",");
    if (r.done()) return invalid_argument("'->' is missing");
  }
  if (r.take("?")) {
    out.compare_only = true;
    return out;
  }
  if (r.take("!")) {
    out.expected_error = std::string(r.rest());
    while (!out.expected_error.empty() && std::isspace(static_cast<unsigned char>(out.expected_error.back())))
      out.expected_error.pop_back();
    return out;
  }
  while (!r.done() && !r.take("~")) {
    ANYRT_ASSIGN(Value v, r.value());
    out.outputs.push_back(std::move(v));
    r.take(",");
  }
  const auto tolerance = [&](double& t) -> Status {
    ANYRT_ASSIGN(AttrValue v, r.number());
    t = std::holds_alternative<float>(v) ? static_cast<double>(std::get<float>(v))
                                         : static_cast<double>(std::get<int64_t>(v));
    return {};
  };
  if (!r.done()) {
    ANYRT_TRY(tolerance(out.rtol));
    ANYRT_TRY(tolerance(out.atol));
  }
  return out;
}

}  // namespace

Expected<std::vector<OpCase>> parse_cases(std::string_view text) {
  std::vector<OpCase> out;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    while (!line.empty() && std::isspace(static_cast<unsigned char>(line.front()))) line.remove_prefix(1);
    if (line.empty() || line.front() == '#') continue;
    Expected<OpCase> c = parse_case(line);
    if (!c.ok()) return std::move(c).status().with_context(std::string(line));
    out.push_back(std::move(*c));
  }
  return out;
}

Node case_node(const OpDef& def, const OpCase& one) {
  Node node;
  node.domain = def.domain;
  node.op = def.name;
  node.attrs = one.attrs;
  // A float attribute may be written as an integer.
  for (Attr& a : node.attrs) {
    for (const AttrDef& d : def.attrs) {
      if (a.name != d.name) continue;
      if (d.kind == AttrKind::kFloat && a.kind() == AttrKind::kInt) {
        a.value = static_cast<float>(std::get<int64_t>(a.value));
      } else if (d.kind == AttrKind::kFloats && a.kind() == AttrKind::kInts) {
        const auto ints = std::get<std::vector<int64_t>>(a.value);
        a.value = std::vector<float>(ints.begin(), ints.end());
      } else if (d.kind == AttrKind::kStrings && a.kind() == AttrKind::kInts &&
                 std::get<std::vector<int64_t>>(a.value).empty()) {
        a.value = std::vector<std::string>();
      }
    }
  }
  return node;
}

size_t case_output_count(const OpDef& def, const OpCase& one) {
  if (!one.outputs.empty()) return one.outputs.size();
  size_t count = 0;
  for (const Param& p : def.outputs) count += (p.flags & kOptionalParam) == 0;
  return count;
}

}  // namespace anyrt
