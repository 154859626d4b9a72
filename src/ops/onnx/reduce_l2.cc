#include <cmath>

#include "opdef/reduce.h"

namespace anyrt {
namespace {

Status eval(EvalContext& c) {
  return eval_reduce_as<float, double>(
      c, real_compute_dtype(c.input(0).dtype()), [](auto) { return 0.0; }, [](double& sum, double v) { sum += v * v; },
      [](auto, double sum, int64_t) { return std::sqrt(sum); });
}

Status decompose(RewriteContext& c) {
  if (!is_float(c.input_type(0).dtype)) return not_implemented("only floating-point data is decomposed");
  c.replace_output(0, c.op("Sqrt", {reduce_like(c, "ReduceSumSquare", c.input(0))}));
  return {};
}

}  // namespace

extern const OpDef op_onnx_reduce_l2 = {
    .name = "ReduceL2",
    .since = 18,
    .doc = "Square root of the sum of squares over axes.",
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
      : f32[3,2,2]{1 2 3 4 5 6 7 8 9 10 11 12}, i64[1]{1} -> f32[3,1,2]{3.1622777 4.472136 8.6023253 10 14.21267 15.620499}
      keepdims=0 : f32[3,2,2]{1 2 3 4 5 6 7 8 9 10 11 12}, i64[2]{-1 0} -> f32[2]{15.716234 20.07486}
      : f32[3,2,2]{1 2 3 4 5 6 7 8 9 10 11 12} -> f32[1,1,1]{25.495098}
      keepdims=0 : f64[]{3} -> f64[]{3}
      : f32[2,0,1]{}, i64[1]{1} -> f32[2,1,1]{0 0}
      noop_with_empty_axes=1 : f32[2]{1 -2} -> f32[2]{1 2}
      : i32[2]{-3 4} -> i32[1]{5}
      keepdims=0 : f16[3,4,5]{rand:1}, i64[2]{0 2} -> ?
      : f32[2]{1 2}, i64[1]{1} -> !axis 1
    )"),
};

}  // namespace anyrt
