#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/status.h"
#include "graph/attr.h"
#include "tensor/dtype.h"

namespace anyrt {

class InferContext;
class EvalContext;
class RewriteContext;
class CostContext;

// The kinds of values one type variable of an operator may be.
struct TypeSet {
  DTypeSet tensor = {};
  DTypeSet sequence = {};           // seq(tensor(T))
  DTypeSet optional_tensor = {};    // optional(tensor(T))
  DTypeSet optional_sequence = {};  // optional(seq(tensor(T)))
  DTypeSet sparse = {};
  bool map = false;  // any map; the operator checks the rest itself
  bool sequence_of_map = false;
  constexpr TypeSet() = default;
  constexpr TypeSet(DTypeSet t) : tensor(t) {}  // NOLINT: implicit by design
  constexpr TypeSet(DType t) : tensor(t) {}     // NOLINT: implicit by design
};
constexpr TypeSet sequences(DTypeSet t) {
  TypeSet s;
  s.sequence = t;
  return s;
}
constexpr TypeSet any_value(DTypeSet t) {  // tensors, sequences, optionals of both
  TypeSet s;
  s.tensor = s.sequence = s.optional_tensor = s.optional_sequence = t;
  return s;
}

struct TypeRule {
  const char* name;  // "T"
  TypeSet types;
};

enum ParamFlags : uint8_t {
  kRequiredParam = 0,
  kOptionalParam = 1,
  kVariadicParam = 2,     // last one only; all of one type
  kVariadicAnyParam = 4,  // last one only; each may have its own type
};

// A formal input or output. `type` names a TypeRule of the operator or is a dtype name ("int64").
struct Param {
  const char* name;
  const char* type;
  uint8_t flags = kRequiredParam;
  const char* doc = "";
};

// A formal attribute. Make rows with the functions below.
struct AttrDef {
  const char* name = "";
  AttrKind kind = AttrKind::kInt;
  bool required = false;
  bool has_default = false;
  int64_t i = 0;
  float f = 0;
  const char* s = "";
  const char* doc = "";
  std::span<const int64_t> ints = {};
  constexpr AttrDef with_doc(const char* text) const {
    AttrDef d = *this;
    d.doc = text;
    return d;
  }
};
constexpr AttrDef attr(const char* name, AttrKind kind) {  // optional, no default
  return {.name = name, .kind = kind};
}
constexpr AttrDef required_attr(const char* name, AttrKind kind) {
  return {.name = name, .kind = kind, .required = true};
}
constexpr AttrDef int_attr(const char* name, int64_t v) {
  return {.name = name, .kind = AttrKind::kInt, .has_default = true, .i = v};
}
constexpr AttrDef float_attr(const char* name, float v) {
  return {.name = name, .kind = AttrKind::kFloat, .has_default = true, .f = v};
}
constexpr AttrDef string_attr(const char* name, const char* v) {
  return {.name = name, .kind = AttrKind::kString, .has_default = true, .s = v};
}

enum OpFlags : uint32_t {
  kPure = 0,
  kRandom = 1,       // draws random numbers: never folded, never merged
  kView = 2,         // output 0 holds the same bytes as input 0 under another shape
  kInPlace0 = 4,     // output 0 may overwrite input 0 when shapes and dtypes agree
  kElementwise = 8,  // output element i depends on input elements i alone (after broadcasting)
  kDeprecated = 16,  // removed from ONNX; `upgrade` always replaces it
  kHostOnly = 32,    // control flow, sequences, strings
};

// What an operator costs for given shapes. Negative = not known.
struct Cost {
  double flops = -1;
  double bytes = -1;
};

// Everything that is true of one operator, on every device. One file in ops/<domain>/ ends with one constant of this
// type, `op_<domain>_<file name>`. All spans point to constexpr arrays of that file.
struct OpDef {
  const char* name;
  const char* domain = "";  // "" = ai.onnx
  int since = 1;            // the version whose form the IR holds: the newest that changed the operator
  int first = 1;            // the first version in which the operator exists
  const char* doc = "";     // one or two sentences
  uint32_t flags = kPure;
  std::span<const Param> inputs = {};
  std::span<const Param> outputs = {};
  std::span<const AttrDef> attrs = {};
  std::span<const TypeRule> types = {};

  // Types and symbolic shapes of the outputs. Called with a node whose attributes are verified and filled with
  // defaults.
  Status (*infer)(InferContext&) = nullptr;
  // The portable reference; the oracle for every kernel. May be null when `decompose` is given.
  Status (*eval)(EvalContext&) = nullptr;
  // Rewrites the node into simpler operators of the newest form.
  Status (*decompose)(RewriteContext&) = nullptr;
  // Turns the form of opset `ctx.version()` (below `since`) into the newest one.
  Status (*upgrade)(RewriteContext&) = nullptr;
  // Turns the newest form into that of opset `ctx.version()`; null: possible only when version >= since.
  Status (*downgrade)(RewriteContext&) = nullptr;
  Cost (*cost)(const CostContext&) = nullptr;
  // Test cases as text, one a line; see opdef/cases.h for the form. Null in release builds.
  const char* cases = nullptr;
};

#ifdef ANYRT_WITH_CASES
#define ANYRT_CASES(text) text
#else
#define ANYRT_CASES(text) nullptr
#endif

// The table that the build writes from the folder listing.
extern const OpDef* const kOpRegistry[];
extern const size_t kOpRegistrySize;

// The operator, or null. `domain` may be "ai.onnx" for "".
const OpDef* find_op(std::string_view domain, std::string_view name);
std::span<const OpDef* const> all_ops();
std::string_view canonical_domain(std::string_view domain);  // "ai.onnx" -> ""
// Newest opset of a domain that anyrt knows; 0 for an unknown domain.
int newest_opset(std::string_view domain);

}  // namespace anyrt
