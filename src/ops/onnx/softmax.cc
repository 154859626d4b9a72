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
constexpr AttrDef kAttrs[] = {int_attr("axis", -1).with_doc("the axis whose entries sum to 1")};

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  const DType compute = compute_dtype(x.dtype());
  ANYRT_ASSIGN(const Tensor wide, c.input_as(0, compute));
  ANYRT_ASSIGN(Tensor y, Tensor::make(compute, x.dims()));
  if (x.rank() == 0) return invalid_argument("input must have rank 1 or more");
  ANYRT_ASSIGN(const int64_t axis, normalize_axis(c.i("axis"), x.rank()));
  const int64_t outer = product(x.dims(), 0, axis), n = x.dims()[static_cast<size_t>(axis)];
  const int64_t inner = product(x.dims(), axis + 1, x.rank());
  dispatch<float, double>(compute, [&]<class T>(TypeTag<T>) {
    for (int64_t o = 0; o < outer; ++o) {
      for (int64_t i = 0; i < inner; ++i) {
        const T* in = wide.data<T>() + o * n * inner + i;
        T* out = y.mutable_data<T>() + o * n * inner + i;
        T top = -std::numeric_limits<T>::infinity();
        for (int64_t k = 0; k < n; ++k) top = std::max(top, in[k * inner]);
        T sum = 0;
        for (int64_t k = 0; k < n; ++k) sum += out[k * inner] = std::exp(in[k * inner] - top);
        for (int64_t k = 0; k < n; ++k) out[k * inner] /= sum;
      }
    }
  });
  return c.set_output_as(0, y, x.dtype());
}

}  // namespace

extern const OpDef op_onnx_softmax = {
    .name = "Softmax",
    .since = 13,
    .doc = "exp(x) / sum(exp(x)) along an axis.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer_same,
    .eval = eval,
    .upgrade = upgrade_matrix_softmax,
    .downgrade = downgrade_matrix_softmax,
    .cases = ANYRT_CASES(R"(
      : f32[1,2]{0 0} -> f32[1,2]{0.5 0.5}
      axis=0 : f64[2,1]{1000 1000} -> f64[2,1]{0.5 0.5}
      : f32[2,3,5]{rand:3} -> ?
      axis=3 : f32[2]{1 2} -> !axis 3
    )"),
};

}  // namespace anyrt
