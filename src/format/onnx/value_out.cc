#include "format/onnx/value_out.h"

#include <algorithm>
#include <utility>

#include "format/onnx/proto.h"

namespace anyrt::onnx {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kSmallAlign = 64;

int64_t onnx_number(DType dtype) { return static_cast<int64_t>(dtype); }

MessageOut shape_message(const SymShape& shape) {
  MessageOut out;
  for (const Dim& dim : shape) {
    MessageOut one;
    if (dim.is_const()) one.integer(1, dim.value());
    if (dim.is_symbolic()) one.text(2, dim.to_string());
    out.message(1, std::move(one));
  }
  return out;
}

// SequenceProto.DataType and OptionalProto.DataType, and the field that holds such an element.
struct ElemField {
  int64_t kind;
  uint32_t field;
};
ElemField elem_field(TypeKind kind) {
  switch (kind) {
    case TypeKind::kTensor: return {1, 3};
    case TypeKind::kSparseTensor: return {2, 4};
    case TypeKind::kSequence: return {3, 5};
    case TypeKind::kMap: return {4, 6};
    case TypeKind::kOptional: return {5, 7};
    default: return {0, 0};
  }
}

Expected<MessageOut> sequence_message(const Type& elem, const std::vector<const Value*>& values, OutContext& context,
                                      int depth) {
  Type type = elem;
  for (const Value* value : values) {
    if (!type.defined()) type = value->type();
  }
  const ElemField field = elem_field(type.kind);
  MessageOut out;
  out.integer(2, field.kind);
  for (const Value* value : values) {
    if (field.field == 0) return invalid_argument("a sequence of {} cannot be written", type.to_string());
    ANYRT_ASSIGN(MessageOut message, value_message(*value, type, context, depth + 1));
    out.message(field.field, std::move(message));
  }
  return out;
}

Expected<MessageOut> map_message(const MapValue& map, OutContext& context, int depth) {
  MessageOut out;
  std::vector<const Value*> values;
  if (const auto* ints = std::get_if<std::map<int64_t, Value>>(&map.entries)) {
    out.integer(2, onnx_number(DType::kInt64));
    for (const auto& [key, value] : *ints) {
      out.integer(3, key);
      values.push_back(&value);
    }
  } else {
    out.integer(2, onnx_number(DType::kString));
    for (const auto& [key, value] : std::get<1>(map.entries)) {
      out.text(4, key);
      values.push_back(&value);
    }
  }
  ANYRT_ASSIGN(MessageOut message, sequence_message(map.value_type, values, context, depth));
  out.message(5, std::move(message));
  return out;
}

}  // namespace

void OutContext::see(DType dtype) {
  switch (dtype) {
    case DType::kFloat8E4M3FN:
    case DType::kFloat8E4M3FNUZ:
    case DType::kFloat8E5M2:
    case DType::kFloat8E5M2FNUZ: need_ir(9); break;
    case DType::kUInt4:
    case DType::kInt4: need_ir(10); break;
    case DType::kFloat4E2M1: need_ir(11); break;
    case DType::kFloat8E8M0: need_ir(12); break;
    case DType::kUInt2:
    case DType::kInt2: need_ir(13); break;
    default: break;
  }
}

const ExternalOut::Slot* ExternalOut::place(const Tensor& tensor) {
  if (tensor.dtype() == DType::kString) return nullptr;
  const uint64_t bytes = tensor_file_bytes(tensor);
  if (bytes == 0 || bytes < threshold_) return nullptr;
  const std::string key =
      fmt::format("{}/{}/{}", static_cast<const void*>(tensor.raw()), tensor.size(), onnx_number(tensor.dtype()));
  const auto [at, fresh] = placed_.try_emplace(key);
  if (!fresh) return &at->second;
  if (files_.empty() || !one_file_) {
    files_.push_back({.name = one_file_ ? file_name_ : fmt::format("{}.{}", file_name_, files_.size())});
  }
  File& file = files_.back();
  const uint64_t align = bytes >= kPage ? kPage : kSmallAlign;
  const uint64_t offset = (file.size + align - 1) / align * align;
  at->second = {file.name, offset, bytes};
  file.tensors.emplace_back(offset, tensor);
  file.size = offset + bytes;
  return &at->second;
}

bool is_complete(const Type& type) {
  switch (type.kind) {
    case TypeKind::kUndefined: return false;
    case TypeKind::kTensor:
    case TypeKind::kSparseTensor: return type.dtype != DType::kUndefined;
    case TypeKind::kMap: return type.dtype != DType::kUndefined && type.elem && is_complete(*type.elem);
    case TypeKind::kSequence:
    case TypeKind::kOptional: return type.elem && is_complete(*type.elem);
    case TypeKind::kOpaque: return true;
  }
  return false;
}

MessageOut type_message(const Type& type, OutContext& context) {
  MessageOut inner;
  uint32_t field = 0;
  const auto elem = [&] { return type.elem ? type_message(*type.elem, context) : MessageOut(); };
  switch (type.kind) {
    case TypeKind::kUndefined: return inner;
    case TypeKind::kTensor:
    case TypeKind::kSparseTensor:
      context.see(type.dtype);
      inner.integer(1, onnx_number(type.dtype));
      if (type.shape) inner.message(2, shape_message(*type.shape));
      field = type.is_tensor() ? 1 : 8;
      break;
    case TypeKind::kSequence:
      inner.message(1, elem());
      field = 4;
      break;
    case TypeKind::kOptional:
      inner.message(1, elem());
      field = 9;
      break;
    case TypeKind::kMap:
      inner.integer(1, onnx_number(type.dtype));
      inner.message(2, elem());
      field = 5;
      break;
    case TypeKind::kOpaque: field = 7; break;
  }
  if (field >= 8) context.need_ir(8);
  MessageOut out;
  out.message(field, std::move(inner));
  return out;
}

Expected<MessageOut> tensor_message(const Tensor& tensor, std::string_view name, OutContext& context) {
  if (!tensor.defined()) return invalid_argument("tensor '{}' is undefined", name);
  if (tensor.layout() != Layout{}) {
    return not_implemented("tensor '{}' has a blocked layout, expected a plain one", name);
  }
  context.see(tensor.dtype());
  MessageOut out;
  for (const int64_t dim : tensor.dims()) out.integer(1, dim);
  out.integer(2, onnx_number(tensor.dtype()));
  out.text_if(8, name);
  if (tensor.dtype() == DType::kString) {
    for (const std::string& s : tensor.span<std::string>()) out.text(6, s);
    return out;
  }
  const ExternalOut::Slot* slot = context.external == nullptr ? nullptr : context.external->place(tensor);
  if (slot == nullptr) {
    out.raw(9, tensor);
    return out;
  }
  const auto entry = [&](std::string_view key, const std::string& value) {
    MessageOut one;
    one.text(1, key);
    one.text(2, value);
    out.message(13, std::move(one));
  };
  entry("location", slot->location);
  entry("offset", std::to_string(slot->offset));
  entry("length", std::to_string(slot->length));
  out.integer(14, 1);
  return out;
}

Expected<MessageOut> sparse_message(const SparseTensor& sparse, OutContext& context) {
  MessageOut out;
  ANYRT_ASSIGN(MessageOut values, tensor_message(sparse.values, "", context));
  ANYRT_ASSIGN(MessageOut indices, tensor_message(sparse.indices, "", context));
  out.message(1, std::move(values));
  out.message(2, std::move(indices));
  for (const int64_t dim : sparse.dims) out.integer(3, dim);
  return out;
}

Expected<MessageOut> value_message(const Value& value, const Type& type, OutContext& context, int depth) {
  if (depth > kMaxDepth) return invalid_argument("a value is nested deeper than {} levels", kMaxDepth);
  if (type.is_optional()) {
    Type elem = type.elem ? *type.elem : Type{};
    if (!elem.defined()) elem = value.type();
    const ElemField field = elem_field(elem.kind);
    MessageOut out;
    out.integer(2, value.empty() ? 0 : field.kind);
    if (value.empty()) return out;
    ANYRT_ASSIGN(MessageOut inner, value_message(value, elem, context, depth + 1));
    out.message(field.field, std::move(inner));
    return out;
  }
  const auto fits = [&](TypeKind kind) { return !type.defined() || type.kind == kind; };
  if (value.is_tensor() && fits(TypeKind::kTensor)) return tensor_message(value.tensor(), "", context);
  if (value.is_sparse() && fits(TypeKind::kSparseTensor)) return sparse_message(value.sparse(), context);
  if (value.is_map() && fits(TypeKind::kMap)) return map_message(value.map(), context, depth);
  if (value.is_sequence() && fits(TypeKind::kSequence)) {
    std::vector<const Value*> values;
    for (const Value& v : value.sequence().values) values.push_back(&v);
    return sequence_message(value.sequence().elem_type, values, context, depth);
  }
  return invalid_argument("a value of type {} cannot be written as {}", value.type_string(), type.to_string());
}

}  // namespace anyrt::onnx
