#include "opdef/elementwise.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kInputs[] = {{"X", "T"}};
constexpr Param kOutputs[] = {{"Y", "T"}};
constexpr AttrDef kAttrs[] = {string_attr("approximate", "none").with_doc("none or tanh")};

Status check_mode(const std::string& mode) {
  if (mode == "none" || mode == "tanh") return {};
  return invalid_model("approximate must be 'none' or 'tanh', found '{}'", mode);
}

Status infer(InferContext& c) {
  ANYRT_TRY(check_mode(c.s("approximate")));
  return infer_same(c);
}

Status eval(EvalContext& c) {
  ANYRT_TRY(check_mode(c.s("approximate")));
  if (c.s("approximate") == "tanh") {
    return eval_unary_float(c, []<class T>(T x) {
      return T(0.5) * x * (1 + std::tanh(T(0.7978845608028654) * (x + T(0.044715) * x * x * x)));
    });
  }
  return eval_unary_float(c, []<class T>(T x) { return T(0.5) * x * (1 + std::erf(x * T(0.7071067811865476))); });
}

Status decompose(RewriteContext& c) {
  const ValueId x = c.input(0);
  ValueId phi;
  if (c.s("approximate") == "tanh") {
    const ValueId cube = c.op("Mul", {c.op("Mul", {x, x}), x});
    const ValueId sum = c.op("Add", {x, c.op("Mul", {cube, constant_like(c, 0.044715)})});
    phi = c.op("Tanh", {c.op("Mul", {sum, constant_like(c, 0.7978845608028654)})});
  } else {
    phi = c.op("Erf", {c.op("Mul", {x, constant_like(c, 0.7071067811865476)})});
  }
  const ValueId half = c.op("Mul", {x, constant_like(c, 0.5)});
  c.replace_output(0, c.op("Mul", {half, c.op("Add", {phi, constant_like(c, 1)})}));
  return {};
}

}  // namespace

extern const OpDef op_onnx_gelu = {
    .name = "Gelu",
    .since = 20,
    .first = 20,
    .doc = "x times the normal distribution function at x, exact (erf) or approximated by tanh.",
    .flags = kElementwise | kInPlace0,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .decompose = decompose,
    .cases = ANYRT_CASES(R"(
      : f32[6]{1.5 -1.5 0 3 -3 -0.25} -> f32[6]{1.399789 -0.1002108 0 2.99595 -0.004049694 -0.1003234}
      : f64[1,1]{1.5} -> f64[1,1]{1.399789} ~ 1e-6 0
      : f16[0,3]{} -> f16[0,3]{}
      : bf16[]{1.5} -> bf16[]{1.399789} ~ 0.01 0
      : f32[3,7]{rand:5} -> ?
      approximate="tanh" : f32[2]{1.5 -0.5} -> f32[2]{1.399572 -0.154286}
      approximate="exact" : f32[1]{1} -> !approximate must be
    )"),
};

}  // namespace anyrt
