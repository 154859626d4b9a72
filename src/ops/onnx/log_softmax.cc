#include <cmath>
#include <limits>

#include "opdef/eval.h"
#include "opdef/shape_util.h"
#include "opdef/upgrade_util.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kInputs[] = {{"input", "T"}};
constexpr Param kOutputs[] = {{"output", "T"}};
constexpr AttrDef kAttrs[] = {int_attr("axis", -1).with_doc("the axis over which exp(output) sums to 1")};

Status infer(InferContext& c) {
  if (const auto rank = c.input_rank(0)) ANYRT_TRY(normalize_axis(c.i("axis"), *rank).status());
  return infer_same(c);
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  const DType compute = compute_dtype(x.dtype());
  ANYRT_ASSIGN(const int64_t axis, normalize_axis(c.i("axis"), x.rank()));
  ANYRT_ASSIGN(const Tensor wide, c.input_as(0, compute));
  ANYRT_ASSIGN(Tensor y, Tensor::make(compute, x.dims()));
  const int64_t outer = product(x.dims(), 0, axis), n = x.dims()[static_cast<size_t>(axis)];
  const int64_t inner = product(x.dims(), axis + 1, x.rank());
  dispatch<float, double>(compute, [&]<class T>(TypeTag<T>) {
    c.parallel_for(outer, 1 + 4096 / std::max<int64_t>(1, n * inner), [&](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; ++o) {
        for (int64_t i = 0; i < inner; ++i) {
          const T* in = wide.data<T>() + o * n * inner + i;
          T* out = y.mutable_data<T>() + o * n * inner + i;
          T top = -std::numeric_limits<T>::infinity();
          for (int64_t k = 0; k < n; ++k) top = std::max(top, in[k * inner]);
          T sum = 0;
          for (int64_t k = 0; k < n; ++k) sum += std::exp(in[k * inner] - top);
          const T log_sum = std::log(sum);
          for (int64_t k = 0; k < n; ++k) out[k * inner] = in[k * inner] - top - log_sum;
        }
      }
    });
  });
  return c.set_output_as(0, y, x.dtype());
}

Status decompose(RewriteContext& c) {
  const ValueId axes = c.constant_ints({c.i("axis")});
  const ValueId shifted = c.op("Sub", {c.input(0), c.op("ReduceMax", {c.input(0), axes})});
  const ValueId sum = c.op("ReduceSum", {c.op("Exp", {shifted}), axes});
  c.replace_output(0, c.op("Sub", {shifted, c.op("Log", {sum})}));
  return {};
}

}  // namespace

extern const OpDef op_onnx_log_softmax = {
    .name = "LogSoftmax",
    .since = 13,
    .doc = "Logarithm of Softmax along an axis, without underflow.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .decompose = decompose,
    .upgrade = upgrade_matrix_softmax,
    .downgrade = downgrade_matrix_softmax,
    .cases = ANYRT_CASES(R"(
      : f32[1,3]{-1 0 1} -> f32[1,3]{-2.407606 -1.407606 -0.407606}
      : f32[2,4]{0 1 2 3 10000 10001 10002 10003} -> f32[2,4]{-3.4401898 -2.4401898 -1.4401898 -0.4401897 -3.4401898 -2.4401898 -1.4401898 -0.4401897} ~ 1e-4 1e-5
      axis=0 : f64[2,1]{0 0} -> f64[2,1]{-0.6931471805599453 -0.6931471805599453}
      axis=-2 : f16[2,0]{} -> f16[2,0]{}
      : f32[2,3,5]{rand:3} -> ?
      axis=3 : f32[2]{1 2} -> !axis 3
    )"),
};

}  // namespace anyrt
