#include "opdef/eval.h"
#include "opdef/global_pool.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kInputs[] = {{"X", "T", kRequiredParam, "[N, C, spatial…]"}};
constexpr Param kOutputs[] = {{"Y", "T", kRequiredParam, "[N, C, 1…]"}};

Status eval(EvalContext& c) {
  return eval_global_pool(c, []<class T>(const T* x, int64_t n) {
    T sum = 0;
    for (int64_t i = 0; i < n; ++i) sum += x[i];
    return sum / static_cast<T>(n);
  });
}

Status decompose(RewriteContext& c) { return decompose_global_pool(c, "ReduceMean"); }

}  // namespace

extern const OpDef op_onnx_global_average_pool = {
    .name = "GlobalAveragePool",
    .since = 22,
    .doc = "Mean over all spatial axes.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer_global_pool,
    .eval = eval,
    .decompose = decompose,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : f32[1,2,2,2]{1 2 3 4 5 6 7 8} -> f32[1,2,1,1]{2.5 6.5}
      : f64[2,1,3]{1 2 3 4 5 9} -> f64[2,1,1]{2 6}
      : bf16[1,1,2]{inf 1} -> bf16[1,1,1]{inf}
      : f16[2,3,4,5,6]{rand:1} -> ?
      : f32[0,3,2,2]{} -> f32[0,3,1,1]{}
      : f32[3]{1 2 3} -> !rank 1
    )"),
};

}  // namespace anyrt
