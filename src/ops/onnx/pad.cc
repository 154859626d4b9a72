#include "opdef/pad.h"

#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kAllDTypes}, {"Tind", kIndexTypes}};
constexpr Param kInputs[] = {{"data", "T"},
                             {"pads", "int64", kRequiredParam, "begins of all axes, then ends; negative ones crop"},
                             {"constant_value", "T", kOptionalParam, "default 0"},
                             {"axes", "Tind", kOptionalParam, "which axes pads speak of; default all"}};
constexpr Param kOutputs[] = {{"output", "T"}};
constexpr AttrDef kAttrs[] = {string_attr("mode", "constant").with_doc("constant, edge, reflect or wrap")};

Status infer(InferContext& c) {
  c.set_output(0, c.input_dtype(0));
  const SymShape* x = c.input_shape(0);
  if (!x) return {};
  const int64_t rank = static_cast<int64_t>(x->size());
  SymShape out(x->size());
  std::optional<std::vector<int64_t>> axes;
  if (c.has_input(3)) axes = c.input_ints(3);
  const auto pads = c.input_elements(1);
  if (pads && (axes || !c.has_input(3))) {
    ANYRT_ASSIGN(const std::vector<int64_t> slots, pad_axis_slots(axes, rank));
    const size_t count = axes ? axes->size() : x->size();
    if (pads->size() != 2 * count) {
      return invalid_model("pads has {} entries, expected {}", pads->size(), 2 * count);
    }
    for (size_t i = 0; i < out.size(); ++i) {
      out[i] = (*x)[i];
      if (slots[i] < 0) continue;
      const size_t at = static_cast<size_t>(slots[i]);
      out[i] = out[i] + (*pads)[at] + (*pads)[at + count];
      if (out[i].is_const() && out[i].value() < 0) return invalid_model("axis {} is cropped below zero", i);
    }
  }
  c.set_output(0, c.input_dtype(0), std::move(out));
  return {};
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  ANYRT_ASSIGN(const std::vector<int64_t> pads, c.input_ints(1));
  std::optional<std::vector<int64_t>> axes;
  if (c.has_input(3)) {
    ANYRT_ASSIGN(axes, c.input_ints(3));
  }
  const Tensor& fill = c.input(2);
  if (fill.defined() && fill.size() > 1) return invalid_argument("constant_value has {} elements", fill.size());
  ANYRT_ASSIGN(const IndexMaps maps, pad_maps(x.dims(), pads, axes, c.s("mode")));
  ANYRT_ASSIGN(Tensor y, gather_by_maps(x, maps, fill.size() == 1 ? fill : Tensor()));
  c.set_output(0, std::move(y));
  return {};
}

// Until opset 10 the paddings (called so in opset 1) and the value were attributes.
Status upgrade(RewriteContext& c) {
  if (c.version() >= 11) return {};
  if (c.version() < 2) c.rename_attr("paddings", "pads");
  c.attr_to_input("pads", 1);
  const float value = c.f("value", 0);
  c.remove_attr("value");
  if (value == 0) return {};
  const DType dtype = c.input_type(0).dtype;
  const ValueId scalar = c.constant_scalar(value, dtype == DType::kUndefined ? DType::kFloat32 : dtype);
  c.set_input(2, dtype == DType::kUndefined ? c.op("CastLike", {scalar, c.input(0)}) : scalar);
  return {};
}

Status downgrade(RewriteContext& c) {
  if (c.version() < 11 && !kFloats3.has(c.input_type(0).dtype))
    return not_implemented("elements other than floats need opset 11");
  if (c.version() < 19 && c.s("mode") == "wrap") return not_implemented("mode wrap needs opset 19");
  if (c.version() < 18 && c.has_input(3)) {
    const Tensor *pads = c.input_constant(1), *axes = c.input_constant(3);
    const auto rank = c.input_rank(0);
    if (!pads || !axes || !rank) return not_implemented("axes that are not constant need opset 18");
    ANYRT_ASSIGN(const std::vector<int64_t> given, to_int64s(*pads));
    ANYRT_ASSIGN(const std::vector<int64_t> list, to_int64s(*axes));
    ANYRT_ASSIGN(const std::vector<int64_t> slots, pad_axis_slots(list, *rank));
    std::vector<int64_t> full(2 * static_cast<size_t>(*rank), 0);
    for (size_t i = 0; i < slots.size() && given.size() == 2 * list.size(); ++i) {
      if (slots[i] < 0) continue;
      full[i] = given[static_cast<size_t>(slots[i])];
      full[i + slots.size()] = given[static_cast<size_t>(slots[i]) + list.size()];
    }
    c.set_input(1, c.constant_ints(full));
    c.graph().truncate_inputs(c.id(), 3);
  }
  if (c.version() >= 11) return {};
  float value = 0;
  if (c.has_input(2)) {
    const Tensor* fill = c.input_constant(2);
    if (!fill || fill->size() != 1) return not_implemented("a value that is not constant needs opset 11");
    ANYRT_ASSIGN(const std::vector<double> number, to_doubles(*fill));
    value = static_cast<float>(number[0]);
  }
  c.graph().truncate_inputs(c.id(), 2);
  ANYRT_TRY(c.input_to_attr(1, "pads"));
  c.set_attr("value", value);
  if (c.version() < 2) c.rename_attr("pads", "paddings");
  return {};
}

}  // namespace

extern const OpDef op_onnx_pad = {
    .name = "Pad",
    .since = 25,
    .doc =
        "Adds elements before and after each axis, or crops it: a constant, the edge, a mirror image or a repetition.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade,
    .downgrade = downgrade,
    .cases = ANYRT_CASES(R"(
      : f32[2,2]{1 2 3 4}, i64[4]{0 1 0 0} -> f32[2,3]{0 1 2 0 3 4}
      : str[2]{"a" "b"}, i64[2]{1 -1}, str[]{"z"} -> str[2]{"z" "a"}
      mode="reflect" : i8[3]{1 2 3}, i64[2]{4 1} -> i8[8]{1 2 3 2 1 2 3 2}
      mode="edge" : f16[1,2]{1 2}, i64[2]{1 1}, _, i32[1]{-1} -> f16[1,4]{1 1 2 2}
      mode="wrap" : i4[3]{1 2 3}, i64[2]{4 2} -> i4[9]{3 1 2 3 1 2 3 1 2}
      : bool[0,2]{}, i64[4]{1 0 0 0}, bool[]{true} -> bool[1,2]{true true}
      : f32[]{7}, i64[0]{} -> f32[]{7}
      mode="reflect" : f32[2,3,4]{rand:1}, i64[6]{1 -1 2 0 2 1} -> ?
      : f32[2]{1 2}, i64[2]{-2 -1} -> !does not fit
      : f32[2]{1 2}, i64[3]{1 1 1} -> !expected 2
    )"),
};

}  // namespace anyrt
