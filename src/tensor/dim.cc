#include "tensor/dim.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>

#include "tensor/dim_expr.h"

namespace anyrt {
namespace {

using Op = DimAtom::Op;

// The atom when the polynomial is that one atom and nothing else.
const DimAtom* bare_atom(const DimPoly& poly) {
  const bool bare =
      poly.size() == 1 && poly[0].coefficient == 1 && poly[0].factors.size() == 1 && poly[0].factors[0].power == 1;
  return bare ? poly[0].factors[0].atom.get() : nullptr;
}

bool not_negative(const Dim& dim) {
  const DimBounds bounds = DimExpr::bounds_of(dim);
  return bounds.low && *bounds.low >= 0;
}

bool not_positive(const Dim& dim) {
  const DimBounds bounds = DimExpr::bounds_of(dim);
  return bounds.high && *bounds.high <= 0;
}

std::optional<Dim> exact_quotient(const Dim& a, const Dim& b) {
  auto quotient = divide_exactly(DimExpr::to_poly(a), DimExpr::to_poly(b));
  if (!quotient || !normalise(*quotient)) return std::nullopt;
  return DimExpr::from_poly(std::move(*quotient));
}

// floor(a / k) of an expression. Every coefficient is split into a multiple of k, which leaves the division, and a rest
// in [0, k); then common divisors and nested divisions are taken out. -floor(-x) of a leading minus keeps one form for
// both ways to write a ceiling.
Dim floor_by_constant(const Dim& a, int64_t k) {
  const DimPoly terms = DimExpr::to_poly(a);
  const auto lead = std::find_if(terms.begin(), terms.end(),
                                 [k](const DimTerm& t) { return !t.factors.empty() && t.coefficient % k != 0; });
  if (lead != terms.end() && lead->coefficient < 0) {
    return Dim(0) - Dim::floor_div(Dim(k - 1) - a, k);
  }
  DimPoly whole, rest;
  int64_t constant = 0, common = k;
  for (const DimTerm& term : terms) {
    const int64_t quotient = floor_quotient(term.coefficient, k);
    const int64_t left = term.coefficient % k + (term.coefficient % k < 0 ? k : 0);
    if (quotient != 0) whole.push_back({term.factors, quotient});
    if (term.factors.empty()) {
      constant = left;
    } else if (left != 0) {
      rest.push_back({term.factors, left});
      common = std::gcd(common, left);
    }
  }
  const Dim outside = DimExpr::from_poly(std::move(whole));
  if (rest.empty()) return outside;
  for (DimTerm& term : rest) term.coefficient /= common;
  constant /= common;
  k /= common;
  const DimAtom* inner = bare_atom(rest);
  if (inner != nullptr && inner->op == Op::kFloorDiv && inner->b.is_const()) {
    const Dim divisor = inner->b * Dim(k);
    const Dim dividend = inner->a + inner->b * Dim(constant);
    if (!divisor.is_unknown() && !dividend.is_unknown()) return outside + Dim::floor_div(dividend, divisor);
  }
  if (constant != 0) rest.push_back({{}, constant});
  const Dim numerator = DimExpr::from_poly(std::move(rest));
  if (numerator.is_unknown()) return numerator;
  const DimBounds bounds = DimExpr::bounds_of(numerator);
  if (bounds.low && bounds.high && *bounds.low >= 0 && *bounds.high < k) return outside;
  return outside + DimExpr::from_atom(Op::kFloorDiv, {}, numerator, Dim(k));
}

Dim extremum(const Dim& a, const Dim& b, bool want_max) {
  if (a.is_unknown() || b.is_unknown()) return Dim::unknown();
  const Dim difference = a - b;
  if (not_negative(difference)) return want_max ? a : b;
  if (not_positive(difference)) return want_max ? b : a;
  // An operand that already is this extremum of the other one adds nothing.
  const Op op = want_max ? Op::kMax : Op::kMin;
  for (const auto& [outer, other] : {std::pair(&a, &b), std::pair(&b, &a)}) {
    const DimPoly poly = DimExpr::to_poly(*outer);
    const DimAtom* atom = bare_atom(poly);
    if (atom != nullptr && atom->op == op && (atom->a.equals(*other) || atom->b.equals(*other))) return *outer;
  }
  const bool swap = compare_dims(a, b) > 0;
  return DimExpr::from_atom(op, {}, swap ? b : a, swap ? a : b);
}

Dim apply(Op op, const Dim& a, const Dim& b) {
  switch (op) {
    case Op::kSymbol: break;
    case Op::kFloorDiv: return Dim::floor_div(a, b);
    case Op::kCeilDiv: return Dim::ceil_div(a, b);
    case Op::kTruncDiv: return Dim::trunc_div(a, b);
    case Op::kMod: return Dim::mod(a, b);
    case Op::kMin: return Dim::min(a, b);
    case Op::kMax: return Dim::max(a, b);
  }
  return Dim::unknown();
}

// Rebuilds the expression with symbols replaced by what `lookup` gives.
template <class Lookup>
Dim rebuild(const Dim& dim, const Lookup& lookup) {
  const DimExpr* expr = DimExpr::get(dim);
  if (expr == nullptr) return dim;
  Dim sum(0);
  for (const DimTerm& term : expr->terms) {
    Dim product(term.coefficient);
    for (const DimFactor& factor : term.factors) {
      const DimAtom& atom = *factor.atom;
      const Dim value =
          atom.op == Op::kSymbol ? lookup(atom.name) : apply(atom.op, rebuild(atom.a, lookup), rebuild(atom.b, lookup));
      for (uint32_t i = 0; i < factor.power; ++i) product = product * value;
    }
    sum = sum + product;
    if (sum.is_unknown()) return sum;
  }
  return sum;
}

}  // namespace

Dim Dim::symbol(std::string name) {
  if (name.empty()) return unknown();
  return DimExpr::from_atom(Op::kSymbol, std::move(name), Dim(0), Dim(0));
}

std::optional<std::string> Dim::symbol_name() const {
  if (!expr_) return std::nullopt;
  const DimAtom* atom = bare_atom(expr_->terms);
  if (atom == nullptr || atom->op != Op::kSymbol) return std::nullopt;
  return atom->name;
}

Dim operator+(const Dim& a, const Dim& b) {
  if (a.is_unknown() || b.is_unknown()) return Dim::unknown();
  if (a.is_const() && b.is_const()) {
    int64_t sum;
    return __builtin_add_overflow(a.value_, b.value_, &sum) ? Dim::unknown() : Dim(sum);
  }
  DimPoly sum = DimExpr::to_poly(a);
  for (DimTerm& term : DimExpr::to_poly(b)) sum.push_back(std::move(term));
  return normalise(sum) ? DimExpr::from_poly(std::move(sum)) : Dim::unknown();
}

Dim operator-(const Dim& a, const Dim& b) {
  if (a.is_const() && b.is_const()) {
    int64_t difference;
    return __builtin_sub_overflow(a.value_, b.value_, &difference) ? Dim::unknown() : Dim(difference);
  }
  return a + Dim(-1) * b;
}

Dim operator*(const Dim& a, const Dim& b) {
  if (a.is_unknown() || b.is_unknown()) return a.is(0) || b.is(0) ? Dim(0) : Dim::unknown();
  if (a.is_const() && b.is_const()) {
    int64_t product;
    return __builtin_mul_overflow(a.value_, b.value_, &product) ? Dim::unknown() : Dim(product);
  }
  auto product = multiply(DimExpr::to_poly(a), DimExpr::to_poly(b));
  return product ? DimExpr::from_poly(std::move(*product)) : Dim::unknown();
}

Dim Dim::floor_div(const Dim& a, const Dim& b) {
  if (a.is_unknown() || b.is_unknown() || b.is(0)) return unknown();
  if (b.is_const()) {
    if (b.value_ < 0) return floor_div(Dim(0) - a, Dim(0) - b);
    return a.is_const() ? Dim(floor_quotient(a.value_, b.value_)) : floor_by_constant(a, b.value_);
  }
  if (auto quotient = exact_quotient(a, b)) return *quotient;
  return DimExpr::from_atom(Op::kFloorDiv, {}, a, b);
}

Dim Dim::ceil_div(const Dim& a, const Dim& b) {
  if (a.is_unknown() || b.is_unknown() || b.is(0)) return unknown();
  if (b.is_const()) {
    if (b.value_ < 0) return ceil_div(Dim(0) - a, Dim(0) - b);
    if (a.is_const()) return Dim(0) - floor_div(Dim(0) - a, b);
    return floor_div(a + (b - 1), b);
  }
  if (auto quotient = exact_quotient(a, b)) return *quotient;
  return DimExpr::from_atom(Op::kCeilDiv, {}, a, b);
}

Dim Dim::trunc_div(const Dim& a, const Dim& b) {
  if (a.is_unknown() || b.is_unknown() || b.is(0)) return unknown();
  const bool minus_a = not_positive(a), minus_b = not_positive(b);
  if ((minus_a || not_negative(a)) && (minus_b || not_negative(b))) {
    const Dim quotient = floor_div(minus_a ? Dim(0) - a : a, minus_b ? Dim(0) - b : b);
    return minus_a != minus_b ? Dim(0) - quotient : quotient;
  }
  if (auto quotient = exact_quotient(a, b)) return *quotient;
  return DimExpr::from_atom(Op::kTruncDiv, {}, a, b);
}

Dim Dim::mod(const Dim& a, const Dim& b) {
  if (a.is_unknown() || b.is_unknown() || b.is(0)) return unknown();
  if (b.is_const()) return a - b * floor_div(a, b);
  if (exact_quotient(a, b)) return Dim(0);
  return DimExpr::from_atom(Op::kMod, {}, a, b);
}

Dim Dim::min(const Dim& a, const Dim& b) { return extremum(a, b, false); }
Dim Dim::max(const Dim& a, const Dim& b) { return extremum(a, b, true); }

bool Dim::equals(const Dim& other) const {
  if (kind_ != other.kind_ || kind_ == Kind::kUnknown) return false;
  if (kind_ == Kind::kConst) return value_ == other.value_;
  return expr_ == other.expr_ || (expr_->hash == other.expr_->hash && compare_dims(*this, other) == 0);
}

size_t Dim::hash() const {
  if (expr_) return expr_->hash;
  return std::hash<int64_t>()(value_) * 0x9e3779b97f4a7c15ull + static_cast<size_t>(kind_);
}

std::optional<int64_t> Dim::evaluate(const Bindings& bindings) const {
  // The operations themselves give unknown for overflow and division by zero.
  const Dim result = rebuild(*this, [&](const std::string& name) {
    const auto it = bindings.find(name);
    return it == bindings.end() ? unknown() : Dim(it->second);
  });
  return result.is_const() ? std::optional(result.value_) : std::nullopt;
}

Dim Dim::substitute(const std::map<std::string, Dim, std::less<>>& bindings) const {
  return rebuild(*this, [&](const std::string& name) {
    const auto it = bindings.find(name);
    return it == bindings.end() ? symbol(name) : it->second;
  });
}

void Dim::collect_symbols(std::vector<std::string>& out) const {
  if (!expr_) return;
  for (const DimTerm& term : expr_->terms) {
    for (const DimFactor& factor : term.factors) {
      const DimAtom& atom = *factor.atom;
      if (atom.op != Op::kSymbol) {
        atom.a.collect_symbols(out);
        atom.b.collect_symbols(out);
      } else if (std::find(out.begin(), out.end(), atom.name) == out.end()) {
        out.push_back(atom.name);
      }
    }
  }
}

SymShape to_sym_shape(const std::vector<int64_t>& dims) { return {dims.begin(), dims.end()}; }

std::optional<std::vector<int64_t>> to_dims(const SymShape& shape) {
  std::vector<int64_t> dims;
  dims.reserve(shape.size());
  for (const Dim& dim : shape) {
    if (!dim.is_const()) return std::nullopt;
    dims.push_back(dim.value());
  }
  return dims;
}

}  // namespace anyrt
