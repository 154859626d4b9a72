#include <unordered_map>

#include "opdef/ml_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T1", kMlLabels}, {"T2", kMlLabels}};
constexpr Param kInputs[] = {{"X", "T1"}};
constexpr Param kOutputs[] = {{"Y", "T2", kRequiredParam, "strings for integers, integers for strings"}};
constexpr AttrDef kAttrs[] = {attr("cats_int64s", AttrKind::kInts), attr("cats_strings", AttrKind::kStrings),
                              int_attr("default_int64", -1), string_attr("default_string", "_Unused")};

Status check_lengths(const AttrReader& c) {
  if (c.ints("cats_int64s").size() == c.strings("cats_strings").size()) return {};
  return invalid_model("{} entries in cats_int64s, {} in cats_strings", c.ints("cats_int64s").size(),
                       c.strings("cats_strings").size());
}

Status infer(InferContext& c) {
  ANYRT_TRY(check_lengths(c));
  const SymShape* s = c.input_shape(0);
  if (c.input_dtype(0) == DType::kUndefined) return {};
  c.set_output(0, c.input_dtype(0) == DType::kString ? DType::kInt64 : DType::kString,
               s ? std::optional<SymShape>(*s) : std::nullopt);
  return {};
}

// Where a category is listed twice its last place counts.
template <class From, class To>
void map_all(const std::vector<From>& from, const std::vector<To>& to, const To& otherwise, const Tensor& x,
             Tensor& y) {
  std::unordered_map<From, const To*> table;
  for (size_t i = 0; i < from.size(); ++i) table[from[i]] = &to[i];
  const From* in = x.data<From>();
  To* out = y.mutable_data<To>();
  for (int64_t i = 0; i < x.size(); ++i) {
    const auto it = table.find(in[i]);
    out[i] = it == table.end() ? otherwise : *it->second;
  }
}

Status eval(EvalContext& c) {
  ANYRT_TRY(check_lengths(c));
  const Tensor& x = c.input(0);
  const std::vector<int64_t>& ints = c.ints("cats_int64s");
  const std::vector<std::string>& strings = c.strings("cats_strings");
  if (x.dtype() == DType::kString) {
    ANYRT_ASSIGN(Tensor * y, c.output(0, DType::kInt64, x.dims()));
    map_all(strings, ints, c.i("default_int64"), x, *y);
  } else {
    ANYRT_ASSIGN(Tensor * y, c.output(0, DType::kString, x.dims()));
    map_all(ints, strings, c.s("default_string"), x, *y);
  }
  return {};
}

}  // namespace

extern const OpDef op_ml_category_mapper = {
    .name = "CategoryMapper",
    .domain = kMlDomain,
    .doc = "Translates between string and integer categories.",
    .flags = kHostOnly | kElementwise,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      cats_strings=["a","b"] cats_int64s=[5,6] : str[3]{"a" "b" "z"} -> i64[3]{5 6 -1}
      cats_strings=["a","b","c"] cats_int64s=[5,6,5] : i64[1,2]{5 9} -> str[1,2]{"c" "_Unused"}
      cats_strings=["a"] cats_int64s=[5] default_string="?" : i64[2]{5 6} -> str[2]{"a" "?"}
      cats_strings=["a"] cats_int64s=[5] : str[0]{} -> i64[0]{}
      cats_strings=["a"] cats_int64s=[5,6] : i64[1]{5} -> !2 entries
    )"),
};

}  // namespace anyrt
