#include "opdef/eval.h"
#include "opdef/shape_util.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeSet every_value() {
  TypeSet s = any_value(kAllDTypes);
  s.sparse = kAllDTypes;
  s.map = s.sequence_of_map = true;
  return s;
}

constexpr TypeRule kTypes[] = {{"V", every_value()}};
constexpr Param kInputs[] = {{"input", "V"}};
constexpr Param kOutputs[] = {{"output", "V"}};

Status infer(InferContext& c) {
  forward_elements(c);
  return infer_same(c);
}

Status eval(EvalContext& c) {
  c.set_output(0, c.value(0));
  return {};
}

}  // namespace

extern const OpDef op_onnx_identity = {
    .name = "Identity",
    .since = 25,
    .doc = "Gives out its input, of whatever kind.",
    .flags = kView,
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = [](RewriteContext& c) { return downgrade_any_value(c, 14); },
    .cases = ANYRT_CASES(R"(
      : f32[2]{1 nan} -> f32[2]{1 nan}
      : str[]{"a"} -> str[]{"a"}
      : f4e2m1[2,0]{} -> f4e2m1[2,0]{}
      : seq(i64[1]{1}, i64[2]{2 3}) -> seq(i64[1]{1}, i64[2]{2 3})
    )"),
};

}  // namespace anyrt
