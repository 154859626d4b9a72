#include <cmath>
#include <numeric>
#include <unordered_map>

#include "opdef/ml_util.h"
#include "opdef/upgrade_util.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr DTypeSet kElements =
    DTypeSet(DType::kString) | DType::kInt64 | DType::kFloat32 | DType::kInt32 | DType::kInt16 | DType::kFloat64;
constexpr TypeRule kTypes[] = {{"T1", kElements}, {"T2", kElements}};
constexpr Param kInputs[] = {{"X", "T1", kRequiredParam, "of the type of the keys"}};
constexpr Param kOutputs[] = {{"Y", "T2", kRequiredParam, "shape of X, of the type of the values"}};
constexpr AttrDef kAttrs[] = {
    attr("keys_tensor", AttrKind::kTensor),
    attr("keys_strings", AttrKind::kStrings),
    attr("keys_int64s", AttrKind::kInts),
    attr("keys_floats", AttrKind::kFloats),
    attr("values_tensor", AttrKind::kTensor),
    attr("values_strings", AttrKind::kStrings),
    attr("values_int64s", AttrKind::kInts),
    attr("values_floats", AttrKind::kFloats),
    attr("default_tensor", AttrKind::kTensor).with_doc("the value for what is not a key"),
    string_attr("default_string", "_Unused"),
    int_attr("default_int64", -1),
    float_attr("default_float", -0.0f),
};

// The one of <prefix>_tensor, _strings, _int64s and _floats that is given.
Expected<Tensor> list_attr(const AttrReader& c, const std::string& prefix) {
  std::vector<Tensor> given;
  if (const Tensor& t = c.tensor(prefix + "_tensor"); t.defined()) given.push_back(t);
  if (const auto& v = c.strings(prefix + "_strings"); !v.empty()) given.push_back(Tensor::vector<std::string>(v));
  if (const auto& v = c.ints(prefix + "_int64s"); !v.empty()) given.push_back(Tensor::vector<int64_t>(v));
  if (const auto& v = c.floats(prefix + "_floats"); !v.empty()) given.push_back(Tensor::vector<float>(v));
  if (given.size() != 1) return invalid_model("exactly one list of {} is needed, found {}", prefix, given.size());
  return given[0];
}

struct Table {
  Tensor keys, values;
};

Expected<Table> table_of(const AttrReader& c) {
  Table t;
  ANYRT_ASSIGN(t.keys, list_attr(c, "keys"));
  ANYRT_ASSIGN(t.values, list_attr(c, "values"));
  if (t.keys.size() != t.values.size()) return invalid_model("{} keys, but {} values", t.keys.size(), t.values.size());
  return t;
}

Expected<Tensor> default_value(const AttrReader& c, DType dtype) {
  if (const Tensor& t = c.tensor("default_tensor"); t.defined()) {
    if (t.dtype() == dtype && t.size() == 1) return t;
    return invalid_model("default_tensor must be one {}, found {}", dtype_name(dtype), t.type_string());
  }
  switch (dtype) {
    case DType::kString: return Tensor::string_scalar(c.s("default_string"));
    case DType::kInt64: return Tensor::scalar(c.i("default_int64"));
    case DType::kFloat32: return Tensor::scalar(c.f("default_float"));
    default: return cast_tensor(Tensor::scalar(is_float(dtype) ? -0.0 : -1.0), dtype);
  }
}

Status infer(InferContext& c) {
  ANYRT_ASSIGN(const Table t, table_of(c));
  ANYRT_TRY(default_value(c, t.values.dtype()).status());
  if (const DType x = c.input_dtype(0); x != DType::kUndefined && x != t.keys.dtype()) {
    return invalid_model("X holds {}, the keys are {}", dtype_name(x), dtype_name(t.keys.dtype()));
  }
  const SymShape* s = c.input_shape(0);
  c.set_output(0, t.values.dtype(), s ? std::optional<SymShape>(*s) : std::nullopt);
  return {};
}

// NaN keys match any NaN; of equal keys the last one counts.
template <class K>
struct SameKey {
  bool operator()(const K& a, const K& b) const { return a == b || (a != a && b != b); }
};
template <class K>
struct KeyHash {
  size_t operator()(const K& k) const { return k != k ? 0 : std::hash<K>()(k); }
};

template <class K>
std::vector<int64_t> find_rows(const Tensor& keys, const Tensor& x) {
  std::unordered_map<K, int64_t, KeyHash<K>, SameKey<K>> rows;
  for (int64_t i = 0; i < keys.size(); ++i) rows[keys.data<K>()[i]] = i;
  std::vector<int64_t> out(static_cast<size_t>(x.size()));
  for (size_t i = 0; i < out.size(); ++i) {
    const auto it = rows.find(x.data<K>()[i]);
    out[i] = it == rows.end() ? -1 : it->second;
  }
  return out;
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  ANYRT_ASSIGN(const Table t, table_of(c));
  if (x.dtype() != t.keys.dtype()) {
    return invalid_argument("X holds {}, the keys are {}", dtype_name(x.dtype()), dtype_name(t.keys.dtype()));
  }
  ANYRT_ASSIGN(const Tensor otherwise, default_value(c, t.values.dtype()));
  std::vector<int64_t> rows;
  dispatch<std::string, int64_t, float, int32_t, int16_t, double>(
      x.dtype(), [&]<class K>(TypeTag<K>) { rows = find_rows<K>(t.keys, x); });
  ANYRT_ASSIGN(Tensor * y, c.output(0, t.values.dtype(), x.dims()));
  dispatch_storage(t.values.dtype(), [&]<class V>(TypeTag<V>) {
    for (size_t i = 0; i < rows.size(); ++i) {
      mutable_storage<V>(*y)[i] = rows[i] < 0 ? *storage<V>(otherwise) : storage<V>(t.values)[rows[i]];
    }
  });
  return {};
}

// Version 1 numbered a list of strings, in either direction as X's type says.
Status upgrade(RewriteContext& c) {
  if (c.version() >= 2) return {};
  const std::vector<std::string> classes = c.strings("classes_strings");
  const DType x = c.input_type(0).dtype;
  if (x == DType::kUndefined) return not_implemented("LabelEncoder of version 1 with an input of unknown type");
  std::vector<int64_t> numbers(classes.size());
  std::iota(numbers.begin(), numbers.end(), 0);
  c.remove_attr("classes_strings");
  const bool encode = x == DType::kString;
  c.set_attr(encode ? "keys_strings" : "values_strings", classes);
  c.set_attr(encode ? "values_int64s" : "keys_int64s", std::move(numbers));
  return {};
}

Status downgrade(RewriteContext& c) {
  if (c.version() >= 4) return {};
  for (const char* name : {"keys_tensor", "values_tensor", "default_tensor"}) {
    if (c.has_attr(name)) return not_implemented("attribute {} came with version 4", name);
  }
  return c.version() >= 2 ? Status() : not_implemented("LabelEncoder of version 1");
}

}  // namespace

extern const OpDef op_ml_label_encoder = {
    .name = "LabelEncoder",
    .domain = kMlDomain,
    .since = 4,
    .doc = "Replaces keys by values, element by element.",
    .flags = kHostOnly | kElementwise,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade,
    .downgrade = downgrade,
    .cases = ANYRT_CASES(R"(
      keys_strings=["a","b","a"] values_int64s=[1,2,3] : str[3]{"a" "b" "z"} -> i64[3]{3 2 -1}
      keys_floats=[nan,1.0] values_strings=["x","y"] : f32[1,3]{1 nan 2} -> str[1,3]{"y" "x" "_Unused"}
      keys_tensor=f64[2]{1 2} values_tensor=i16[2]{5 6} : f64[3]{2 1 0} -> i16[3]{6 5 -1}
      keys_int64s=[1] values_tensor=f64[1]{5} default_tensor=f64[1]{9} : i64[2]{1 2} -> f64[2]{5 9}
      keys_int64s=[1] values_floats=[2.0] : i64[0]{} -> f32[0]{}
      keys_int64s=[1,2] values_floats=[2.0] : i64[1]{1} -> !2 keys
      keys_int64s=[1] values_floats=[2.0] : str[1]{"a"} -> !the keys are
    )"),
};

}  // namespace anyrt
