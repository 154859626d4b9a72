#include <cmath>

#include "opdef/reduce.h"
#include "opdef/upgrade_util.h"

namespace anyrt {
namespace {

// The largest element is taken out first, so that the exponentials do not overflow.
Status eval(EvalContext& c) {
  const DType dtype = c.input(0).dtype(), compute = real_compute_dtype(dtype);
  ANYRT_ASSIGN(const Reduction r, plan_reduction(c));
  ANYRT_ASSIGN(const Tensor x, c.input_as(0, compute));
  ANYRT_ASSIGN(Tensor y, Tensor::make(compute, r.output));
  dispatch<float, double>(compute, [&]<class T>(TypeTag<T>) {
    const auto n = static_cast<size_t>(r.outputs);
    std::vector<double> top(n, -std::numeric_limits<double>::infinity()), sum(n, 0);
    fold(r, x.data<T>(), top.data(), [](double& t, T v, int64_t) { t = std::max(t, static_cast<double>(v)); });
    for (double& t : top) t = std::isfinite(t) ? t : 0;
    fold(r, x.data<T>(), sum.data(),
         [&](double& s, T v, int64_t o) { s += std::exp(static_cast<double>(v) - top[static_cast<size_t>(o)]); });
    for (size_t o = 0; o < n; ++o) y.mutable_data<T>()[o] = static_cast<T>(std::log(sum[o]) + top[o]);
  });
  return c.set_output_as(0, y, dtype);
}

Status decompose(RewriteContext& c) {
  if (!is_float(c.input_type(0).dtype)) return not_implemented("only floating-point data is decomposed");
  const auto finite = [&](ValueId v) { return c.op("Where", {c.op("IsInf", {v}), constant_like(c, 0), v}); };
  std::vector<ValueId> inputs = {c.input(0)};
  if (c.has_input(1)) inputs.push_back(c.input(1));
  const Attr noop = {"noop_with_empty_axes", c.i("noop_with_empty_axes")};
  const ValueId top = finite(c.ops("", "ReduceMax", std::move(inputs), {noop}, 1)[0]);
  const ValueId sum = reduce_like(c, "ReduceSum", c.op("Exp", {c.op("Sub", {c.input(0), top})}));
  c.replace_output(0, c.op("Add", {c.op("Log", {sum}), finite(reduce_like(c, "ReduceMax", c.input(0)))}));
  return {};
}

}  // namespace

extern const OpDef op_onnx_reduce_log_sum_exp = {
    .name = "ReduceLogSumExp",
    .since = 18,
    .doc = "Natural logarithm of the sum of exponentials over axes, without overflow.",
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
      keepdims=0 : f64[3,2]{5 1 20 2 30 1}, i64[1]{1} -> f64[3]{5.01814992791781 20.0000000152300 30.0000000000003}
      : f32[2]{1000 1000} -> f32[1]{1000.6931}
      : f32[3,1]{-inf inf nan}, i64[1]{-1} -> f32[3,1]{-inf inf nan}
      : f32[2,0]{}, i64[1]{1} -> f32[2,1]{-inf -inf}
      noop_with_empty_axes=1 : f32[2]{1 2} -> f32[2]{1 2}
      : i32[2]{3 4} -> i32[1]{4}
      : f16[3,4,5]{rand:1}, i64[2]{0 2} -> ?
    )"),
};

}  // namespace anyrt
