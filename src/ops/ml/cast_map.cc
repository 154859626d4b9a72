#include <charconv>

#include "opdef/ml_util.h"

namespace anyrt {
namespace {

constexpr TypeSet kAnyMap = [] {
  TypeSet s;
  s.map = true;
  return s;
}();

constexpr TypeRule kTypes[] = {{"T1", kAnyMap}, {"T2", DTypeSet(DType::kString) | DType::kFloat32 | DType::kInt64}};
constexpr Param kInputs[] = {{"X", "T1", kRequiredParam, "a map from integers to floats or strings"}};
constexpr Param kOutputs[] = {{"Y", "T2", kRequiredParam, "[1,C]"}};
constexpr AttrDef kAttrs[] = {
    string_attr("cast_to", "TO_FLOAT").with_doc("TO_FLOAT, TO_STRING or TO_INT64"),
    string_attr("map_form", "DENSE").with_doc("DENSE: the values in order of keys; SPARSE: value k stands at key k"),
    int_attr("max_map", 1).with_doc("number of columns of the SPARSE form"),
};

Expected<DType> target_type(const AttrReader& c) {
  const std::string& to = c.s("cast_to");
  if (to == "TO_FLOAT") return DType::kFloat32;
  if (to == "TO_STRING") return DType::kString;
  if (to == "TO_INT64") return DType::kInt64;
  return invalid_model("cast_to must be TO_FLOAT, TO_STRING or TO_INT64, found '{}'", to);
}

Expected<bool> is_dense(const AttrReader& c) {
  const std::string& form = c.s("map_form");
  if (form == "DENSE" || form == "SPARSE") return form == "DENSE";
  return invalid_model("map_form must be DENSE or SPARSE, found '{}'", form);
}

Status infer(InferContext& c) {
  ANYRT_ASSIGN(const DType dtype, target_type(c));
  ANYRT_ASSIGN(const bool dense, is_dense(c));
  if (!dense && c.i("max_map") < 1) return invalid_model("max_map must be 1 or more, found {}", c.i("max_map"));
  c.set_output(0, dtype, SymShape{Dim(1), dense ? c.fresh_dim("entries") : Dim(c.i("max_map"))});
  return {};
}

// A map's value as a tensor of one element of type `to`.
Expected<Tensor> convert(const Value& v, DType to) {
  if (!v.is_tensor() || v.tensor().size() != 1) return invalid_argument("a map's value is {}", v.type_string());
  const Tensor& x = v.tensor();
  if (x.dtype() == DType::kFloat32 && to == DType::kString) {
    return Tensor::string_scalar(fmt::format("{:f}", x.data<float>()[0]));
  }
  if (x.dtype() == DType::kString && to == DType::kInt64) {
    const std::string& s = x.data<std::string>()[0];
    int64_t value = 0;
    if (std::from_chars(s.data(), s.data() + s.size(), value).ec != std::errc()) {
      return invalid_argument("'{}' is not an integer", s);
    }
    return Tensor::scalar(value);
  }
  return cast_tensor(x, to);
}

Status eval(EvalContext& c) {
  ANYRT_ASSIGN(const DType dtype, target_type(c));
  ANYRT_ASSIGN(const bool dense, is_dense(c));
  const auto* entries = std::get_if<std::map<int64_t, Value>>(&c.value(0).map().entries);
  if (!entries) return invalid_argument("the map's keys must be int64");
  const int64_t columns = dense ? static_cast<int64_t>(entries->size()) : c.i("max_map");
  if (columns < 1 && !dense) return invalid_model("max_map must be 1 or more, found {}", columns);
  ANYRT_ASSIGN(Tensor * y, c.output(0, dtype, {1, columns}));
  if (dtype == DType::kString) {
    // What stands in the gaps is nowhere laid down but in onnxruntime.
    std::fill_n(y->mutable_data<std::string>(), columns, "0.f");
  } else {
    std::fill_n(y->mutable_raw(), y->bytes(), std::byte{0});
  }
  int64_t at = 0;
  for (const auto& [key, value] : *entries) {
    if (!dense && key < 0) return invalid_argument("key {} of a sparse map is negative", key);
    const int64_t column = dense ? at++ : key;
    if (column >= columns) break;
    ANYRT_ASSIGN(const Tensor one, convert(value, dtype));
    switch (dtype) {
      case DType::kString: y->mutable_data<std::string>()[column] = one.data<std::string>()[0]; break;
      case DType::kInt64: y->mutable_data<int64_t>()[column] = one.data<int64_t>()[0]; break;
      default: y->mutable_data<float>()[column] = one.data<float>()[0]; break;
    }
  }
  return {};
}

}  // namespace

extern const OpDef op_ml_cast_map = {
    .name = "CastMap",
    .domain = kMlDomain,
    .doc = "A tensor of the values of a map.",
    .flags = kHostOnly,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
};

}  // namespace anyrt
