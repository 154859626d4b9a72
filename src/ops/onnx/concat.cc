#include "opdef/eval.h"
#include "opdef/shape_util.h"
#include "opdef/strided.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kAllDTypes}};
constexpr Param kInputs[] = {{"inputs", "T", kVariadicParam}};
constexpr Param kOutputs[] = {{"concat_result", "T"}};
constexpr AttrDef kAttrs[] = {required_attr("axis", AttrKind::kInt).with_doc("in [-r, r)")};

Status infer(InferContext& c) {
  c.set_output(0, c.input_dtype(0));
  std::optional<SymShape> out;
  bool all_known = true;
  SymShape elements;
  bool elements_known = true;
  for (size_t i = 0; i < c.num_inputs(); ++i) {
    if (const auto e = c.input_elements(i); e && c.input_rank(i) == 1) {
      elements.insert(elements.end(), e->begin(), e->end());
    } else {
      elements_known = false;
    }
    const SymShape* s = c.input_shape(i);
    if (!s) {
      all_known = false;
      continue;
    }
    ANYRT_ASSIGN(const int64_t axis, normalize_axis(c.i("axis"), static_cast<int64_t>(s->size())));
    if (!out) {
      out = *s;
      continue;
    }
    if (s->size() != out->size())
      return invalid_model("inputs of rank {} and {} cannot be joined", out->size(), s->size());
    for (size_t k = 0; k < s->size(); ++k) {
      Dim& d = (*out)[k];
      if (static_cast<int64_t>(k) == axis) {
        d = d + (*s)[k];
      } else if (!d.is_const()) {
        d = (*s)[k];
      }
    }
  }
  if (out && !all_known)
    (*out)[static_cast<size_t>(*normalize_axis(c.i("axis"), static_cast<int64_t>(out->size())))] = Dim();
  if (out) c.set_output(0, c.input_dtype(0), out);
  if (elements_known) c.set_output_elements(0, std::move(elements));
  return {};
}

Status eval(EvalContext& c) {
  const Tensor& first = c.input(0);
  if (first.rank() == 0) return invalid_argument("scalars cannot be concatenated");
  ANYRT_ASSIGN(const int64_t axis, normalize_axis(c.i("axis"), first.rank()));
  std::vector<const Tensor*> parts;
  for (size_t i = 0; i < c.num_inputs(); ++i) parts.push_back(&c.input(i));
  ANYRT_ASSIGN(const Dims dims, concat_dims(parts, axis));
  ANYRT_ASSIGN(Tensor * y, c.output(0, first.dtype(), dims));
  concat_into(*y, parts, axis);
  return {};
}

// Opset 1 had a default axis of 1.
Status upgrade(RewriteContext& c) {
  if (c.version() < 4 && !c.has_attr("axis")) c.set_attr("axis", int64_t{1});
  return {};
}

}  // namespace

extern const OpDef op_onnx_concat = {
    .name = "Concat",
    .since = 13,
    .doc = "Joins tensors along an axis.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      axis=0 : f32[1,2]{1 2}, f32[2,2]{3 4 5 6} -> f32[3,2]{1 2 3 4 5 6}
      axis=-1 : str[1,1]{"a"}, str[1,2]{"b" "c"} -> str[1,3]{"a" "b" "c"}
      axis=1 : i64[2,0]{}, i64[2,1]{7 8} -> i64[2,1]{7 8}
      axis=0 : f32[1,2]{1 2}, f32[1,3]{1 2 3} -> !does not fit
    )"),
};

}  // namespace anyrt
