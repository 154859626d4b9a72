#include "tensor/type.h"

namespace anyrt {
namespace {

std::string element_string(const Type& type) {
  std::string text(type.dtype == DType::kUndefined ? "?" : dtype_name(type.dtype));
  if (type.shape) text += shape_string(*type.shape);
  return text;
}

std::string inner_string(const std::shared_ptr<const Type>& elem) { return elem ? elem->to_string() : "?"; }

Type wrap(TypeKind kind, Type elem) {
  Type t;
  t.kind = kind;
  t.elem = std::make_shared<const Type>(std::move(elem));
  return t;
}

bool has_shape(TypeKind kind) { return kind == TypeKind::kTensor || kind == TypeKind::kSparseTensor; }

Expected<std::optional<SymShape>> refine_shape(const Type& base, const Type& extra) {
  if (!base.shape) return extra.shape;
  if (!extra.shape) return base.shape;
  if (base.shape->size() != extra.shape->size()) {
    return invalid_model("the shapes {} and {} differ in rank", shape_string(*base.shape), shape_string(*extra.shape));
  }
  SymShape shape = *base.shape;
  for (size_t i = 0; i < shape.size(); ++i) {
    const Dim& other = (*extra.shape)[i];
    if (shape[i].is_const() && other.is_const() && shape[i].value() != other.value()) {
      return invalid_model("the shapes {} and {} differ in dimension {}", shape_string(*base.shape),
                           shape_string(*extra.shape), i);
    }
    if (shape[i].is_unknown() || other.is_const()) shape[i] = other;
  }
  return std::optional<SymShape>(std::move(shape));
}

}  // namespace

Type Type::tensor(DType dtype, std::optional<SymShape> shape) {
  Type t;
  t.kind = TypeKind::kTensor;
  t.dtype = dtype;
  t.shape = std::move(shape);
  return t;
}

Type Type::sparse(DType dtype, std::optional<SymShape> shape) {
  Type t = tensor(dtype, std::move(shape));
  t.kind = TypeKind::kSparseTensor;
  return t;
}

Type Type::sequence(Type elem) { return wrap(TypeKind::kSequence, std::move(elem)); }
Type Type::optional_of(Type elem) { return wrap(TypeKind::kOptional, std::move(elem)); }

Type Type::map(DType key, Type value) {
  Type t = wrap(TypeKind::kMap, std::move(value));
  t.dtype = key;
  return t;
}

std::string Type::to_string() const {
  switch (kind) {
    case TypeKind::kUndefined: return "?";
    case TypeKind::kTensor: return element_string(*this);
    case TypeKind::kSparseTensor: return "sparse(" + element_string(*this) + ")";
    case TypeKind::kSequence: return "seq(" + inner_string(elem) + ")";
    case TypeKind::kOptional: return "optional(" + inner_string(elem) + ")";
    case TypeKind::kMap: return "map(" + element_string(*this) + "," + inner_string(elem) + ")";
    case TypeKind::kOpaque: return "opaque";
  }
  return "?";
}

bool same_kind_and_dtype(const Type& a, const Type& b) {
  if (!a.defined() || !b.defined()) return true;
  if (a.kind != b.kind) return false;
  if (a.dtype != b.dtype && a.dtype != DType::kUndefined && b.dtype != DType::kUndefined) return false;
  return !a.elem || !b.elem || same_kind_and_dtype(*a.elem, *b.elem);
}

Type join_types(const Type& a, const Type& b) {
  if (a.kind != b.kind) return {};
  Type joined;
  joined.kind = a.kind;
  if (a.dtype == b.dtype) joined.dtype = a.dtype;
  if (a.elem && b.elem) joined.elem = std::make_shared<const Type>(join_types(*a.elem, *b.elem));
  if (a.shape && b.shape && a.shape->size() == b.shape->size()) {
    joined.shape = *a.shape;
    for (size_t i = 0; i < a.shape->size(); ++i) {
      if (!(*a.shape)[i].equals((*b.shape)[i])) (*joined.shape)[i] = Dim::unknown();
    }
  }
  return joined;
}

Expected<Type> refine_type(const Type& base, const Type& extra) {
  if (!base.defined()) return extra;
  if (!extra.defined()) return base;
  if (base.kind != extra.kind) return invalid_model("the types {} and {} differ", base.to_string(), extra.to_string());
  Type refined = base;
  if (refined.dtype == DType::kUndefined) refined.dtype = extra.dtype;
  if (extra.dtype != DType::kUndefined && refined.dtype != extra.dtype) {
    return invalid_model("the element types {} and {} differ", dtype_name(base.dtype), dtype_name(extra.dtype));
  }
  if (has_shape(base.kind)) {
    ANYRT_ASSIGN(refined.shape, refine_shape(base, extra));
  }
  if (!base.elem) refined.elem = extra.elem;
  if (base.elem && extra.elem) {
    ANYRT_ASSIGN(Type elem, refine_type(*base.elem, *extra.elem));
    refined.elem = std::make_shared<const Type>(std::move(elem));
  }
  return refined;
}

}  // namespace anyrt
