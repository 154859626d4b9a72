#include "opdef/reduce.h"

namespace anyrt {
namespace {

Status eval(EvalContext& c) {
  return eval_reduce<float, double, int64_t, uint64_t>(
      c, []<class T>(TypeTag<T>) { return SumOf<T>(0); }, []<class A>(A& sum, auto v) { sum += static_cast<A>(v); },
      []<class T>(TypeTag<T>, auto sum, int64_t) { return static_cast<T>(sum); });
}

}  // namespace

extern const OpDef op_onnx_reduce_sum = {
    .name = "ReduceSum",
    .since = 13,
    .doc = "Sum over axes.",
    .inputs = kReduceInputs,
    .outputs = kReduceOutputs,
    .attrs = kReduceAttrs,
    .types = kReduceTypes,
    .infer = infer_reduce,
    .eval = eval,
    .upgrade = upgrade_reduce<13>,
    .downgrade = downgrade_reduce<13>,
    .cases = ANYRT_CASES(R"(
      : f32[3,2,2]{1 2 3 4 5 6 7 8 9 10 11 12}, i64[1]{1} -> f32[3,1,2]{4 6 12 14 20 22}
      keepdims=0 : f32[3,2,2]{1 2 3 4 5 6 7 8 9 10 11 12}, i64[2]{-1 0} -> f32[2]{33 45}
      : f32[3,2,2]{1 2 3 4 5 6 7 8 9 10 11 12} -> f32[1,1,1]{78}
      keepdims=0 : f64[]{3} -> f64[]{3}
      : f32[2,0,1]{}, i64[1]{1} -> f32[2,1,1]{0 0}
      noop_with_empty_axes=1 : f32[2]{1 2} -> f32[2]{1 2}
      : i32[3]{2147483647 1 1} -> i32[1]{-2147483647}
      : i64[2]{-5 2}, i64[0]{} -> i64[1]{-3}
      : bf16[2]{inf -inf} -> bf16[1]{nan}
      keepdims=0 : f16[3,4,5]{rand:1}, i64[2]{0 2} -> ?
      : f32[2]{1 2}, i64[1]{1} -> !axis 1
    )"),
};

}  // namespace anyrt
