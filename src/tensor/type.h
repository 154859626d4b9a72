#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "tensor/dim.h"
#include "tensor/dtype.h"

namespace anyrt {

enum class TypeKind : uint8_t { kUndefined, kTensor, kSparseTensor, kSequence, kOptional, kMap, kOpaque };

// The type of a graph value: ONNX's TypeProto. A value type; `elem` is shared because it never changes once set.
struct Type {
  TypeKind kind = TypeKind::kUndefined;
  DType dtype = DType::kUndefined;   // tensor and sparse tensor: element type; map: key type
  std::optional<SymShape> shape;     // tensor and sparse tensor; nullopt = unknown rank
  std::shared_ptr<const Type> elem;  // sequence, optional: element; map: value

  static Type tensor(DType dtype, std::optional<SymShape> shape = std::nullopt);
  static Type sparse(DType dtype, std::optional<SymShape> shape = std::nullopt);
  static Type sequence(Type elem);
  static Type optional_of(Type elem);
  static Type map(DType key, Type value);

  bool is_tensor() const { return kind == TypeKind::kTensor; }
  bool is_sequence() const { return kind == TypeKind::kSequence; }
  bool is_optional() const { return kind == TypeKind::kOptional; }
  bool defined() const { return kind != TypeKind::kUndefined; }

  // "float32[N,3]", "seq(int64[?])", "optional(float32)", "map(int64,float32)"; a tensor of unknown rank has no
  // brackets.
  std::string to_string() const;
};

// Reads what to_string prints, and dtype names as parse_dtype knows them; "?" is a tensor of unknown element type. Both
// read from the front of `text` and drop what they have read.
Expected<Type> parse_type(std::string_view& text);
Expected<SymShape> parse_shape(std::string_view& text);  // "[N,3,?]"

// Same kind and element types throughout; shapes are not compared. Undefined parts match anything.
bool same_kind_and_dtype(const Type& a, const Type& b);

// Keeps what both say (used where two branches of If meet): dims that differ become unknown.
Type join_types(const Type& a, const Type& b);

// Adds what `extra` knows to `base` (dims, dtype). An error where the two contradict each other.
Expected<Type> refine_type(const Type& base, const Type& extra);

}  // namespace anyrt
