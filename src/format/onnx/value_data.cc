#include <optional>
#include <string>
#include <utility>

#include "format/onnx/tensor_data.h"

namespace anyrt::onnx {
namespace {

// SequenceProto.DataType and OptionalProto.DataType.
enum ElemKind : int64_t { kNothing, kTensorElem, kSparseElem, kSequenceElem, kMapElem, kOptionalElem };

constexpr const char* kKindNames[] = {"undefined", "tensor", "sparse tensor", "sequence", "map", "optional"};

Type untyped(int64_t kind) {
  Type type;
  switch (kind) {
    case kTensorElem: type.kind = TypeKind::kTensor; break;
    case kSparseElem: type.kind = TypeKind::kSparseTensor; break;
    case kSequenceElem: type = Type::sequence({}); break;
    case kMapElem: type = Type::map(DType::kUndefined, {}); break;
    case kOptionalElem: type = Type::optional_of({}); break;
    default: break;
  }
  return type;
}

Type elem_of(const Type& type) { return type.elem ? *type.elem : Type{}; }

// The element type that the message states, made more precise by what is expected.
Expected<Type> agree(const Type& expected, int64_t kind) {
  if (kind < kNothing || kind > kOptionalElem)
    return invalid_model("element kind {} is not known, expected 0 to 5", kind);
  const Type stated = untyped(kind);
  if (!expected.defined() || kind == kNothing) return expected.defined() ? expected : stated;
  if (expected.kind != stated.kind) {
    return invalid_model("elements are of kind {}, expected {}", kKindNames[kind], expected.to_string());
  }
  return expected;
}

struct ElemMsg {
  int64_t kind = 0;
  std::vector<std::pair<int64_t, std::string_view>> elems;  // (ElemKind, bytes)
};

// SequenceProto and OptionalProto number their fields alike.
Status decode_elems(Wire w, ElemMsg& out) {
  while (w.next()) {
    if (w.field() == 2) out.kind = w.integer();
    if (w.field() >= 3 && w.field() <= 7) {
      constexpr int64_t kKindOfField[] = {kTensorElem, kSparseElem, kSequenceElem, kMapElem, kOptionalElem};
      out.elems.emplace_back(kKindOfField[w.field() - 3], w.bytes());
    }
  }
  return w.finish();
}

Expected<Sequence> read_sequence(std::string_view bytes, const Type& elem, const TensorSource& source, int depth) {
  ElemMsg msg;
  ANYRT_TRY(decode_elems(Wire(source.source, bytes, "SequenceProto"), msg));
  if (msg.kind == kNothing && !msg.elems.empty()) msg.kind = msg.elems[0].first;
  Sequence sequence;
  ANYRT_ASSIGN(sequence.elem_type, agree(elem, msg.kind));
  for (const auto& [kind, data] : msg.elems) {
    if (kind != msg.kind) {
      return invalid_model("a sequence of kind {} holds a {}", kKindNames[msg.kind], kKindNames[kind]);
    }
    ANYRT_ASSIGN(Value value, read_value(data, sequence.elem_type, source, depth + 1));
    const Type found = value.type();
    if (found.defined() && !same_kind_and_dtype(sequence.elem_type, found)) {
      return invalid_model("sequence element {} is {}, expected {}", sequence.values.size(), found.to_string(),
                           sequence.elem_type.to_string());
    }
    if (sequence.values.empty() && found.defined() && sequence.elem_type.dtype == DType::kUndefined &&
        sequence.elem_type.kind == TypeKind::kTensor) {
      sequence.elem_type = Type::tensor(found.dtype);
    }
    sequence.values.push_back(std::move(value));
  }
  return sequence;
}

Expected<Value> read_optional(std::string_view bytes, const Type& elem, const TensorSource& source, int depth) {
  ElemMsg msg;
  ANYRT_TRY(decode_elems(Wire(source.source, bytes, "OptionalProto"), msg));
  ANYRT_ASSIGN(const Type type, agree(elem, msg.kind));
  for (const auto& [kind, data] : msg.elems) {
    if (kind == msg.kind) return read_value(data, type, source, depth + 1);
  }
  return Value();
}

template <class Key, class Keys>
Expected<Value> make_map(const Keys& keys, Sequence values) {
  if (keys.size() != values.values.size()) {
    return invalid_model("map has {} keys and {} values", keys.size(), values.values.size());
  }
  std::map<Key, Value> entries;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (!entries.emplace(Key(keys[i]), std::move(values.values[i])).second)
      return invalid_model("map key {} appears twice", i);
  }
  return Value(MapValue{std::move(values.elem_type), std::move(entries)});
}

Expected<Value> read_map(std::string_view bytes, const Type& type, const TensorSource& source, int depth) {
  Wire w(source.source, bytes, "MapProto");
  int64_t key_type = 0;
  std::vector<int64_t> keys;
  std::vector<std::string_view> string_keys;
  std::string_view values_bytes;
  while (w.next()) {
    switch (w.field()) {
      case 2: key_type = w.integer(); break;
      case 3: w.append(keys); break;
      case 4: string_keys.push_back(w.bytes()); break;
      case 5: values_bytes = w.bytes(); break;
      default: break;
    }
  }
  ANYRT_TRY(w.finish());
  ANYRT_ASSIGN(Sequence values, read_sequence(values_bytes, elem_of(type), source, depth + 1));
  const bool strings = key_type == static_cast<int64_t>(DType::kString);
  if (type.dtype != DType::kUndefined && strings != (type.dtype == DType::kString)) {
    return invalid_model("map has {} keys, expected {}", strings ? "string" : "integer", type.to_string());
  }
  return strings ? make_map<std::string>(string_keys, std::move(values)) : make_map<int64_t>(keys, std::move(values));
}

}  // namespace

Expected<Value> read_value(std::string_view bytes, const Type& type, const TensorSource& source, int depth) {
  if (depth > kMaxDepth) return invalid_model("a value is nested deeper than {} levels", kMaxDepth);
  switch (type.kind) {
    case TypeKind::kUndefined:
    case TypeKind::kTensor: {
      ANYRT_ASSIGN(Tensor tensor, read_tensor(bytes, source));
      if (type.dtype != DType::kUndefined && tensor.dtype() != type.dtype) {
        return invalid_model("tensor is {}, expected {}", tensor.type_string(), type.to_string());
      }
      return Value(std::move(tensor));
    }
    case TypeKind::kSparseTensor: {
      ANYRT_ASSIGN(SparseTensor sparse, read_sparse(bytes, source));
      return Value(std::move(sparse));
    }
    case TypeKind::kSequence: {
      ANYRT_ASSIGN(Sequence sequence, read_sequence(bytes, elem_of(type), source, depth));
      return Value(std::move(sequence));
    }
    case TypeKind::kOptional: return read_optional(bytes, elem_of(type), source, depth);
    case TypeKind::kMap: return read_map(bytes, type, source, depth);
    case TypeKind::kOpaque: break;
  }
  return not_implemented("values of type {} cannot be read", type.to_string());
}

}  // namespace anyrt::onnx
