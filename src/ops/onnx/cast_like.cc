#include "opdef/cast_util.h"
#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T1", kAllDTypes - kComplex}, {"T2", kAllDTypes - kComplex}};
constexpr Param kInputs[] = {{"input", "T1"}, {"target_type", "T2", kRequiredParam, "only its element type counts"}};
constexpr Param kOutputs[] = {{"output", "T2"}};
constexpr AttrDef kAttrs[] = {int_attr("saturate", 1).with_doc("as for Cast"),
                              string_attr("round_mode", "up").with_doc("as for Cast")};

Status infer(InferContext& c) {
  ANYRT_TRY(round_mode(c).status());
  return infer_cast(c, c.input_dtype(1));
}

Status decompose(RewriteContext& c) {
  const DType to = c.input_type(1).dtype;
  if (to == DType::kUndefined) return not_implemented("the element type of target_type is not known");
  c.replace_output(0, c.op("Cast", {c.input(0)},
                           {{"to", static_cast<int64_t>(to)},
                            {"saturate", c.i("saturate")},
                            {"round_mode", std::string(c.s("round_mode"))}}));
  return {};
}

}  // namespace

extern const OpDef op_onnx_cast_like = {
    .name = "CastLike",
    .since = 25,
    .first = 15,
    .doc = "Converts every element to the element type of another tensor.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = [](EvalContext& c) { return eval_cast(c, c.input(1).dtype()); },
    .decompose = decompose,
    .upgrade = upgrade_unchanged,
    .downgrade = [](RewriteContext& c) { return downgrade_cast(c, c.input_type(1).dtype); },
    .cases = ANYRT_CASES(R"(
      : f32[3]{1.7 -1.7 0}, i32[0]{} -> i32[3]{1 -1 0}
      : str[1]{"12"}, i64[]{0} -> i64[1]{12}
      : f64[2]{70000 0.1}, f16[1]{0} -> f16[2]{inf 0.1} ~ 1e-3 0
      saturate=0 : f32[1]{1e6}, f8e5m2[]{0} -> f8e5m2[1]{inf}
      : bool[2]{true false}, bf16[1]{3} -> bf16[2]{1 0}
    )"),
};

}  // namespace anyrt
