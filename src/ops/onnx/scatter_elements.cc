#include "opdef/eval.h"
#include "opdef/scatter.h"
#include "opdef/shape_util.h"
#include "opdef/strided.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kAllDTypes}, {"Tind", kIndexTypes}};
constexpr Param kInputs[] = {{"data", "T"},
                             {"indices", "Tind", kRequiredParam, "rank of data"},
                             {"updates", "T", kRequiredParam, "shape of indices"}};
constexpr Param kOutputs[] = {{"output", "T", kRequiredParam, "shape of data"}};
constexpr AttrDef kAttrs[] = {int_attr("axis", 0),
                              string_attr("reduction", "none").with_doc("none, add, mul, min or max")};

Status infer(InferContext& c) {
  ANYRT_TRY(parse_scatter_reduction(c.s("reduction")).status());
  if (const auto rank = c.input_rank(0)) {
    ANYRT_TRY(normalize_axis(c.i("axis"), *rank).status());
    for (size_t i : {1, 2}) {
      if (c.input_rank(i).value_or(*rank) != *rank) {
        return invalid_model("input {} has rank {}, expected that of data, {}", i, *c.input_rank(i), *rank);
      }
    }
  }
  const auto elements = c.input_elements(0), updates = c.input_elements(2);
  const auto at = c.input_ints(1);
  if (elements && updates && at && c.input_rank(0) == 1 && at->size() == updates->size() &&
      c.s("reduction") == "none") {
    SymShape out = *elements;
    const int64_t n = static_cast<int64_t>(out.size());
    for (size_t i = 0; i < at->size(); ++i) {
      if ((*at)[i] < -n || (*at)[i] >= n) return invalid_model("index {} is outside of [{}, {}]", (*at)[i], -n, n - 1);
      out[(*at)[i] < 0 ? (*at)[i] + n : (*at)[i]] = (*updates)[i];
    }
    c.set_output_elements(0, std::move(out));
  }
  return infer_same(c);
}

Status eval(EvalContext& c) {
  const Tensor &x = c.input(0), &indices = c.input(1), &updates = c.input(2);
  ANYRT_ASSIGN(const ScatterReduction reduction, parse_scatter_reduction(c.s("reduction")));
  ANYRT_ASSIGN(const int64_t axis, normalize_axis(c.i("axis"), x.rank()));
  if (updates.dims() != indices.dims()) {
    return invalid_argument("updates {} and indices {} must have one shape", shape_string(updates.dims()),
                            shape_string(indices.dims()));
  }
  ANYRT_ASSIGN(const std::vector<int64_t> picks, wrap_indices(indices, x.dims()[axis]));
  ANYRT_ASSIGN(const std::vector<int64_t> offsets, element_offsets(x.dims(), indices.dims(), axis, picks));
  ANYRT_ASSIGN(Tensor y, x.clone());
  ANYRT_TRY(scatter_runs(y, updates, offsets, 1, reduction));
  c.set_output(0, std::move(y));
  return {};
}

Status downgrade(RewriteContext& c) {
  const std::string& reduction = c.s("reduction");
  if (c.version() < 18 && (reduction == "min" || reduction == "max")) {
    return not_implemented("reduction '{}' came with opset 18", reduction);
  }
  if (c.version() >= 16) return {};
  if (reduction != "none") return not_implemented("reduction '{}' came with opset 16", reduction);
  return drop_attr(c, "reduction");
}

}  // namespace

extern const OpDef op_onnx_scatter_elements = {
    .name = "ScatterElements",
    .since = 18,
    .first = 11,
    .doc = "Writes single elements: the index along one axis comes from a tensor, the others are the update's own.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade,
    .cases = ANYRT_CASES(R"(
      axis=1 : f32[1,5]{1 2 3 4 5}, i64[1,2]{1 -2}, f32[1,2]{1.5 2.5} -> f32[1,5]{1 1.5 3 2.5 5}
      reduction="add" : i8[2]{100 1}, i64[3]{0 0 1}, i8[3]{27 1 1} -> i8[2]{-128 2}
      reduction="mul" : f16[2]{2 3}, i32[2]{0 0}, f16[2]{0.5 4} -> f16[2]{4 3}
      reduction="max" : f32[2]{nan 1}, i64[2]{0 1}, f32[2]{5 nan} -> f32[2]{5 nan}
      reduction="min" : i64[2]{3 4}, i64[2]{0 1}, i64[2]{5 -1} -> i64[2]{3 -1}
      : str[2]{"a" "b"}, i64[2]{1 1}, str[2]{"c" "d"} -> str[2]{"a" "d"}
      : f32[2]{1 2}, i64[0]{}, f32[0]{} -> f32[2]{1 2}
      : f32[2]{1 2}, i64[1]{2}, f32[1]{0} -> !index 2
      : f32[2]{1 2}, i64[1]{0}, f32[2]{0 0} -> !one shape
    )"),
};

}  // namespace anyrt
