#include <algorithm>

#include "opdef/eval.h"
#include "opdef/scatter.h"
#include "opdef/shape_util.h"
#include "opdef/strided.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kAllDTypes}};
constexpr Param kInputs[] = {{"data", "T"},
                             {"indices", "int64", kRequiredParam, "its last axis holds the leading indices into data"},
                             {"updates", "T", kRequiredParam, "one element or slice of data for each tuple"}};
constexpr Param kOutputs[] = {{"output", "T", kRequiredParam, "shape of data"}};
constexpr AttrDef kAttrs[] = {string_attr("reduction", "none").with_doc("none, add, mul, min or max")};

Status infer(InferContext& c) {
  ANYRT_TRY(parse_scatter_reduction(c.s("reduction")).status());
  const SymShape *data = c.input_shape(0), *indices = c.input_shape(1);
  if (data && indices && !indices->empty() && indices->back().is_const() &&
      indices->back().value() > static_cast<int64_t>(data->size())) {
    return invalid_model("the last axis of indices has {} entries, expected at most {}", indices->back().value(),
                         data->size());
  }
  return infer_same(c);
}

Status eval(EvalContext& c) {
  const Tensor &x = c.input(0), &indices = c.input(1), &updates = c.input(2);
  ANYRT_ASSIGN(const ScatterReduction reduction, parse_scatter_reduction(c.s("reduction")));
  if (x.rank() < 1 || indices.rank() < 1) return invalid_argument("data and indices must have rank 1 or more");
  const int64_t depth = indices.dims().back();
  if (depth > x.rank()) {
    return invalid_argument("the last axis of indices has {} entries, expected at most {}", depth, x.rank());
  }
  Dims expected(indices.dims().begin(), indices.dims().end() - 1);
  expected.insert(expected.end(), x.dims().begin() + depth, x.dims().end());
  if (updates.dims() != expected) {
    return invalid_argument("updates have shape {}, expected {}", shape_string(updates.dims()), shape_string(expected));
  }
  ANYRT_ASSIGN(const std::vector<int64_t> offsets, tuple_offsets(x.dims(), indices));
  ANYRT_ASSIGN(Tensor y, x.clone());
  const int64_t length = product(x.dims(), depth, x.rank());
  if (y.size() > 0) ANYRT_TRY(scatter_runs(y, updates, offsets, length, reduction));
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

extern const OpDef op_onnx_scatter_nd = {
    .name = "ScatterND",
    .since = 18,
    .first = 11,
    .doc = "Writes elements or slices at places given by tuples of indices.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade,
    .cases = ANYRT_CASES(R"(
      : f32[4]{1 2 3 4}, i64[2,1]{3 -4}, f32[2]{9 8} -> f32[4]{8 2 3 9}
      : u8[2,2]{1 2 3 4}, i64[1,1]{1}, u8[1,2]{7 8} -> u8[2,2]{1 2 7 8}
      reduction="add" : f32[2,2]{1 2 3 4}, i64[2,2]{0 0 0 0}, f32[2]{1 1} -> f32[2,2]{3 2 3 4}
      reduction="mul" : bool[2]{true true}, i64[1,1]{1}, bool[1]{false} -> bool[2]{true false}
      reduction="add" : str[2]{"a" "b"}, i64[1,1]{1}, str[1]{"c"} -> str[2]{"a" "bc"}
      : f32[2]{1 2}, i64[0,1]{}, f32[0]{} -> f32[2]{1 2}
      : f32[2]{1 2}, i64[1,1]{2}, f32[1]{0} -> !index 2
      : f32[2]{1 2}, i64[1,1]{1}, f32[2]{0 0} -> !expected [1]
    )"),
};

}  // namespace anyrt
