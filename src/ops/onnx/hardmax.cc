#include "opdef/eval.h"
#include "opdef/shape_util.h"
#include "opdef/upgrade_util.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kInputs[] = {{"input", "T"}};
constexpr Param kOutputs[] = {{"output", "T"}};
constexpr AttrDef kAttrs[] = {int_attr("axis", -1)};

Status infer(InferContext& c) {
  if (const auto rank = c.input_rank(0)) ANYRT_TRY(normalize_axis(c.i("axis"), *rank).status());
  return infer_same(c);
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  ANYRT_ASSIGN(const int64_t axis, normalize_axis(c.i("axis"), x.rank()));
  const DType compute = compute_dtype(x.dtype());
  ANYRT_ASSIGN(const Tensor wide, c.input_as(0, compute));
  ANYRT_ASSIGN(Tensor y, Tensor::zeros(compute, x.dims()));
  const int64_t outer = product(x.dims(), 0, axis), n = x.dims()[static_cast<size_t>(axis)];
  const int64_t inner = product(x.dims(), axis + 1, x.rank());
  if (n == 0) return c.set_output_as(0, y, x.dtype());
  dispatch<float, double>(compute, [&]<class T>(TypeTag<T>) {
    for (int64_t o = 0; o < outer; ++o) {
      for (int64_t i = 0; i < inner; ++i) {
        const T* in = wide.data<T>() + o * n * inner + i;
        int64_t top = 0;
        for (int64_t k = 1; k < n; ++k) top = in[k * inner] > in[top * inner] ? k : top;
        y.mutable_data<T>()[o * n * inner + i + top * inner] = 1;
      }
    }
  });
  return c.set_output_as(0, y, x.dtype());
}

}  // namespace

extern const OpDef op_onnx_hardmax = {
    .name = "Hardmax",
    .since = 13,
    .doc = "1 at the first maximum along an axis, 0 elsewhere.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade_matrix_softmax,
    .downgrade = downgrade_matrix_softmax,
    .cases = ANYRT_CASES(R"(
      : f32[4,4]{3 0 1 2 2 5 1 0 0 1 3 2 0 1 2 3} -> f32[4,4]{1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1}
      : f64[1,4]{3 3 3 1} -> f64[1,4]{1 0 0 0}
      axis=0 : f16[2,2]{1 2 3 2} -> f16[2,2]{0 1 1 0}
      axis=0 : f32[0,3]{} -> f32[0,3]{}
      : bf16[3]{-inf -inf -inf} -> bf16[3]{1 0 0}
      axis=1 : f32[2]{1 2} -> !axis 1
    )"),
};

}  // namespace anyrt
