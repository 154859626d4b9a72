#include <unordered_map>

#include "opdef/ml_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kMlNumbers | DType::kString}};
constexpr Param kInputs[] = {{"X", "T"}};
constexpr Param kOutputs[] = {{"Y", "float32", kRequiredParam, "one more axis: a column for each category"}};
constexpr AttrDef kAttrs[] = {
    attr("cats_int64s", AttrKind::kInts), attr("cats_strings", AttrKind::kStrings),
    int_attr("zeros", 1).with_doc("0: an unknown category is an error, else all columns are 0")};

Expected<int64_t> category_count(const AttrReader& c) {
  const size_t ints = c.ints("cats_int64s").size(), strings = c.strings("cats_strings").size();
  if ((ints == 0) == (strings == 0)) return invalid_model("either cats_int64s or cats_strings is needed");
  return static_cast<int64_t>(ints + strings);
}

Status infer(InferContext& c) {
  ANYRT_ASSIGN(const int64_t count, category_count(c));
  c.set_output(0, DType::kFloat32);
  if (const SymShape* s = c.input_shape(0)) {
    SymShape out = *s;
    out.push_back(count);
    c.set_output(0, DType::kFloat32, std::move(out));
  }
  return {};
}

template <class T>
Status encode(const std::vector<T>& categories, const Tensor& x, bool zeros, Tensor& y) {
  std::unordered_map<T, size_t> columns;
  for (size_t i = 0; i < categories.size(); ++i) columns[categories[i]] = i;
  float* out = y.mutable_data<float>();
  std::fill_n(out, y.size(), 0.0f);
  for (const T& v : x.span<T>()) {
    const auto it = columns.find(v);
    if (it != columns.end()) {
      out[it->second] = 1;
    } else if (!zeros) {
      return invalid_argument("'{}' is not one of the categories", v);
    }
    out += categories.size();
  }
  return {};
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  ANYRT_ASSIGN(const int64_t count, category_count(c));
  const bool strings = c.ints("cats_int64s").empty();
  if (strings != (x.dtype() == DType::kString)) {
    return invalid_argument("the categories are not of type {}", dtype_name(x.dtype()));
  }
  Dims dims = x.dims();
  dims.push_back(count);
  ANYRT_ASSIGN(Tensor * y, c.output(0, DType::kFloat32, dims));
  const bool zeros = c.i("zeros") != 0;
  if (strings) return encode(c.strings("cats_strings"), x, zeros, *y);
  ANYRT_ASSIGN(const Tensor integers, c.input_as(0, DType::kInt64));
  return encode(c.ints("cats_int64s"), integers, zeros, *y);
}

}  // namespace

extern const OpDef op_ml_one_hot_encoder = {
    .name = "OneHotEncoder",
    .domain = kMlDomain,
    .doc = "A column for each category: 1 for the element's own, 0 for the others.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      cats_int64s=[1,3] : i64[3]{1 3 9} -> f32[3,2]{1 0 0 1 0 0}
      cats_int64s=[1,3] : f32[1,2]{1.2 3} -> f32[1,2,2]{1 0 0 1}
      cats_strings=["q","a"] : str[2]{"a" "q"} -> f32[2,2]{0 1 1 0}
      cats_int64s=[3] : i32[]{3} -> f32[1]{1}
      cats_int64s=[3] : f64[0]{} -> f32[0,1]{}
      cats_int64s=[1,3] zeros=0 : i64[1]{9} -> !'9'
    )"),
};

}  // namespace anyrt
