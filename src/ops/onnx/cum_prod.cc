#include "opdef/cumulative.h"

namespace anyrt {
namespace {

Status eval(EvalContext& c) {
  return eval_cumulative(c, 1, []<class T>(T a, T b) {
    if constexpr (std::is_same_v<T, int64_t>)
      return static_cast<T>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
    else
      return a * b;
  });
}

}  // namespace

extern const OpDef op_onnx_cum_prod = {
    .name = "CumProd",
    .since = 26,
    .first = 26,
    .doc = "Running products along an axis.",
    .inputs = kCumulativeInputs,
    .outputs = kCumulativeOutputs,
    .attrs = kCumulativeAttrs,
    .types = kCumulativeTypes,
    .infer = infer_cumulative,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      : f64[5]{1 2 3 4 5}, i32[]{0} -> f64[5]{1 2 6 24 120}
      exclusive=1 : f32[5]{1 2 3 4 5}, i64[]{0} -> f32[5]{1 1 2 6 24}
      exclusive=1 reverse=1 : f32[3]{1 2 3}, i64[1]{-1} -> f32[3]{6 3 1}
      reverse=1 : i64[2,2]{1 2 3 4}, i32[]{0} -> i64[2,2]{3 8 3 4}
      : i32[2]{2147483647 2}, i32[]{0} -> i32[2]{2147483647 -2}
      : bf16[2,0]{}, i32[]{1} -> bf16[2,0]{}
      : f16[2,3,4]{rand:1}, i32[]{-2} -> ?
      : f32[2]{1 2}, i32[]{1} -> !axis 1
    )"),
};

}  // namespace anyrt
