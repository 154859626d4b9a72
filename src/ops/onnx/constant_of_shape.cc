#include "opdef/eval.h"
#include "opdef/shape_util.h"
#include "opdef/upgrade_util.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T2", kAllDTypes}};
constexpr Param kInputs[] = {{"input", "int64", kRequiredParam, "1-D: the shape of the output"}};
constexpr Param kOutputs[] = {{"output", "T2"}};
constexpr AttrDef kAttrs[] = {attr("value", AttrKind::kTensor).with_doc("one element; a float 0 when absent")};

Status infer(InferContext& c) {
  const Tensor& value = c.tensor("value");
  if (value.defined() && value.size() != 1) {
    return invalid_model("value must hold one element, found {}", value.type_string());
  }
  const DType dtype = value.defined() ? value.dtype() : DType::kFloat32;
  const auto dims = c.input_elements(0);
  if (!dims) {
    const auto rank = known_length(c, 0);
    c.set_output(0, dtype, rank ? std::optional<SymShape>(SymShape(*rank)) : std::nullopt);
    return {};
  }
  for (const Dim& d : *dims) {
    if (d.is_const() && d.value() < 0) return invalid_model("the shape {} has a negative dim", shape_string(*dims));
  }
  c.set_output(0, dtype, *dims);
  const auto known = to_dims(*dims);
  if (!known || !is_int(dtype)) return {};
  const auto count = checked_element_count(*known);
  if (!count.ok() || *count > 1024) return {};
  ANYRT_ASSIGN(const std::vector<int64_t> element, to_int64s(value));
  c.set_output_elements(0, SymShape(static_cast<size_t>(*count), Dim(element[0])));
  return {};
}

Status eval(EvalContext& c) {
  ANYRT_ASSIGN(Dims dims, c.input_ints(0));
  Tensor value = c.tensor("value");
  if (!value.defined()) value = Tensor::scalar(0.0f);
  if (value.size() != 1) return invalid_argument("value must hold one element, found {}", value.type_string());
  ANYRT_ASSIGN(Tensor * y, c.output(0, value.dtype(), dims));
  dispatch_storage(value.dtype(),
                   [&]<class T>(TypeTag<T>) { std::fill_n(mutable_storage<T>(*y), y->size(), *storage<T>(value)); });
  return {};
}

}  // namespace

extern const OpDef op_onnx_constant_of_shape = {
    .name = "ConstantOfShape",
    .since = 25,
    .first = 9,
    .doc = "A tensor of the given shape with one value everywhere.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : i64[2]{2 3} -> f32[2,3]{0 0 0 0 0 0}
      : i64[0]{} -> f32[]{0}
      : i64[2]{0 4} -> f32[0,4]{}
      : i64[1]{-2} -> !-2
    )"),
};

}  // namespace anyrt
