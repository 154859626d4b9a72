#include "opdef/ml_util.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr TypeSet kAnyMap = [] {
  TypeSet s;
  s.map = true;
  return s;
}();

constexpr TypeRule kTypes[] = {{"T1", kAnyMap},
                               {"T2", DTypeSet(DType::kInt64) | DType::kFloat32 | DType::kFloat64 | DType::kString}};
constexpr Param kInputs[] = {{"X", "T1", kRequiredParam, "a map from integers or strings to numbers or strings"}};
constexpr Param kOutputs[] = {{"Y", "T2", kRequiredParam, "[1,C]: one column for each word of the vocabulary"}};
constexpr AttrDef kAttrs[] = {attr("int64_vocabulary", AttrKind::kInts), attr("string_vocabulary", AttrKind::kStrings)};

Status infer(InferContext& c) {
  const Type& x = c.input_type(0);
  const size_t columns = std::max(c.ints("int64_vocabulary").size(), c.strings("string_vocabulary").size());
  if (!x.elem || !x.elem->is_tensor()) return {};
  c.set_output(0, x.elem->dtype, SymShape{Dim(1), Dim(static_cast<int64_t>(columns))});
  return {};
}

template <class Key>
Status vectorize(EvalContext& c, const std::map<Key, Value>& entries, const std::vector<Key>& words, DType dtype) {
  ANYRT_ASSIGN(Tensor * y, c.output(0, dtype, {1, static_cast<int64_t>(words.size())}));
  Status status;
  dispatch_storage(dtype, [&]<class T>(TypeTag<T>) {
    T* out = mutable_storage<T>(*y);
    for (const Key& word : words) {
      const auto it = entries.find(word);
      if (it == entries.end()) {
        *out++ = T();
      } else if (it->second.is_tensor() && it->second.tensor().dtype() == dtype && it->second.tensor().size() == 1) {
        *out++ = *storage<T>(it->second.tensor());
      } else {
        status =
            invalid_argument("a value of the map is {}, expected one {}", it->second.type_string(), dtype_name(dtype));
        return;
      }
    }
  });
  return status;
}

Status eval(EvalContext& c) {
  const MapValue& map = c.value(0).map();
  const DType dtype = map.value_type.dtype;
  if (dtype == DType::kUndefined) return invalid_argument("the type of the map's values is not known");
  if (const auto* by_int = std::get_if<std::map<int64_t, Value>>(&map.entries)) {
    if (!c.has_attr("int64_vocabulary")) return invalid_argument("integer keys need int64_vocabulary");
    return vectorize(c, *by_int, c.ints("int64_vocabulary"), dtype);
  }
  if (!c.has_attr("string_vocabulary")) return invalid_argument("string keys need string_vocabulary");
  return vectorize(c, std::get<std::map<std::string, Value>>(map.entries), c.strings("string_vocabulary"), dtype);
}

}  // namespace

extern const OpDef op_ml_dict_vectorizer = {
    .name = "DictVectorizer",
    .domain = kMlDomain,
    .doc = "A tensor of a map's values in the order of a vocabulary; 0 or an empty string where the key is missing.",
    .flags = kHostOnly,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
};

}  // namespace anyrt
