#include "base/text.h"
#include "capi/guard.h"
#include "capi/handles.h"

using namespace anyrt;
using namespace anyrt::c;

anyrt_type::anyrt_type(Type source) : type(std::move(source)), text(type.to_string()) {
  if (type.shape) {
    for (const Dim& d : *type.shape) symbols.push_back(d.is_symbolic() ? d.to_string() : "");
  }
  if (type.elem) elem = std::make_unique<anyrt_type>(*type.elem);
}

size_t anyrt_dtype_size(anyrt_dtype dtype) noexcept {
  const int number = raw_int(dtype);
  if (!is_valid_dtype(number) || number == ANYRT_STRING) return 0;
  return element_size(static_cast<DType>(number));
}

const char* anyrt_dtype_name(anyrt_dtype dtype) noexcept {
  const int number = raw_int(dtype);
  return dtype_name(is_valid_dtype(number) ? static_cast<DType>(number) : DType::kUndefined).data();
}

anyrt_status* anyrt_type_parse(const char* text, anyrt_type** out) noexcept {
  return guarded_into(out, [&]() -> Expected<std::unique_ptr<anyrt_type>> {
    ANYRT_C_NEED(text);
    std::string_view rest = trim(text);
    ANYRT_ASSIGN(Type type, parse_type(rest));
    if (!trim(rest).empty()) return invalid_argument("type '{}': '{}' is left over at the end", text, rest);
    return std::make_unique<anyrt_type>(std::move(type));
  });
}

void anyrt_type_free(anyrt_type* type) noexcept { delete type; }

anyrt_kind anyrt_type_kind(const anyrt_type* type) noexcept {
  switch (type ? type->type.kind : TypeKind::kUndefined) {
    case TypeKind::kTensor: return ANYRT_KIND_TENSOR;
    case TypeKind::kSparseTensor: return ANYRT_KIND_SPARSE;
    case TypeKind::kSequence: return ANYRT_KIND_SEQUENCE;
    case TypeKind::kOptional: return ANYRT_KIND_OPTIONAL;
    case TypeKind::kMap: return ANYRT_KIND_MAP;
    default: return ANYRT_KIND_NONE;
  }
}

anyrt_dtype anyrt_type_dtype(const anyrt_type* type) noexcept {
  return type ? static_cast<anyrt_dtype>(type->type.dtype) : ANYRT_UNDEFINED;
}

int anyrt_type_rank(const anyrt_type* type) noexcept {
  return type && type->type.shape ? static_cast<int>(type->type.shape->size()) : -1;
}

int64_t anyrt_type_dim(const anyrt_type* type, size_t axis) noexcept {
  if (!type || !type->type.shape || axis >= type->type.shape->size()) return -1;
  const Dim& d = (*type->type.shape)[axis];
  return d.is_const() ? d.value() : -1;
}

const char* anyrt_type_dim_symbol(const anyrt_type* type, size_t axis) noexcept {
  return type && axis < type->symbols.size() ? type->symbols[axis].c_str() : "";
}

const anyrt_type* anyrt_type_elem(const anyrt_type* type) noexcept { return type ? type->elem.get() : nullptr; }
const char* anyrt_type_text(const anyrt_type* type) noexcept { return type ? type->text.c_str() : ""; }
