#include "opdef/cast_util.h"
#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T1", kAllDTypes - kComplex}, {"T2", kAllDTypes - kComplex}};
constexpr Param kInputs[] = {{"input", "T1"}};
constexpr Param kOutputs[] = {{"output", "T2"}};
constexpr AttrDef kAttrs[] = {
    required_attr("to", AttrKind::kInt).with_doc("element type of the output, as numbered in TensorProto"),
    int_attr("saturate", 1).with_doc("float8: 1 clips to the largest finite value, 0 gives infinity or NaN"),
    string_attr("round_mode", "up").with_doc("float8e8m0: up, down or nearest")};

Expected<DType> target(const AttrReader& c) {
  const DType to = c.dtype("to");
  if (to == DType::kUndefined || is_complex(to)) {
    return invalid_model("attribute 'to' must be an element type that is not complex, found {}", c.i("to"));
  }
  return to;
}

Status infer(InferContext& c) {
  ANYRT_ASSIGN(const DType to, target(c));
  ANYRT_TRY(round_mode(c).status());
  return infer_cast(c, to);
}

Status eval(EvalContext& c) {
  ANYRT_ASSIGN(const DType to, target(c));
  return eval_cast(c, to);
}

// Opset 1 to 5 name the type in words.
Status upgrade(RewriteContext& c) {
  const Attr* to = c.node().find_attr("to");
  if (!to || to->kind() != AttrKind::kString) return {};
  const std::string name = c.s("to");
  const auto dtype = parse_dtype(name);
  if (!dtype) return invalid_model("attribute 'to' names no element type: '{}'", name);
  c.set_attr("to", static_cast<int64_t>(*dtype));
  return {};
}

Status downgrade(RewriteContext& c) {
  ANYRT_TRY(downgrade_cast(c, c.dtype("to")));
  if (c.version() >= 6) return {};
  return not_implemented("opset {} cannot be written, 6 is the oldest", c.version());
}

}  // namespace

extern const OpDef op_onnx_cast = {
    .name = "Cast",
    .since = 25,
    .doc = "Converts every element to another type.",
    .flags = kElementwise,
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade,
    .downgrade = downgrade,
    .cases = ANYRT_CASES(R"(
      to=6 : f32[4]{1.7 -1.7 0 2} -> i32[4]{1 -1 0 2}
      to=3 : i64[3]{200 -129 5} -> i8[3]{-56 127 5}
      to=9 : f64[4]{0 -0 nan 0.5} -> bool[4]{false false true true}
      to=10 : f32[3]{65520 2049 1e-8} -> f16[3]{inf 2048 0}
      to=1 : str[4]{"3.14" "1e-5" "-INF" "NaN"} -> f32[4]{3.14 1e-5 -inf nan}
      to=17 saturate=0 : f32[2]{1000 1} -> f8e4m3fn[2]{nan 1}
      to=17 : f32[2]{1000 -1000} -> f8e4m3fn[2]{448 -448}
      to=16 : f16[]{1.5} -> bf16[]{1.5}
      to=1 : i4[0,2]{} -> f32[0,2]{}
      to=14 : f32[1]{1} -> !not complex
      to=99 : f32[1]{1} -> !element type
    )"),
};

}  // namespace anyrt
