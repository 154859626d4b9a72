#include <charconv>
#include <limits>
#include <string>
#include <system_error>

#include "tensor/dim.h"
#include "tensor/dim_expr.h"

namespace anyrt {
namespace {

using Op = DimAtom::Op;

constexpr int kMaxDepth = 64;

struct Function {
  std::string_view name;
  Op op;
};
constexpr Function kFunctions[] = {{"floor", Op::kFloorDiv}, {"ceil", Op::kCeilDiv}, {"trunc", Op::kTruncDiv},
                                   {"mod", Op::kMod},        {"min", Op::kMin},      {"max", Op::kMax}};

const Function* find_function(std::string_view name) {
  for (const Function& f : kFunctions) {
    if (f.name == name) return &f;
  }
  return nullptr;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' || c == '.' || (c & 0x80) != 0;
}

// Names that would not read back as one symbol stand in backquotes.
std::string name_text(const std::string& name) {
  bool plain = !is_digit(name[0]) && name[0] != '.' && find_function(name) == nullptr;
  for (const char c : name) plain = plain && is_name_char(c);
  if (plain) return name;
  std::string quoted = "`";
  for (const char c : name) {
    if (c == '`' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '`';
}

std::string operand_text(const Dim& dim) {
  std::string text = dim.to_string();
  const DimExpr* expr = DimExpr::get(dim);
  const bool atom = expr != nullptr && expr->terms.size() == 1 && expr->terms[0].coefficient == 1 &&
                    expr->terms[0].factors.size() == 1 && expr->terms[0].factors[0].power == 1;
  return atom || (expr == nullptr && dim.value() >= 0) ? text : "(" + text + ")";
}

std::string atom_text(const DimAtom& atom) {
  if (atom.op == Op::kSymbol) return name_text(atom.name);
  for (const Function& f : kFunctions) {
    if (f.op != atom.op) continue;
    const bool division = atom.op == Op::kFloorDiv || atom.op == Op::kCeilDiv || atom.op == Op::kTruncDiv;
    return std::string(f.name) + "(" +
           (division ? operand_text(atom.a) + "/" + operand_text(atom.b)
                     : atom.a.to_string() + "," + atom.b.to_string()) +
           ")";
  }
  return "?";
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Expected<Dim> parse() {
    ANYRT_ASSIGN(Dim dim, sum(Op::kFloorDiv, 0));
    skip_blanks();
    if (at_ != text_.size()) return error("the end");
    return dim;
  }

 private:
  void skip_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }

  char peek() {
    skip_blanks();
    return at_ < text_.size() ? text_[at_] : '\0';
  }

  bool accept(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }

  Status error(std::string_view expected) const {
    constexpr size_t kShown = 60;
    return invalid_argument("dimension \"{}\": expected {} at offset {}", text_.substr(0, kShown), expected, at_);
  }

  // `division` is what '/' means: the function it stands in says how to round.
  Expected<Dim> sum(Op division, int depth) {
    if (depth > kMaxDepth) return error("less nesting");
    const bool negative = accept('-');
    ANYRT_ASSIGN(Dim total, product(division, depth));
    if (negative) total = Dim(0) - total;
    for (;;) {
      const bool plus = accept('+');
      if (!plus && !accept('-')) return total;
      ANYRT_ASSIGN(const Dim next, product(division, depth));
      total = plus ? total + next : total - next;
    }
  }

  Expected<Dim> product(Op division, int depth) {
    ANYRT_ASSIGN(Dim total, power(depth));
    for (;;) {
      const char c = peek();
      if (c != '*' && c != '/' && c != '%') return total;
      ++at_;
      ANYRT_ASSIGN(const Dim next, power(depth));
      if (c == '*') total = total * next;
      if (c == '%') total = Dim::mod(total, next);
      if (c == '/') total = divide(division, total, next);
    }
  }

  static Dim divide(Op division, const Dim& a, const Dim& b) {
    if (division == Op::kCeilDiv) return Dim::ceil_div(a, b);
    return division == Op::kTruncDiv ? Dim::trunc_div(a, b) : Dim::floor_div(a, b);
  }

  Expected<Dim> power(int depth) {
    ANYRT_ASSIGN(const Dim base, primary(depth));
    if (!accept('^')) return base;
    ANYRT_ASSIGN(const int64_t exponent, integer());
    constexpr int64_t kMaxExponent = 64;
    if (exponent > kMaxExponent) return error("an exponent of at most 64");
    Dim result(1);
    for (int64_t i = 0; i < exponent; ++i) result = result * base;
    return result;
  }

  Expected<int64_t> integer() {
    if (!is_digit(peek())) return error("a number");
    int64_t value = 0;
    const auto [end, failure] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (failure != std::errc()) return error("a number of 64 bits");
    at_ = static_cast<size_t>(end - text_.data());
    return value;
  }

  Expected<Dim> primary(int depth) {
    const char c = peek();
    if (is_digit(c)) {
      ANYRT_ASSIGN(const int64_t value, integer());
      return Dim(value);
    }
    if (accept('?')) return Dim::unknown();
    if (accept('(')) {
      ANYRT_ASSIGN(Dim inner, sum(Op::kFloorDiv, depth + 1));
      if (!accept(')')) return error("')'");
      return inner;
    }
    if (accept('`')) return quoted();
    if (c == '\0' || c == '.' || !is_name_char(c)) return error("a number, a name or '('");
    const size_t begin = at_;
    while (at_ < text_.size() && is_name_char(text_[at_])) ++at_;
    const std::string_view name = text_.substr(begin, at_ - begin);
    if (const Function* f = find_function(name); f != nullptr && accept('(')) return call(f->op, depth + 1);
    return Dim::symbol(std::string(name));
  }

  Expected<Dim> quoted() {
    std::string name;
    while (at_ < text_.size() && text_[at_] != '`') {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      name += text_[at_++];
    }
    if (at_ == text_.size() || name.empty()) return error("a name and '`'");
    ++at_;
    return Dim::symbol(std::move(name));
  }

  Expected<Dim> call(Op op, int depth) {
    ANYRT_ASSIGN(Dim a, sum(op, depth));
    if (op == Op::kMod || op == Op::kMin || op == Op::kMax) {
      if (!accept(',')) return error("','");
      ANYRT_ASSIGN(const Dim b, sum(Op::kFloorDiv, depth));
      a = op == Op::kMod ? Dim::mod(a, b) : (op == Op::kMin ? Dim::min(a, b) : Dim::max(a, b));
    }
    if (!accept(')')) return error("')'");
    return a;
  }

  std::string_view text_;
  size_t at_ = 0;
};

template <class T, class Print>
std::string bracketed(const std::vector<T>& items, Print print) {
  std::string text = "[";
  for (const T& item : items) {
    if (text.size() > 1) text += ',';
    text += print(item);
  }
  return text + ']';
}

}  // namespace

Expected<Dim> Dim::parse(std::string_view text) { return Parser(text).parse(); }

std::string Dim::to_string() const {
  if (is_unknown()) return "?";
  if (is_const()) return std::to_string(value_);
  std::string text;
  for (const DimTerm& term : expr_->terms) {
    const bool negative = term.coefficient < 0;
    if (negative) text += '-';
    if (!negative && !text.empty()) text += '+';
    const std::string digits = std::to_string(term.coefficient).substr(negative ? 1 : 0);
    std::string body = digits == "1" && !term.factors.empty() ? "" : digits;
    for (const DimFactor& factor : term.factors) {
      if (!body.empty()) body += '*';
      body += atom_text(*factor.atom);
      if (factor.power > 1) body += '^' + std::to_string(factor.power);
    }
    text += body;
  }
  return text;
}

std::string shape_string(const SymShape& shape) {
  return bracketed(shape, [](const Dim& dim) { return dim.to_string(); });
}

std::string shape_string(const std::vector<int64_t>& dims) {
  return bracketed(dims, [](int64_t dim) { return std::to_string(dim); });
}

}  // namespace anyrt
