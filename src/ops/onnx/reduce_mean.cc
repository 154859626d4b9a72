#include "opdef/reduce.h"

namespace anyrt {
namespace {

Status eval(EvalContext& c) {
  return eval_reduce<float, double, int64_t, uint64_t>(
      c, []<class T>(TypeTag<T>) { return SumOf<T>(0); }, []<class A>(A& sum, auto v) { sum += static_cast<A>(v); },
      []<class T>(TypeTag<T>, auto sum, int64_t count) {
        if constexpr (std::is_floating_point_v<T>)
          return sum / static_cast<double>(count);
        else
          return count == 0 ? T(0) : static_cast<T>(sum) / static_cast<T>(count);
      });
}

}  // namespace

extern const OpDef op_onnx_reduce_mean = {
    .name = "ReduceMean",
    .since = 18,
    .doc = "Mean over axes; integers truncate toward zero.",
    .inputs = kReduceInputs,
    .outputs = kReduceOutputs,
    .attrs = kReduceAttrs,
    .types = kReduceTypes,
    .infer = infer_reduce,
    .eval = eval,
    .upgrade = upgrade_reduce<18>,
    .downgrade = downgrade_reduce<18>,
    .cases = ANYRT_CASES(R"(
      : f32[3,2,2]{1 2 3 4 5 6 7 8 9 10 11 12}, i64[1]{1} -> f32[3,1,2]{2 3 6 7 10 11}
      keepdims=0 : f32[3,2,2]{1 2 3 4 5 6 7 8 9 10 11 12}, i64[2]{-1 0} -> f32[2]{5.5 7.5}
      : f32[3,2,2]{1 2 3 4 5 6 7 8 9 10 11 12} -> f32[1,1,1]{6.5}
      keepdims=0 : f64[]{3} -> f64[]{3}
      : f32[2,0,1]{}, i64[1]{1} -> f32[2,1,1]{nan nan}
      noop_with_empty_axes=1 : f32[2]{1 2} -> f32[2]{1 2}
      : i32[2,0]{}, i64[1]{1} -> i32[2,1]{0 0}
      : i32[2]{-3 -4} -> i32[1]{-3}
      keepdims=0 : f16[3,4,5]{rand:1}, i64[2]{0 2} -> ?
      : f32[2]{1 2}, i64[1]{1} -> !axis 1
    )"),
};

}  // namespace anyrt
