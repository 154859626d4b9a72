#include "opdef/arg_reduce.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

Status eval(EvalContext& c) {
  return eval_arg_reduce(c, [](auto a, auto b) { return a > b; });
}

Status downgrade(RewriteContext& c) {
  if (c.version() >= 12) return {};
  if (c.i("select_last_index") != 0) return not_implemented("opset {} has no select_last_index", c.version());
  return drop_attr(c, "select_last_index");
}

}  // namespace

extern const OpDef op_onnx_arg_max = {
    .name = "ArgMax",
    .since = 13,
    .doc = "Index of the largest element along an axis; of equal ones the first, or the last on request.",
    .inputs = kArgReduceInputs,
    .outputs = kArgReduceOutputs,
    .attrs = kArgReduceAttrs,
    .types = kArgReduceTypes,
    .infer = infer_arg_reduce,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade,
    .cases = ANYRT_CASES(R"(
      : f32[2,2]{2 1 3 10} -> i64[1,2]{1 1}
      axis=1 keepdims=0 : f32[2,2]{2 2 3 10} -> i64[2]{0 1}
      axis=-1 select_last_index=1 : f16[2,2]{2 2 3 10} -> i64[2,1]{1 1}
      axis=1 : u64[1,3]{1 18446744073709551615 5} -> i64[1,1]{1}
      axis=1 keepdims=0 : i8[0,3]{} -> i64[0]{}
      keepdims=0 axis=1 : bf16[2,3,4]{rand:1} -> ?
      axis=1 : f32[2,0]{} -> !no elements
      axis=2 : f32[2]{1 2} -> !axis 2
    )"),
};

}  // namespace anyrt
