#include <algorithm>

#include "opdef/reduce.h"

namespace anyrt {
namespace {

Status eval(EvalContext& c) {
  return eval_reduce<float, double, int64_t, uint64_t>(
      c, []<class T>(TypeTag<T>) { return std::conditional_t<std::is_floating_point_v<T>, T, uint64_t>(1); },
      []<class A>(A& product, auto v) { product *= static_cast<A>(v); },
      []<class T>(TypeTag<T>, auto product, int64_t) { return static_cast<T>(product); });
}

// The product of a shape's dims is shape arithmetic.
Status infer(InferContext& c) {
  ANYRT_TRY(infer_reduce(c));
  const auto elements = c.input_elements(0);
  const bool whole = c.input_rank(0) == 1 && c.input_dtype(0) == DType::kInt64;
  if (!whole || !elements || !c.has_output(0)) return {};
  const std::optional<SymShape>& out = c.owner().value(c.node().outputs[0]).type.shape;
  if (out && std::all_of(out->begin(), out->end(), [](const Dim& d) { return d.is(1); })) {
    c.set_output_elements(0, {shape_product(*elements, 0, elements->size())});
  }
  return {};
}

}  // namespace

extern const OpDef op_onnx_reduce_prod = {
    .name = "ReduceProd",
    .since = 18,
    .doc = "Product over axes; integers wrap.",
    .inputs = kReduceInputs,
    .outputs = kReduceOutputs,
    .attrs = kReduceAttrs,
    .types = kReduceTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade_reduce<18>,
    .downgrade = downgrade_reduce<18>,
    .cases = ANYRT_CASES(R"(
      : f32[3,2,2]{1 2 3 4 5 6 7 8 9 10 11 12}, i64[1]{1} -> f32[3,1,2]{3 8 35 48 99 120}
      keepdims=0 : f32[3,2,2]{1 2 3 4 5 6 7 8 9 10 11 12}, i64[2]{-1 0} -> f32[2]{5400 88704}
      : f32[3,2,2]{1 2 3 4 5 6 7 8 9 10 11 12} -> f32[1,1,1]{4.790016e+08}
      keepdims=0 : f64[]{3} -> f64[]{3}
      : f32[2,0,1]{}, i64[1]{1} -> f32[2,1,1]{1 1}
      noop_with_empty_axes=1 : f32[2]{1 2} -> f32[2]{1 2}
      : i32[3]{-3 4 5} -> i32[1]{-60}
      keepdims=0 : f16[3,4,5]{rand:1}, i64[2]{0 2} -> ?
      : f32[2]{1 2}, i64[1]{1} -> !axis 1
    )"),
};

}  // namespace anyrt
