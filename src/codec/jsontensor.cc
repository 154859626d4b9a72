#include "codec/jsontensor.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "codec/bytes.h"
#include "tensor/dispatch.h"
#include "tensor/file.h"
#include "tensor/number_text.h"

namespace anyrt {

namespace {

constexpr size_t kMaxText = size_t{1} << 27;

bool is_special(const std::string& s) { return s == "nan" || s == "inf" || s == "-inf" || s == "+inf"; }

std::string_view kind_of(const Json& v) {
  return v.is_null()     ? "null"
         : v.is_bool()   ? "a boolean"
         : v.is_number() ? "a number"
         : v.is_string() ? "a string"
         : v.is_array()  ? "an array"
                         : "an object";
}

// The first elements tell the shape; collect() then holds all others to it.
Dims shape_of(const Json& value) {
  Dims dims;
  const Json* v = &value;
  while (v->is_array()) {
    dims.push_back(static_cast<int64_t>(v->items().size()));
    if (v->items().empty()) break;
    v = &v->items().front();
  }
  return dims;
}

Status collect(const Json& value, const Dims& dims, size_t depth, const std::string& where,
               std::vector<const Json*>& out) {
  if (depth == dims.size()) {
    if (value.is_array() || value.is_object()) {
      return invalid_argument("ragged data: {} is {}, the elements before are not", where.empty() ? "the value" : where,
                              kind_of(value));
    }
    out.push_back(&value);
    return ok_status();
  }
  if (!value.is_array() || static_cast<int64_t>(value.items().size()) != dims[depth]) {
    return invalid_argument("ragged data: {} is {}{}, an array of {} was expected", where.empty() ? "the value" : where,
                            kind_of(value), value.is_array() ? fmt::format(" of {}", value.items().size()) : "",
                            dims[depth]);
  }
  for (size_t i = 0; i < value.items().size(); ++i) {
    ANYRT_TRY(collect(value.items()[i], dims, depth + 1, fmt::format("{}[{}]", where, i), out));
  }
  return ok_status();
}

bool is_real(const Json& e) { return e.is_number() || e.is_null() || (e.is_string() && is_special(e.as_string())); }

DType common_dtype(const std::vector<const Json*>& elements) {
  bool bools = true, ints = true, numbers = true;
  for (const Json* e : elements) {
    bools = bools && e->is_bool();
    ints = ints && e->is_int();
    numbers = numbers && is_real(*e);
  }
  if (elements.empty()) return DType::kFloat32;
  return bools ? DType::kBool : ints ? DType::kInt64 : numbers ? DType::kFloat32 : DType::kString;
}

Status wrong_element(size_t i, const Json& e, DType dtype) {
  return invalid_argument("element {} is {}, which {} cannot hold", i,
                          e.is_array() || e.is_object() ? std::string(kind_of(e)) : e.dump(), dtype_name(dtype));
}

Expected<Tensor> fill(const std::vector<const Json*>& elements, Dims dims, DType dtype);

// Complex elements are numbers, texts such as "1+2i", or pairs [re, im] that make the last axis.
Expected<Tensor> fill_complex(const std::vector<const Json*>& elements, Dims dims, DType dtype) {
  const bool pairs = !dims.empty() && dims.back() == 2 &&
                     std::none_of(elements.begin(), elements.end(), [](const Json* e) { return !is_real(*e); });
  if (pairs) {
    ANYRT_ASSIGN(const Tensor parts,
                 fill(elements, dims, dtype == DType::kComplex64 ? DType::kFloat32 : DType::kFloat64));
    dims.pop_back();
    ANYRT_ASSIGN(Tensor t, Tensor::make(dtype, std::move(dims)));
    if (t.bytes() > 0) std::memcpy(t.mutable_raw(), parts.raw(), t.bytes());
    return t;
  }
  ANYRT_ASSIGN(Tensor t, Tensor::make(dtype, std::move(dims)));
  const size_t size = element_size(dtype);
  for (size_t i = 0; i < elements.size(); ++i) {
    const Json& e = *elements[i];
    const bool known = e.is_string() || e.is_number();
    if (!known || !parse_complex_text(e.is_string() ? e.as_string() : e.dump(), dtype, t.mutable_raw() + i * size)) {
      return wrong_element(i, e, dtype);
    }
  }
  return t;
}

Expected<Tensor> fill(const std::vector<const Json*>& elements, Dims dims, DType dtype) {
  if (is_complex(dtype)) return fill_complex(elements, std::move(dims), dtype);
  if (dtype == DType::kString) {
    ANYRT_ASSIGN(Tensor t, Tensor::make(dtype, std::move(dims)));
    for (size_t i = 0; i < elements.size(); ++i) {
      if (!elements[i]->is_string()) return wrong_element(i, *elements[i], dtype);
      t.mutable_data<std::string>()[i] = elements[i]->as_string();
    }
    return t;
  }
  if (dtype == DType::kBool || is_int(dtype)) {
    const double most = dtype == DType::kUInt64 ? 0x1p64 : 0x1p63;
    ANYRT_ASSIGN(Tensor t, Tensor::make(DType::kInt64, dims));
    for (size_t i = 0; i < elements.size(); ++i) {
      const Json& e = *elements[i];
      const double d = e.as_double();
      if (!e.is_bool() && !e.is_int() && !(e.is_number() && d == std::floor(d) && d >= -0x1p63 && d < most)) {
        return wrong_element(i, e, dtype);
      }
      // Numbers beyond int64 are kept as doubles; of these only uint64 has a use.
      int64_t value = e.is_bool() ? e.as_bool() : e.as_int();
      if (!e.is_bool() && !e.is_int())
        value = d < 0 ? static_cast<int64_t>(d) : static_cast<int64_t>(static_cast<uint64_t>(d));
      t.mutable_data<int64_t>()[i] = value;
    }
    if (dtype == DType::kInt64) return t;
    ANYRT_ASSIGN(Tensor out, cast_tensor(t, dtype));
    if (dtype == DType::kBool || dtype == DType::kUInt64) return out;
    ANYRT_ASSIGN(const Tensor back, cast_tensor(out, DType::kInt64));
    for (size_t i = 0; i < elements.size(); ++i) {
      if (back.data<int64_t>()[i] != t.data<int64_t>()[i]) return wrong_element(i, *elements[i], dtype);
    }
    return out;
  }
  ANYRT_ASSIGN(Tensor t, Tensor::make(DType::kFloat64, std::move(dims)));
  for (size_t i = 0; i < elements.size(); ++i) {
    const Json& e = *elements[i];
    double value = 0;
    if (e.is_number()) {
      value = e.as_double();
    } else if (e.is_null()) {
      value = std::nan("");
    } else if (e.is_bool()) {
      value = e.as_bool();
    } else if (e.is_string() && is_special(e.as_string())) {
      value = *parse_double_text(e.as_string());
    } else {
      return wrong_element(i, e, dtype);
    }
    t.mutable_data<double>()[i] = value;
  }
  return cast_tensor(t, dtype);
}

bool is_typed_form(const Json& value) {
  if (!value.is_object() || !value.contains("data")) return false;
  for (const auto& [name, member] : value.members()) {
    if (name != "data" && name != "dtype" && name != "shape" && name != "name") return false;
  }
  return value.contains("dtype") || value.contains("shape");
}

Expected<Tensor> from_typed_form(const Json& value, DType dtype) {
  if (value.contains("dtype")) {
    const auto named = parse_dtype(value["dtype"].as_string());
    if (!named) return invalid_argument("\"dtype\" {} is not an element type", value["dtype"].dump());
    dtype = *named;
  }
  ANYRT_ASSIGN(Tensor t, tensor_from_json(value["data"], dtype));
  if (!value.contains("shape")) return t;
  Dims dims;
  for (const Json& d : value["shape"].items()) {
    if (!d.is_int() || d.as_int() < 0)
      return invalid_argument("\"shape\" {} is not an array of sizes", value["shape"].dump());
    dims.push_back(d.as_int());
  }
  return t.reshaped(std::move(dims));
}

Json nested(const std::vector<Json>& elements, const Dims& dims, size_t depth, size_t& next) {
  if (depth == dims.size()) return elements[next++];
  Json::Array out;
  out.reserve(static_cast<size_t>(dims[depth]));
  for (int64_t i = 0; i < dims[depth]; ++i) out.push_back(nested(elements, dims, depth + 1, next));
  return out;
}

Json float_json(double v) {
  return std::isnan(v) ? Json("nan") : std::isinf(v) ? Json(v < 0 ? "-inf" : "inf") : Json(v);
}

// A float as the double that prints with as few digits as the float needs.
Json narrow_float_json(float v) {
  return std::isfinite(v) ? Json(*parse_double_text(number_text(DType::kFloat32, &v))) : float_json(v);
}

}  // namespace

Expected<Tensor> tensor_from_json(const Json& value, DType dtype) {
  if (is_typed_form(value)) return from_typed_form(value, dtype);
  if (value.is_object()) return invalid_argument("an array was expected, found an object");
  Dims dims = shape_of(value);
  std::vector<const Json*> elements;
  ANYRT_TRY(collect(value, dims, 0, "", elements));
  if (dtype == DType::kUndefined) dtype = common_dtype(elements);
  return fill(elements, std::move(dims), dtype);
}

Expected<Json> tensor_to_json(const Tensor& tensor) {
  std::vector<Json> elements;
  elements.reserve(static_cast<size_t>(tensor.size()));
  const DType dtype = tensor.dtype();
  if (dtype == DType::kString) {
    for (const std::string& s : tensor.span<std::string>()) elements.emplace_back(s);
  } else if (dtype == DType::kBool) {
    for (bool b : tensor.span<bool>()) elements.emplace_back(b);
  } else if (dtype == DType::kUInt64) {
    for (uint64_t v : tensor.span<uint64_t>()) elements.emplace_back(v);
  } else if (dtype == DType::kFloat64) {
    for (double v : tensor.span<double>()) elements.push_back(float_json(v));
  } else if (is_complex(dtype)) {
    dispatch<Complex64, Complex128>(dtype, [&]<class T>(TypeTag<T>) {
      for (const T& z : tensor.span<T>()) elements.push_back(Json(Json::Array{float_json(z.re), float_json(z.im)}));
    });
  } else if (is_int(dtype)) {
    ANYRT_ASSIGN(const Tensor wide, cast_tensor(tensor, DType::kInt64));
    for (int64_t v : wide.span<int64_t>()) elements.emplace_back(v);
  } else {
    ANYRT_ASSIGN(const Tensor wide, cast_tensor(tensor, DType::kFloat32));
    for (float v : wide.span<float>()) elements.push_back(narrow_float_json(v));
  }
  size_t next = 0;
  return nested(elements, tensor.dims(), 0, next);
}

Expected<Json> tensor_to_typed_json(const Tensor& tensor) {
  ANYRT_ASSIGN(Json data, tensor_to_json(tensor));
  Json out = Json::object();
  out.set("dtype", dtype_name(tensor.dtype()));
  out.set("shape", Json::array_of(tensor.dims()));
  out.set("data", std::move(data));
  return out;
}

Expected<std::vector<NamedJson>> split_named_json(Json value) {
  std::vector<NamedJson> out;
  if (!value.is_object() || is_typed_form(value)) {
    out.push_back({"", std::move(value)});
    return out;
  }
  for (const auto& [name, member] : value.members()) {
    for (const NamedJson& before : out) {
      if (before.name == name) return invalid_argument("'{}' is there twice", name);
    }
    out.push_back({name, member});
  }
  return out;
}

Expected<std::vector<NamedJson>> read_named_json(const std::string& path) {
  ANYRT_ASSIGN(const auto file, load_file(path));
  auto json = Json::parse(as_text({file->data(), file->size()}), kMaxText);
  if (!json.ok()) return std::move(json).status().with_context(path);
  auto named = split_named_json(*std::move(json));
  if (!named.ok()) return std::move(named).status().with_context(path);
  return named;
}

}  // namespace anyrt
