#include <algorithm>

#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/rewrite.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kAllDTypes}};
constexpr Param kInputs[] = {{"data", "T"}};
constexpr Param kOutputs[] = {{"shape", "int64", kRequiredParam, "1-D"}};
constexpr AttrDef kAttrs[] = {
    int_attr("start", 0).with_doc("first axis to list; negative counts from the end"),
    attr("end", AttrKind::kInt).with_doc("one past the last axis to list; all to the end when absent"),
};

struct Range {
  int64_t begin, end;
};

Range listed_axes(const AttrReader& c, int64_t rank) {
  const auto clamp = [&](int64_t axis) { return std::clamp<int64_t>(axis < 0 ? axis + rank : axis, 0, rank); };
  const int64_t begin = clamp(c.i("start"));
  return {begin, std::max(begin, clamp(c.i("end", rank)))};
}

Status infer(InferContext& c) {
  const SymShape* s = c.input_shape(0);
  if (!s) {
    c.set_output(0, DType::kInt64, SymShape(1));
    return {};
  }
  const Range r = listed_axes(c, static_cast<int64_t>(s->size()));
  c.set_output(0, DType::kInt64, SymShape{Dim(r.end - r.begin)});
  c.set_output_elements(0, SymShape(s->begin() + r.begin, s->begin() + r.end));
  return {};
}

Status eval(EvalContext& c) {
  const Dims& dims = c.input(0).dims();
  const Range r = listed_axes(c, static_cast<int64_t>(dims.size()));
  ANYRT_ASSIGN(Tensor * y, c.output(0, DType::kInt64, {r.end - r.begin}));
  std::copy(dims.begin() + r.begin, dims.begin() + r.end, y->mutable_data<int64_t>());
  return {};
}

// start and end came with opset 15; they read as a slice of the whole shape.
Status downgrade(RewriteContext& c) {
  if (c.version() >= 15) return {};
  const int64_t start = c.i("start"), end = c.i("end", INT64_MAX);
  if (start == 0 && end == INT64_MAX) {
    c.remove_attr("start");
    return {};
  }
  const ValueId whole = c.op("Shape", {c.input(0)});
  c.replace_output(0, c.op("Slice", {whole, c.constant_ints({start}), c.constant_ints({end})}));
  return {};
}

}  // namespace

extern const OpDef op_onnx_shape = {
    .name = "Shape",
    .since = 25,
    .doc = "The dims of a tensor, or a range of them.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = [](RewriteContext&) { return Status(); },
    .downgrade = downgrade,
    .cases = ANYRT_CASES(R"(
      : f32[2,3,4]{rand:1} -> i64[3]{2 3 4}
      : str[]{"x"} -> i64[0]{}
      start=-2 : f32[2,3,4]{rand:1} -> i64[2]{3 4}
      start=1 end=-1 : bool[2,0,4]{} -> i64[1]{0}
      start=2 end=1 : f32[2,3,4]{rand:1} -> i64[0]{}
      start=-9 end=9 : i4[2,3]{rand:1} -> i64[2]{2 3}
    )"),
};

}  // namespace anyrt
