#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kAllDTypes}};
constexpr Param kOutputs[] = {{"output", "T"}};
constexpr AttrDef kAttrs[] = {
    attr("value", AttrKind::kTensor),
    attr("sparse_value", AttrKind::kSparse).with_doc("given out as a dense tensor"),
    attr("value_float", AttrKind::kFloat),
    attr("value_floats", AttrKind::kFloats),
    attr("value_int", AttrKind::kInt),
    attr("value_ints", AttrKind::kInts),
    attr("value_string", AttrKind::kString),
    attr("value_strings", AttrKind::kStrings),
};

Expected<Tensor> constant_value(const AttrReader& c) {
  if (c.node().attrs.size() != 1) {
    return invalid_model("exactly one value attribute is needed, found {}", c.node().attrs.size());
  }
  const Attr& a = c.node().attrs[0];
  switch (a.kind()) {
    case AttrKind::kTensor: return std::get<Tensor>(a.value);
    case AttrKind::kSparse: return to_dense(std::get<SparseTensor>(a.value));
    case AttrKind::kFloat: return Tensor::scalar(std::get<float>(a.value));
    case AttrKind::kInt: return Tensor::scalar(std::get<int64_t>(a.value));
    case AttrKind::kString: return Tensor::string_scalar(std::get<std::string>(a.value));
    case AttrKind::kFloats: return Tensor::vector<float>(std::get<std::vector<float>>(a.value));
    case AttrKind::kInts: return Tensor::vector<int64_t>(std::get<std::vector<int64_t>>(a.value));
    case AttrKind::kStrings: return Tensor::vector<std::string>(std::get<std::vector<std::string>>(a.value));
    default: return invalid_model("attribute '{}' is not a value", a.name);
  }
}

Status infer(InferContext& c) {
  ANYRT_ASSIGN(const Tensor value, constant_value(c));
  c.set_output(0, value.dtype(), to_sym_shape(value.dims()));
  if (is_int(value.dtype()) && value.size() <= 1024) {
    ANYRT_ASSIGN(const std::vector<int64_t> elements, to_int64s(value));
    c.set_output_elements(0, to_sym_shape(elements));
  }
  return {};
}

Status eval(EvalContext& c) {
  ANYRT_ASSIGN(Tensor value, constant_value(c));
  c.set_output(0, std::move(value));
  return {};
}

// The tensor form is the one that every reader understands.
Status normalize(RewriteContext& c) {
  ANYRT_ASSIGN(Tensor value, constant_value(c));
  const std::string old = c.node().attrs[0].name;
  c.remove_attr(old);
  c.set_attr("value", std::move(value));
  return {};
}

}  // namespace

extern const OpDef op_onnx_constant = {
    .name = "Constant",
    .since = 25,
    .doc = "A tensor that is part of the model.",
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = normalize,
    .downgrade = normalize,
    .cases = ANYRT_CASES(R"(
      value_float=2.5 : -> f32[]{2.5}
      value_ints=[3,-1] : -> i64[2]{3 -1}
      value_string="abc" : -> str[]{"abc"}
      value_int=1 value_float=1 : -> !exactly one
    )"),
};

}  // namespace anyrt
