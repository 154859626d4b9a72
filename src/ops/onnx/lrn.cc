#include <cmath>

#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/shape_util.h"
#include "opdef/upgrade_util.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kInputs[] = {{"X", "T", kRequiredParam, "[N, C, D1, …]"}};
constexpr Param kOutputs[] = {{"Y", "T"}};
constexpr AttrDef kAttrs[] = {float_attr("alpha", 1e-4f), float_attr("beta", 0.75f).with_doc("exponent"),
                              float_attr("bias", 1.0f),
                              required_attr("size", AttrKind::kInt).with_doc("number of channels to sum over")};

Status infer(InferContext& c) {
  if (c.i("size") < 1) return invalid_model("size must be 1 or more, found {}", c.i("size"));
  const SymShape* x = c.input_shape(0);
  if (x && x->size() < 2) return invalid_model("X must have rank 2 or more, found shape {}", shape_string(*x));
  return infer_same(c);
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  const int64_t size = c.i("size");
  if (x.rank() < 2 || size < 1) return invalid_argument("needs rank 2 or more and a size of 1 or more");
  const DType compute = compute_dtype(x.dtype());
  const double alpha = c.f("alpha") / static_cast<double>(size), beta = c.f("beta"), bias = c.f("bias");
  const int64_t channels = x.dim(1), inner = product(x.dims(), 2, x.rank());
  const int64_t before = std::min((size - 1) / 2, channels), after = std::min(size - 1 - (size - 1) / 2, channels);
  ANYRT_ASSIGN(const Tensor wide, c.input_as(0, compute));
  ANYRT_ASSIGN(Tensor y, Tensor::make(compute, x.dims()));
  dispatch<float, double>(compute, [&]<class T>(TypeTag<T>) {
    c.parallel_for(x.dim(0) * channels, 1 + 1024 / std::max<int64_t>(1, inner), [&](int64_t begin, int64_t end) {
      std::vector<double> squares(static_cast<size_t>(inner));
      for (int64_t k = begin; k < end; ++k) {
        const int64_t channel = k % channels, low = std::max<int64_t>(0, channel - before);
        const int64_t high = std::min(channels - 1, channel + after);
        std::fill(squares.begin(), squares.end(), 0.0);
        for (int64_t j = low; j <= high; ++j) {
          const T* in = wide.data<T>() + (k - channel + j) * inner;
          for (int64_t i = 0; i < inner; ++i) {
            squares[static_cast<size_t>(i)] += static_cast<double>(in[i]) * static_cast<double>(in[i]);
          }
        }
        const T* in = wide.data<T>() + k * inner;
        T* out = y.mutable_data<T>() + k * inner;
        for (int64_t i = 0; i < inner; ++i) {
          out[i] = static_cast<T>(in[i] / std::pow(bias + alpha * squares[static_cast<size_t>(i)], beta));
        }
      }
    });
  });
  return c.set_output_as(0, y, x.dtype());
}

}  // namespace

extern const OpDef op_onnx_lrn = {
    .name = "LRN",
    .since = 13,
    .doc = "Divides every element by a power of the sum of squares over neighbouring channels.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      size=3 alpha=3.0 beta=1.0 : f32[1,3,1]{1 2 3} -> f32[1,3,1]{0.16666667 0.13333333 0.21428571}
      size=2 alpha=2.0 beta=0.5 bias=0.0 : f64[1,2,1]{3 4} -> f64[1,2,1]{0.6 1}
      size=1000000000000 : f16[1,2,0]{} -> f16[1,2,0]{}
      size=3 : bf16[2,5,3,2]{rand:1} -> ?
      size=0 : f32[1,1]{1} -> !size must be
    )"),
};

}  // namespace anyrt
