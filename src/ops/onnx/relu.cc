#include "opdef/elementwise.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats | kSignedInts}};
constexpr Param kInputs[] = {{"X", "T", kRequiredParam, "any shape"}};
constexpr Param kOutputs[] = {{"Y", "T", kRequiredParam, "shape of X"}};

Status eval(EvalContext& c) {
  return eval_unary<float, double, int64_t>(c, [](auto x) { return x < 0 ? decltype(x)(0) : x; });  // keeps NaN
}

}  // namespace

extern const OpDef op_onnx_relu = {
    .name = "Relu",
    .since = 14,
    .doc = "y = max(0, x), element by element.",
    .flags = kElementwise | kInPlace0,
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer_same,
    .eval = eval,
    .upgrade = [](RewriteContext& c) { return drop_attr(c, "consumed_inputs"); },
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : f32[4]{-1 0 2.5 nan} -> f32[4]{0 0 2.5 nan}
      : i8[2]{-128 127} -> i8[2]{0 127}
      : f16[0,3]{} -> f16[0,3]{}
    )"),
};

}  // namespace anyrt
