#include <cmath>

#include "opdef/reduce.h"

namespace anyrt {
namespace {

Status eval(EvalContext& c) {
  return eval_reduce_as<float, double>(
      c, real_compute_dtype(c.input(0).dtype()), [](auto) { return 0.0; }, [](double& sum, double v) { sum += v; },
      [](auto, double sum, int64_t) { return std::log(sum); });
}

Status decompose(RewriteContext& c) {
  if (!is_float(c.input_type(0).dtype)) return not_implemented("only floating-point data is decomposed");
  c.replace_output(0, c.op("Log", {reduce_like(c, "ReduceSum", c.input(0))}));
  return {};
}

}  // namespace

extern const OpDef op_onnx_reduce_log_sum = {
    .name = "ReduceLogSum",
    .since = 18,
    .doc = "Natural logarithm of the sum over axes.",
    .inputs = kReduceInputs,
    .outputs = kReduceOutputs,
    .attrs = kReduceAttrs,
    .types = kReduceTypes,
    .infer = infer_reduce,
    .eval = eval,
    .decompose = decompose,
    .upgrade = upgrade_reduce<18>,
    .downgrade = downgrade_reduce<18>,
    .cases = ANYRT_CASES(R"(
      : f32[3,2,2]{1 2 3 4 5 6 7 8 9 10 11 12}, i64[1]{1} -> f32[3,1,2]{1.3862944 1.7917595 2.4849066 2.6390573 2.9957323 3.0910425}
      keepdims=0 : f32[3,2,2]{1 2 3 4 5 6 7 8 9 10 11 12}, i64[2]{-1 0} -> f32[2]{3.4965076 3.8066625}
      : f32[3,2,2]{1 2 3 4 5 6 7 8 9 10 11 12} -> f32[1,1,1]{4.3567088}
      keepdims=0 : f64[]{3} -> f64[]{1.0986123}
      : f32[2,0,1]{}, i64[1]{1} -> f32[2,1,1]{-inf -inf}
      noop_with_empty_axes=1 : f32[2]{1 2} -> f32[2]{0 0.6931472}
      : i32[2]{10 20} -> i32[1]{3}
      keepdims=0 : f16[3,4,5]{rand:1}, i64[2]{0 2} -> ?
      : f32[2]{1 2}, i64[1]{1} -> !axis 1
    )"),
};

}  // namespace anyrt
