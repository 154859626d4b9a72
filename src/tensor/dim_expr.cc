#include "tensor/dim_expr.h"

#include <algorithm>
#include <functional>
#include <limits>

namespace anyrt {
namespace {

// Beyond these an expression becomes unknown: shapes of real models stay far below.
constexpr size_t kMaxTerms = 64;
constexpr uint32_t kMaxSize = 512;
constexpr uint32_t kMaxDepth = 48;
constexpr uint32_t kMaxPower = 64;

size_t mix(size_t seed, size_t value) { return (seed ^ value) * 0x9e3779b97f4a7c15ull + (seed >> 29); }

int compare_integers(int64_t a, int64_t b) { return a < b ? -1 : (a > b ? 1 : 0); }

int compare_atoms(const DimAtom& a, const DimAtom& b) {
  if (&a == &b) return 0;
  if (a.op != b.op) return a.op < b.op ? -1 : 1;
  if (a.op == DimAtom::Op::kSymbol) return a.name.compare(b.name);
  if (const int c = compare_dims(a.a, b.a); c != 0) return c;
  return compare_dims(a.b, b.b);
}

std::optional<int64_t> checked_multiply(std::optional<int64_t> a, std::optional<int64_t> b) {
  int64_t product;
  if (!a || !b || __builtin_mul_overflow(*a, *b, &product)) return std::nullopt;
  return product;
}

std::optional<int64_t> checked_sum(std::optional<int64_t> a, std::optional<int64_t> b) {
  int64_t sum;
  if (!a || !b || __builtin_add_overflow(*a, *b, &sum)) return std::nullopt;
  return sum;
}

DimBounds term_bounds(const DimTerm& term) {
  DimBounds product{1, 1};
  for (const DimFactor& factor : term.factors) {
    const DimBounds& bounds = factor.atom->bounds;
    const bool alone = term.factors.size() == 1 && factor.power == 1;
    if (!alone && (!bounds.low || *bounds.low < 0)) return {};
    for (uint32_t i = 0; i < factor.power; ++i) {
      product = {checked_multiply(product.low, bounds.low), checked_multiply(product.high, bounds.high)};
    }
  }
  DimBounds scaled{checked_multiply(product.low, term.coefficient), checked_multiply(product.high, term.coefficient)};
  if (term.coefficient < 0) std::swap(scaled.low, scaled.high);
  return scaled;
}

DimBounds atom_bounds(const DimAtom& atom) {
  using Op = DimAtom::Op;
  const DimBounds a = DimExpr::bounds_of(atom.a), b = DimExpr::bounds_of(atom.b);
  const bool a_not_negative = a.low && *a.low >= 0, b_not_negative = b.low && *b.low >= 0;
  DimBounds result;
  switch (atom.op) {
    case Op::kSymbol: result.low = 0; break;
    case Op::kFloorDiv:
      if (atom.b.is_const() && atom.b.value() > 0) {
        if (a.low) result.low = floor_quotient(*a.low, atom.b.value());
        if (a.high) result.high = floor_quotient(*a.high, atom.b.value());
        break;
      }
      [[fallthrough]];
    case Op::kCeilDiv:
    case Op::kTruncDiv:
      if (a_not_negative && b_not_negative) result.low = 0;
      break;
    case Op::kMod:
      if (b_not_negative) result.low = 0;
      break;
    case Op::kMin:
      if (a.low && b.low) result.low = std::min(*a.low, *b.low);
      result.high = a.high && b.high ? std::min(*a.high, *b.high) : (a.high ? a.high : b.high);
      break;
    case Op::kMax:
      if (a.high && b.high) result.high = std::max(*a.high, *b.high);
      result.low = a.low && b.low ? std::max(*a.low, *b.low) : (a.low ? a.low : b.low);
      break;
  }
  return result;
}

std::optional<std::vector<DimFactor>> multiply_monomials(const std::vector<DimFactor>& a,
                                                         const std::vector<DimFactor>& b) {
  std::vector<DimFactor> product;
  product.reserve(a.size() + b.size());
  for (size_t i = 0, j = 0; i < a.size() || j < b.size();) {
    const int order = i == a.size() ? 1 : (j == b.size() ? -1 : compare_atoms(*a[i].atom, *b[j].atom));
    if (order < 0) {
      product.push_back(a[i++]);
    } else if (order > 0) {
      product.push_back(b[j++]);
    } else {
      product.push_back({a[i].atom, a[i].power + b[j].power});
      ++i, ++j;
    }
    if (product.back().power > kMaxPower) return std::nullopt;
  }
  return product;
}

std::optional<std::vector<DimFactor>> divide_monomials(const std::vector<DimFactor>& a,
                                                       const std::vector<DimFactor>& b) {
  std::vector<DimFactor> quotient;
  size_t j = 0;
  for (const DimFactor& factor : a) {
    if (j < b.size() && compare_atoms(*factor.atom, *b[j].atom) == 0) {
      if (factor.power < b[j].power) return std::nullopt;
      if (factor.power > b[j].power) quotient.push_back({factor.atom, factor.power - b[j].power});
      ++j;
    } else {
      quotient.push_back(factor);
    }
  }
  if (j != b.size()) return std::nullopt;
  return quotient;
}

uint32_t degree(const DimTerm& term) {
  uint32_t sum = 0;
  for (const DimFactor& factor : term.factors) sum += factor.power;
  return sum;
}

}  // namespace

int64_t floor_quotient(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

int compare_monomials(const DimTerm& a, const DimTerm& b) {
  const uint32_t degree_a = degree(a), degree_b = degree(b);
  if (degree_a != degree_b) return degree_a > degree_b ? 1 : -1;
  for (size_t i = 0; i < a.factors.size() && i < b.factors.size(); ++i) {
    if (const int c = compare_atoms(*a.factors[i].atom, *b.factors[i].atom); c != 0) return c < 0 ? 1 : -1;
    if (a.factors[i].power != b.factors[i].power) return a.factors[i].power > b.factors[i].power ? 1 : -1;
  }
  return 0;
}

int compare_dims(const Dim& a, const Dim& b) {
  if (a.is_symbolic() != b.is_symbolic()) return a.is_symbolic() ? 1 : -1;
  if (!a.is_symbolic()) return compare_integers(a.value(), b.value());
  const DimExpr& x = *DimExpr::get(a);
  const DimExpr& y = *DimExpr::get(b);
  if (&x == &y) return 0;
  if (x.terms.size() != y.terms.size()) return x.terms.size() < y.terms.size() ? -1 : 1;
  for (size_t i = 0; i < x.terms.size(); ++i) {
    if (const int c = compare_monomials(x.terms[i], y.terms[i]); c != 0) return c;
    if (const int c = compare_integers(x.terms[i].coefficient, y.terms[i].coefficient); c != 0) return c;
  }
  return 0;
}

bool normalise(DimPoly& poly) {
  std::sort(poly.begin(), poly.end(), [](const DimTerm& a, const DimTerm& b) { return compare_monomials(a, b) > 0; });
  size_t kept = 0;
  for (size_t i = 0; i < poly.size();) {
    DimTerm sum = std::move(poly[i++]);
    for (; i < poly.size() && compare_monomials(sum, poly[i]) == 0; ++i) {
      if (__builtin_add_overflow(sum.coefficient, poly[i].coefficient, &sum.coefficient)) return false;
    }
    if (sum.coefficient != 0) poly[kept++] = std::move(sum);
  }
  poly.resize(kept);
  return kept <= kMaxTerms;
}

std::optional<DimPoly> multiply(const DimPoly& a, const DimPoly& b) {
  DimPoly product;
  product.reserve(a.size() * b.size());
  for (const DimTerm& x : a) {
    for (const DimTerm& y : b) {
      auto factors = multiply_monomials(x.factors, y.factors);
      int64_t coefficient;
      if (!factors || __builtin_mul_overflow(x.coefficient, y.coefficient, &coefficient)) return std::nullopt;
      product.push_back({std::move(*factors), coefficient});
    }
  }
  if (!normalise(product)) return std::nullopt;
  return product;
}

std::optional<DimPoly> divide_exactly(const DimPoly& a, const DimPoly& b) {
  DimPoly rest = a, quotient;
  const DimTerm& lead = b.front();
  while (!rest.empty()) {
    if (quotient.size() >= kMaxTerms || lead.coefficient == 0) return std::nullopt;
    if (rest.front().coefficient == std::numeric_limits<int64_t>::min()) return std::nullopt;
    auto factors = divide_monomials(rest.front().factors, lead.factors);
    if (!factors || rest.front().coefficient % lead.coefficient != 0) return std::nullopt;
    quotient.push_back({std::move(*factors), rest.front().coefficient / lead.coefficient});
    auto part = multiply({quotient.back()}, b);
    if (!part) return std::nullopt;
    for (DimTerm& term : *part) {
      if (__builtin_sub_overflow(int64_t{0}, term.coefficient, &term.coefficient)) return std::nullopt;
      rest.push_back(std::move(term));
    }
    if (!normalise(rest)) return std::nullopt;
  }
  return quotient;
}

Dim DimExpr::from_poly(DimPoly poly) {
  if (poly.empty()) return Dim(0);
  if (poly.size() == 1 && poly[0].factors.empty()) return Dim(poly[0].coefficient);
  auto expr = std::make_shared<DimExpr>();
  expr->hash = poly.size();
  expr->bounds = {0, 0};
  for (const DimTerm& term : poly) {
    expr->hash = mix(expr->hash, static_cast<size_t>(term.coefficient));
    expr->size += 1;
    for (const DimFactor& factor : term.factors) {
      expr->hash = mix(mix(expr->hash, factor.atom->hash), factor.power);
      expr->size += factor.atom->size;
      expr->depth = std::max(expr->depth, factor.atom->depth);
    }
    const DimBounds bounds = term_bounds(term);
    expr->bounds = {checked_sum(expr->bounds.low, bounds.low), checked_sum(expr->bounds.high, bounds.high)};
    if (expr->size > kMaxSize || expr->depth > kMaxDepth) return Dim::unknown();
  }
  expr->terms = std::move(poly);
  Dim dim;
  dim.kind_ = Dim::Kind::kExpr;
  dim.expr_ = std::move(expr);
  return dim;
}

Dim DimExpr::from_atom(DimAtom::Op op, std::string name, Dim a, Dim b) {
  auto atom = std::make_shared<DimAtom>();
  atom->op = op;
  atom->hash = mix(static_cast<size_t>(op), std::hash<std::string>()(name));
  atom->name = std::move(name);
  if (op != DimAtom::Op::kSymbol) {
    atom->hash = mix(mix(atom->hash, a.hash()), b.hash());
    for (const Dim* operand : {&a, &b}) {
      const DimExpr* expr = get(*operand);
      atom->size += expr ? expr->size : 1;
      atom->depth = std::max(atom->depth, expr ? expr->depth + 1 : 1);
    }
    atom->a = std::move(a);
    atom->b = std::move(b);
  }
  atom->bounds = atom_bounds(*atom);
  DimPoly poly(1);
  poly[0].coefficient = 1;
  poly[0].factors.push_back({std::move(atom), 1});
  return from_poly(std::move(poly));
}

DimPoly DimExpr::to_poly(const Dim& dim) {
  if (dim.expr_) return dim.expr_->terms;
  if (dim.value_ == 0) return {};
  return {DimTerm{{}, dim.value_}};
}

DimBounds DimExpr::bounds_of(const Dim& dim) {
  if (dim.is_const()) return {dim.value(), dim.value()};
  return dim.expr_ ? dim.expr_->bounds : DimBounds{};
}

}  // namespace anyrt
