#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tensor/dim.h"

namespace anyrt {

// The normal form behind Dim: a polynomial with integer coefficients over atoms. An atom is a symbol or a division,
// minimum … of two normal forms. Private to dim*.cc.

struct DimBounds {
  std::optional<int64_t> low, high;
};

struct DimAtom {
  enum class Op : uint8_t { kSymbol, kFloorDiv, kCeilDiv, kTruncDiv, kMod, kMin, kMax };
  Op op = Op::kSymbol;
  std::string name;  // of a symbol
  Dim a, b;          // operands otherwise
  size_t hash = 0;
  uint32_t size = 1;  // atoms in the tree below, itself included
  uint32_t depth = 1;
  DimBounds bounds;
};

struct DimFactor {
  std::shared_ptr<const DimAtom> atom;
  uint32_t power = 1;
};

// coefficient * product of factors, which are sorted by atom. The constant term has no factors.
struct DimTerm {
  std::vector<DimFactor> factors;
  int64_t coefficient = 0;
};

// Sorted from the largest monomial to the constant, no zero coefficients, no two terms of one monomial.
using DimPoly = std::vector<DimTerm>;

struct DimExpr {
  DimPoly terms;
  size_t hash = 0;
  uint32_t size = 0;
  uint32_t depth = 0;
  DimBounds bounds;

  // Builds the Dim of a polynomial in normal form: an integer when it is one, unknown when it is too large.
  static Dim from_poly(DimPoly poly);
  static Dim from_atom(DimAtom::Op op, std::string name, Dim a, Dim b);
  // The terms of an integer or an expression; `dim` is not unknown.
  static DimPoly to_poly(const Dim& dim);
  static const DimExpr* get(const Dim& dim) { return dim.expr_.get(); }
  static DimBounds bounds_of(const Dim& dim);
};

int compare_monomials(const DimTerm& a, const DimTerm& b);  // graded lexicographic order
int compare_dims(const Dim& a, const Dim& b);               // a total order of normal forms
// Sorts, merges equal monomials and drops zeros; false on overflow or too many terms.
bool normalise(DimPoly& poly);
std::optional<DimPoly> multiply(const DimPoly& a, const DimPoly& b);
// a / b when b divides a as a polynomial.
std::optional<DimPoly> divide_exactly(const DimPoly& a, const DimPoly& b);
int64_t floor_quotient(int64_t a, int64_t b);  // b > 0

}  // namespace anyrt
