#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "codec/named.h"

namespace anyrt {

// Nested arrays (or a bare value) of numbers, booleans or strings to a tensor. With kUndefined the type is bool, int64,
// string, or float32 when a number has a fraction. null, "nan", "inf" and "-inf" may stand among floats. An object
// {"dtype": "int32", "shape": [2, 0], "data": […]} names the type, and the shape where the arrays leave it open; its
// data may be flat. Complex numbers are pairs [re, im] or texts such as "1+2i". Arrays of different lengths are an
// error that says where.
Expected<Tensor> tensor_from_json(const Json& value, DType dtype = DType::kUndefined);

// Nested arrays; NaN and infinities as the strings above, complex numbers as [re, im].
Expected<Json> tensor_to_json(const Tensor& tensor);
// The object form, which keeps type and shape.
Expected<Json> tensor_to_typed_json(const Tensor& tensor);

// {"name": data, …}, or one unnamed tensor (name "") when the text is not an object or is the object form of a tensor.
struct NamedJson {
  std::string name;
  Json value;
};
Expected<std::vector<NamedJson>> split_named_json(Json value);
Expected<std::vector<NamedJson>> read_named_json(const std::string& path);

}  // namespace anyrt
