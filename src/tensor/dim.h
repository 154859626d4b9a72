#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace anyrt {

struct DimExpr;

// One dimension of a symbolic shape: an integer, an expression over symbols (N, 2*N + 1, floor(H/32), max(A,B)), or
// unknown. A value: compares, hashes, prints ("N", "2*N+1", "?") and parses back. Expressions are kept in a normal form
// (sum of products with sorted terms), so that equal polynomials compare equal. Unknown is equal to nothing, not even
// itself.
class Dim {
 public:
  Dim() = default;                                            // unknown
  Dim(int64_t value) : kind_(Kind::kConst), value_(value) {}  // NOLINT: implicit by design
  static Dim unknown() { return {}; }
  static Dim symbol(std::string name);
  static Expected<Dim> parse(std::string_view text);

  bool is_const() const { return kind_ == Kind::kConst; }
  bool is_unknown() const { return kind_ == Kind::kUnknown; }
  bool is_symbolic() const { return kind_ == Kind::kExpr; }
  int64_t value() const { return value_; }  // only when is_const()
  bool is(int64_t v) const { return is_const() && value_ == v; }
  std::optional<std::string> symbol_name() const;  // when the expression is one bare symbol

  // Integers that overflow give unknown.
  friend Dim operator+(const Dim& a, const Dim& b);
  friend Dim operator-(const Dim& a, const Dim& b);
  friend Dim operator*(const Dim& a, const Dim& b);
  static Dim floor_div(const Dim& a, const Dim& b);  // toward minus infinity; unknown when b is 0
  static Dim ceil_div(const Dim& a, const Dim& b);
  static Dim trunc_div(const Dim& a, const Dim& b);  // toward zero, as ONNX Div on integers
  static Dim mod(const Dim& a, const Dim& b);        // sign of b, as ONNX Mod with fmod=0
  static Dim min(const Dim& a, const Dim& b);
  static Dim max(const Dim& a, const Dim& b);

  // True when the two are surely the same number. Unknown is never surely equal.
  bool equals(const Dim& other) const;
  friend bool operator==(const Dim& a, const Dim& b) { return a.equals(b); }
  size_t hash() const;
  std::string to_string() const;

  using Bindings = std::map<std::string, int64_t, std::less<>>;
  // The integer this dim has when symbols have these values; nullopt when a symbol is unbound or the dim unknown.
  std::optional<int64_t> evaluate(const Bindings& bindings) const;
  // Replaces symbols that `bindings` names by expressions.
  Dim substitute(const std::map<std::string, Dim, std::less<>>& bindings) const;
  void collect_symbols(std::vector<std::string>& out) const;

 private:
  enum class Kind : uint8_t { kUnknown, kConst, kExpr };
  Kind kind_ = Kind::kUnknown;
  int64_t value_ = 0;
  std::shared_ptr<const DimExpr> expr_;
  friend struct DimExpr;
};

// A symbolic shape of known rank.
using SymShape = std::vector<Dim>;

std::string shape_string(const SymShape& shape);             // "[N,3,H/2]"
std::string shape_string(const std::vector<int64_t>& dims);  // "[2,3]"
SymShape to_sym_shape(const std::vector<int64_t>& dims);
std::optional<std::vector<int64_t>> to_dims(const SymShape& shape);  // nullopt unless every dim is an integer

}  // namespace anyrt
