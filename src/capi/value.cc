#include "capi/guard.h"
#include "capi/handles.h"

using namespace anyrt;
using namespace anyrt::c;

namespace {

using Made = Expected<std::unique_ptr<anyrt_value>>;

std::unique_ptr<anyrt_value> wrap(Value v) { return std::make_unique<anyrt_value>(std::move(v)); }

// The type that the caller names, or that of the first value.
Expected<Type> element_type(const anyrt_type* elem, const anyrt_value* const* values, size_t count) {
  if (count > 0) ANYRT_C_NEED(values);
  for (size_t i = 0; i < count; ++i) {
    if (!values[i]) return invalid_argument("value {} is NULL", i);
  }
  if (elem) return elem->type;
  if (count == 0) return invalid_argument("without values the element type must be given");
  Type type = values[0]->value.type();
  if (type.is_tensor()) type.shape.reset();  // the others may have another
  return type;
}

Status check_element(const Type& want, const Value& value, size_t index) {
  const Type found = value.type();
  if (same_kind_and_dtype(want, found)) return {};
  return invalid_argument("value {} is {}, expected {}", index, found.to_string(), want.to_string());
}

}  // namespace

anyrt_status* anyrt_sequence_create(const anyrt_type* elem, const anyrt_value* const* values, size_t count,
                                    anyrt_value** out) noexcept {
  return guarded_into(out, [&]() -> Made {
    Sequence s;
    ANYRT_ASSIGN(s.elem_type, element_type(elem, values, count));
    s.values.reserve(count);
    for (size_t i = 0; i < count; ++i) {
      ANYRT_TRY(check_element(s.elem_type, values[i]->value, i));
      s.values.push_back(values[i]->value);
    }
    return wrap(std::move(s));
  });
}

anyrt_status* anyrt_map_create(const anyrt_type* elem, const anyrt_value* keys, const anyrt_value* const* values,
                               size_t count, anyrt_value** out) noexcept {
  return guarded_into(out, [&]() -> Made {
    ANYRT_C_NEED(keys);
    MapValue map;
    ANYRT_ASSIGN(map.value_type, element_type(elem, values, count));
    const bool fits = keys->value.is_tensor() && keys->value.tensor().rank() == 1 &&
                      (keys->value.tensor().dtype() == DType::kInt64 || keys->value.tensor().dtype() == DType::kString);
    if (!fits || keys->value.tensor().size() != static_cast<int64_t>(count)) {
      return invalid_argument("the keys of a map are {}, expected int64[{}] or string[{}]", keys->value.type_string(),
                              count, count);
    }
    const Tensor& k = keys->value.tensor();
    const auto fill = [&](auto entries, const auto* key) -> Status {
      for (size_t i = 0; i < count; ++i) {
        ANYRT_TRY(check_element(map.value_type, values[i]->value, i));
        if (!entries.emplace(key[i], values[i]->value).second) return invalid_argument("key {} occurs twice", key[i]);
      }
      map.entries = std::move(entries);
      return {};
    };
    if (k.dtype() == DType::kInt64) {
      ANYRT_TRY(fill(std::map<int64_t, Value>(), k.data<int64_t>()));
    } else {
      ANYRT_TRY(fill(std::map<std::string, Value>(), k.data<std::string>()));
    }
    return wrap(std::move(map));
  });
}

anyrt_status* anyrt_sparse_create(const int64_t* dims, size_t rank, const anyrt_value* values,
                                  const anyrt_value* indices, anyrt_value** out) noexcept {
  return guarded_into(out, [&]() -> Made {
    ANYRT_C_NEED(values);
    ANYRT_C_NEED(indices);
    if (rank > 0) ANYRT_C_NEED(dims);
    if (!values->value.is_tensor() || !indices->value.is_tensor())
      return invalid_argument("the values and indices of a sparse tensor are tensors, found {} and {}",
                              values->value.type_string(), indices->value.type_string());
    SparseTensor s{rank > 0 ? Dims(dims, dims + rank) : Dims(), values->value.tensor(), indices->value.tensor()};
    ANYRT_TRY(checked_element_count(s.dims).status());
    const int64_t n = s.values.size();
    const bool shaped = s.indices.rank() == 1 ? s.indices.size() == n
                                              : s.indices.rank() == 2 && s.indices.dim(0) == n &&
                                                    s.indices.dim(1) == static_cast<int64_t>(rank);
    if (s.values.rank() != 1 || s.indices.dtype() != DType::kInt64 || !shaped) {
      return invalid_argument(
          "sparse tensor: values {} and indices {} do not fit, expected [n] and int64[n] or int64[n,{}]",
          s.values.type_string(), s.indices.type_string(), rank);
    }
    return wrap(std::move(s));
  });
}

anyrt_status* anyrt_optional_create(anyrt_value** out) noexcept {
  return guarded_into(out, [&]() -> Made { return wrap(Value()); });
}

anyrt_status* anyrt_value_clone(const anyrt_value* value, anyrt_value** out) noexcept {
  return guarded_into(out, [&]() -> Made {
    ANYRT_C_NEED(value);
    return wrap(value->value);
  });
}

void anyrt_value_free(anyrt_value* value) noexcept { delete value; }

anyrt_kind anyrt_value_kind(const anyrt_value* value) noexcept {
  if (!value || value->value.empty()) return ANYRT_KIND_NONE;
  if (value->value.is_tensor()) return ANYRT_KIND_TENSOR;
  if (value->value.is_sparse()) return ANYRT_KIND_SPARSE;
  return value->value.is_sequence() ? ANYRT_KIND_SEQUENCE : ANYRT_KIND_MAP;
}

anyrt_status* anyrt_value_type(const anyrt_value* value, anyrt_type** out) noexcept {
  return guarded_into(out, [&]() -> Expected<std::unique_ptr<anyrt_type>> {
    ANYRT_C_NEED(value);
    return std::make_unique<anyrt_type>(value->value.type());
  });
}

size_t anyrt_value_count(const anyrt_value* value) noexcept {
  if (!value) return 0;
  if (value->value.is_sequence()) return value->value.sequence().values.size();
  if (!value->value.is_map()) return 0;
  return std::visit([](const auto& entries) { return entries.size(); }, value->value.map().entries);
}

anyrt_status* anyrt_value_get(const anyrt_value* value, size_t index, anyrt_value** out) noexcept {
  return guarded_into(out, [&]() -> Made {
    ANYRT_C_NEED(value);
    const Value& v = value->value;
    if (!v.is_sequence() && !v.is_map())
      return invalid_argument("expected a sequence or a map, found {}", v.type_string());
    const size_t count = anyrt_value_count(value);
    if (index >= count)
      return make_error(Code::kOutOfRange, "there is no element {} in {} of {}", index, v.type().to_string(), count);
    if (v.is_sequence()) return wrap(v.sequence().values[index]);
    return std::visit(
        [&](const auto& entries) { return wrap(std::next(entries.begin(), static_cast<ptrdiff_t>(index))->second); },
        v.map().entries);
  });
}

anyrt_status* anyrt_map_keys(const anyrt_value* map, anyrt_value** out) noexcept {
  return guarded_into(out, [&]() -> Made {
    ANYRT_C_NEED(map);
    if (!map->value.is_map()) return invalid_argument("expected a map, found {}", map->value.type_string());
    const auto& entries = map->value.map().entries;
    const bool strings = entries.index() == 1;
    ANYRT_ASSIGN(Tensor t, Tensor::make(strings ? DType::kString : DType::kInt64,
                                        {static_cast<int64_t>(anyrt_value_count(map))}));
    const auto copy = [](const auto& from, auto* to) {
      for (const auto& [key, v] : from) *to++ = key;
    };
    if (strings) {
      copy(std::get<1>(entries), t.mutable_data<std::string>());
    } else {
      copy(std::get<0>(entries), t.mutable_data<int64_t>());
    }
    return wrap(std::move(t));
  });
}

namespace {

template <class F>
anyrt_status* from_sparse(const anyrt_value* sparse, anyrt_value** out, F&& part) noexcept {
  return guarded_into(out, [&]() -> Made {
    ANYRT_C_NEED(sparse);
    if (!sparse->value.is_sparse())
      return invalid_argument("expected a sparse tensor, found {}", sparse->value.type_string());
    ANYRT_ASSIGN(Tensor t, part(sparse->value.sparse()));
    return wrap(std::move(t));
  });
}

}  // namespace

anyrt_status* anyrt_sparse_values(const anyrt_value* sparse, anyrt_value** out) noexcept {
  return from_sparse(sparse, out, [](const SparseTensor& s) -> Expected<Tensor> { return s.values; });
}

anyrt_status* anyrt_sparse_indices(const anyrt_value* sparse, anyrt_value** out) noexcept {
  return from_sparse(sparse, out, [](const SparseTensor& s) -> Expected<Tensor> { return s.indices; });
}

anyrt_status* anyrt_sparse_to_dense(const anyrt_value* sparse, anyrt_value** out) noexcept {
  return from_sparse(sparse, out, [](const SparseTensor& s) { return to_dense(s); });
}
