#include "opdef/reduce.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kNumeric | DType::kBool}};

Status eval(EvalContext& c) {
  const DType dtype = c.input(0).dtype();
  return eval_reduce<float, double, int64_t, uint64_t>(
      c, [dtype]<class T>(TypeTag<T>) { return lowest_value<T>(dtype); },
      [](auto& top, auto v) { top = top > v || top != top ? top : v; },
      []<class T>(TypeTag<T>, T top, int64_t) { return top; });
}

}  // namespace

extern const OpDef op_onnx_reduce_max = {
    .name = "ReduceMax",
    .since = 20,
    .doc = "Largest element over axes; NaN wins, true is above false. Of no elements: the lowest value of the type.",
    .inputs = kReduceInputs,
    .outputs = kReduceOutputs,
    .attrs = kReduceAttrs,
    .types = kTypes,
    .infer = infer_reduce,
    .eval = eval,
    .upgrade = upgrade_reduce<18>,
    .downgrade = downgrade_reduce<18>,
    .cases = ANYRT_CASES(R"(
      : f32[3,2,2]{1 2 3 4 5 6 7 8 9 10 11 12}, i64[1]{1} -> f32[3,1,2]{3 4 7 8 11 12}
      keepdims=0 : f32[3,2,2]{1 2 3 4 5 6 7 8 9 10 11 12}, i64[2]{-1 0} -> f32[2]{10 12}
      : f32[3,2,2]{1 2 3 4 5 6 7 8 9 10 11 12} -> f32[1,1,1]{12}
      keepdims=0 : f64[]{3} -> f64[]{3}
      : f32[2,0,1]{}, i64[1]{1} -> f32[2,1,1]{-inf -inf}
      : i32[2,0]{}, i64[1]{1} -> i32[2,1]{-2147483648 -2147483648}
      : bool[2,2]{true false false false}, i64[1]{1} -> bool[2,1]{true false}
      : f32[3]{1 nan 2} -> f32[1]{nan}
      : u8[2]{200 3} -> u8[1]{200}
      keepdims=0 : f16[3,4,5]{rand:1}, i64[2]{0 2} -> ?
      : f32[2]{1 2}, i64[1]{1} -> !axis 1
    )"),
};

}  // namespace anyrt
