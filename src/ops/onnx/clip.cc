#include "opdef/elementwise.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kNumeric}};
constexpr Param kInputs[] = {{"input", "T"},
                             {"min", "T", kOptionalParam, "one element; no lower limit when omitted"},
                             {"max", "T", kOptionalParam, "one element; no upper limit when omitted"}};
constexpr Param kOutputs[] = {{"output", "T"}};

Status infer(InferContext& c) {
  for (size_t i : {1, 2}) {
    const SymShape* s = c.input_shape(i);
    if (s && s->size() > 1) return invalid_model("input {} must hold one element, found shape {}", i, shape_string(*s));
  }
  c.set_output(0, c.input_type(0));
  const auto x = c.input_elements(0);
  const auto low = c.has_input(1) ? c.input_elements(1) : SymShape{};
  const auto high = c.has_input(2) ? c.input_elements(2) : SymShape{};
  if (!x || !low || !high || low->size() > 1 || high->size() > 1 || !is_int(c.input_dtype(0))) return {};
  SymShape y = *x;
  for (Dim& d : y) {
    if (!low->empty()) d = Dim::max(d, (*low)[0]);
    if (!high->empty()) d = Dim::min(d, (*high)[0]);
  }
  c.set_output_elements(0, std::move(y));
  return {};
}

Status eval(EvalContext& c) {
  const DType dtype = c.input(0).dtype(), compute = compute_dtype(dtype);
  Tensor limits[2];
  for (size_t i : {0, 1}) {
    if (!c.has_input(i + 1)) continue;
    ANYRT_ASSIGN(limits[i], c.input_as(i + 1, compute));
    if (limits[i].size() != 1) {
      return invalid_argument("input {} must hold one element, found {}", i + 1, limits[i].type_string());
    }
  }
  ANYRT_ASSIGN(const Tensor x, c.input_as(0, compute));
  ANYRT_ASSIGN(Tensor y, Tensor::make(compute, x.dims()));
  dispatch<float, double, int64_t, uint64_t>(compute, [&]<class T>(TypeTag<T>) {
    using Limits = std::numeric_limits<T>;
    T low = Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
    T high = Limits::has_infinity ? Limits::infinity() : Limits::max();
    if (limits[0].defined()) low = *limits[0].data<T>();
    if (limits[1].defined()) high = *limits[1].data<T>();
    const T* in = x.data<T>();
    T* out = y.mutable_data<T>();
    for (int64_t i = 0; i < x.size(); ++i) {
      const T raised = in[i] < low ? low : in[i];
      out[i] = raised > high ? high : raised;
    }
  });
  return c.set_output_as(0, y, dtype);
}

Status decompose(RewriteContext& c) {
  ValueId y = c.input(0);
  if (c.has_input(1)) y = c.op("Max", {y, c.input(1)});
  if (c.has_input(2)) y = c.op("Min", {y, c.input(2)});
  c.replace_output(0, y == c.input(0) ? c.op("Identity", {y}) : y);
  return {};
}

// Before opset 11 the limits are attributes; from 6 on they default to the range of float, which also tames infinities.
Status upgrade(RewriteContext& c) {
  c.remove_attr("consumed_inputs");
  if (c.version() >= 11) return {};
  constexpr float kTop = std::numeric_limits<float>::max();
  const bool low = c.version() >= 6 || c.has_attr("min"), high = c.version() >= 6 || c.has_attr("max");
  const float min = c.f("min", -kTop), max = c.f("max", kTop);
  c.remove_attr("min");
  c.remove_attr("max");
  if (low) c.set_input(1, constant_like(c, min));
  if (high) c.set_input(2, constant_like(c, max));
  return {};
}

Status downgrade(RewriteContext& c) {
  if (c.version() >= 11) return {};
  if (c.version() < 6) return not_implemented("opset {} cannot be written, 6 is the oldest", c.version());
  if (!kFloats3.has(c.input_type(0).dtype)) return not_implemented("elements other than floats need opset 12");
  // Left out, the attributes would mean the range of float.
  c.set_attr("min", -std::numeric_limits<float>::infinity());
  c.set_attr("max", std::numeric_limits<float>::infinity());
  for (size_t i : {1, 2}) {
    if (!c.has_input(i)) continue;
    const Tensor* limit = c.input_constant(i);
    if (!limit || limit->size() != 1) return not_implemented("opset {} needs constant limits", c.version());
    ANYRT_ASSIGN(const std::vector<double> v, to_doubles(*limit));
    c.set_attr(i == 1 ? "min" : "max", static_cast<float>(v[0]));
  }
  c.graph().truncate_inputs(c.id(), 1);
  return {};
}

}  // namespace

extern const OpDef op_onnx_clip = {
    .name = "Clip",
    .since = 13,
    .doc = "Limits every element to [min, max]; max where min exceeds it.",
    .flags = kElementwise | kInPlace0,
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .decompose = decompose,
    .upgrade = upgrade,
    .downgrade = downgrade,
    .cases = ANYRT_CASES(R"(
      : f32[4]{-2 0 2 nan}, f32[]{-1}, f32[]{1} -> f32[4]{-1 0 1 nan}
      : f32[3]{-2 0 2}, _, f32[]{1} -> f32[3]{-2 0 1}
      : f32[3]{-2 0 inf}, f32[1]{-1} -> f32[3]{-1 0 inf}
      : f16[3]{-2 0 2} -> f16[3]{-2 0 2}
      : i8[3]{-128 0 127}, i8[]{2}, i8[]{1} -> i8[3]{1 1 1}
      : u64[2]{18446744073709551615 1}, u64[]{2}, _ -> u64[2]{18446744073709551615 2}
      : bf16[0]{}, bf16[]{0} -> bf16[0]{}
      : f32[2]{1 2}, f32[2]{1 2} -> !one element
    )"),
};

}  // namespace anyrt
