#include <cmath>

#include "opdef/eval.h"
#include "opdef/global_pool.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kInputs[] = {{"X", "T", kRequiredParam, "[N, C, spatial…]"}};
constexpr Param kOutputs[] = {{"Y", "T", kRequiredParam, "[N, C, 1…]"}};
constexpr AttrDef kAttrs[] = {int_attr("p", 2).with_doc("which norm")};

Status eval(EvalContext& c) {
  const int64_t p = c.i("p");
  if (p < 1) return invalid_argument("p is {}, expected 1 or more", p);
  return eval_global_pool(c, [p]<class T>(const T* x, int64_t n) {
    const T power = static_cast<T>(p);
    T sum = 0;
    for (int64_t i = 0; i < n; ++i)
      sum += p == 1 ? std::abs(x[i]) : p == 2 ? x[i] * x[i] : std::pow(std::abs(x[i]), power);
    return p == 1 ? sum : p == 2 ? std::sqrt(sum) : std::pow(sum, 1 / power);
  });
}

// Opset 1 held p as a float.
Status upgrade(RewriteContext& c) { return c.version() < 2 ? upgrade_lp_norm(c) : Status(); }

Status decompose(RewriteContext& c) {
  const int64_t p = c.i("p");
  if (p != 1 && p != 2) return not_implemented("p = {}", p);
  if (c.input_rank(0) == 2) {
    c.replace_output(0, c.op("Abs", {c.input(0)}));
    return {};
  }
  return decompose_global_pool(c, p == 1 ? "ReduceL1" : "ReduceL2");
}

}  // namespace

extern const OpDef op_onnx_global_lp_pool = {
    .name = "GlobalLpPool",
    .since = 22,
    .doc = "Lp norm over all spatial axes.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer_global_pool,
    .eval = eval,
    .decompose = decompose,
    .upgrade = upgrade,
    .downgrade =
        [](RewriteContext& c) { return c.version() < 2 ? not_implemented("opset 1 takes p as a float") : Status(); },
    .cases = ANYRT_CASES(R"(
      : f32[1,2,1,2]{3 -4 6 8} -> f32[1,2,1,1]{5 10}
      p=1 : f64[1,1,3]{1 -2 3} -> f64[1,1,1]{6}
      p=3 : f32[1,1,2,2]{1 2 3 -4} -> f32[1,1,1,1]{4.6415888}
      : f16[2,3,4,5]{rand:1} -> ?
      p=-1 : f32[1,1,1]{1} -> !expected 1 or more
    )"),
};

}  // namespace anyrt
