#include "opdef/ml_util.h"

namespace anyrt {
namespace {

constexpr TypeSet kMaps = [] {
  TypeSet s;
  s.sequence_of_map = true;
  return s;
}();

constexpr TypeRule kTypes[] = {{"T", kMaps}};
constexpr Param kInputs[] = {{"X", "float32", kRequiredParam, "[C] or [N,C]"}};
constexpr Param kOutputs[] = {{"Z", "T", kRequiredParam, "one map for each row"}};
constexpr AttrDef kAttrs[] = {attr("classlabels_int64s", AttrKind::kInts),
                              attr("classlabels_strings", AttrKind::kStrings)};

Expected<bool> string_labels(const AttrReader& c) {
  const bool ints = !c.ints("classlabels_int64s").empty(), strings = !c.strings("classlabels_strings").empty();
  if (ints == strings) return invalid_model("either classlabels_int64s or classlabels_strings is needed");
  return strings;
}

Status infer(InferContext& c) {
  ANYRT_ASSIGN(const bool strings, string_labels(c));
  c.set_output(0, Type::sequence(
                      Type::map(strings ? DType::kString : DType::kInt64, Type::tensor(DType::kFloat32, SymShape{}))));
  return {};
}

template <class Key>
std::map<Key, Value> zip(const std::vector<Key>& keys, const float* row) {
  std::map<Key, Value> entries;
  for (const Key& key : keys) entries[key] = Tensor::scalar(*row++);
  return entries;
}

Status eval(EvalContext& c) {
  ANYRT_ASSIGN(const bool strings, string_labels(c));
  ANYRT_ASSIGN(const Rows rows, rows_of(c.input(0)));
  const std::vector<int64_t>& ints = c.ints("classlabels_int64s");
  const std::vector<std::string>& words = c.strings("classlabels_strings");
  const size_t labels = strings ? words.size() : ints.size();
  if (static_cast<int64_t>(labels) != rows.width)
    return invalid_argument("{} labels for {} columns", labels, rows.width);
  const Type element = Type::tensor(DType::kFloat32, SymShape{});
  Sequence out;
  out.elem_type = Type::map(strings ? DType::kString : DType::kInt64, element);
  for (int64_t r = 0; r < rows.count; ++r) {
    const float* row = c.input(0).data<float>() + r * rows.width;
    MapValue map{element, {}};
    if (strings) {
      map.entries = zip(words, row);
    } else {
      map.entries = zip(ints, row);
    }
    out.values.emplace_back(std::move(map));
  }
  c.set_output(0, std::move(out));
  return {};
}

}  // namespace

extern const OpDef op_ml_zip_map = {
    .name = "ZipMap",
    .domain = kMlDomain,
    .doc = "A sequence of maps from class labels to the entries of each row.",
    .flags = kHostOnly,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      classlabels_strings=["a","b"] : f32[2,2]{0.25 0.75 1 0} -> ?
      classlabels_int64s=[5,7] : f32[2]{0.25 0.75} -> ?
      classlabels_int64s=[5,7] : f32[3]{1 2 3} -> !2 labels
      : f32[3]{1 2 3} -> !classlabels
    )"),
};

}  // namespace anyrt
