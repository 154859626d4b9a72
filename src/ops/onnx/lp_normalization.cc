#include <cmath>

#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/shape_util.h"
#include "opdef/upgrade_util.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}};
constexpr Param kInputs[] = {{"input", "T"}};
constexpr Param kOutputs[] = {{"output", "T"}};
constexpr AttrDef kAttrs[] = {int_attr("axis", -1),
                              int_attr("p", 2).with_doc("1: sum of absolute values, 2: Euclidean")};

Status infer(InferContext& c) {
  if (c.i("p") != 1 && c.i("p") != 2) return invalid_model("p must be 1 or 2, found {}", c.i("p"));
  if (const auto rank = c.input_rank(0)) ANYRT_TRY(normalize_axis(c.i("axis"), *rank).status());
  return infer_same(c);
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  const int64_t p = c.i("p");
  if (p != 1 && p != 2) return invalid_argument("p must be 1 or 2, found {}", p);
  ANYRT_ASSIGN(const int64_t axis, normalize_axis(c.i("axis"), x.rank()));
  const DType compute = compute_dtype(x.dtype());
  ANYRT_ASSIGN(const Tensor wide, c.input_as(0, compute));
  ANYRT_ASSIGN(Tensor y, Tensor::make(compute, x.dims()));
  const int64_t outer = product(x.dims(), 0, axis), n = x.dim(static_cast<int>(axis));
  const int64_t inner = product(x.dims(), axis + 1, x.rank());
  dispatch<float, double>(compute, [&]<class T>(TypeTag<T>) {
    for (int64_t o = 0; o < outer; ++o) {
      for (int64_t i = 0; i < inner; ++i) {
        const T* in = wide.data<T>() + o * n * inner + i;
        T* out = y.mutable_data<T>() + o * n * inner + i;
        double norm = 0;
        for (int64_t k = 0; k < n; ++k) {
          const double v = in[k * inner];
          norm += p == 1 ? std::abs(v) : v * v;
        }
        if (p == 2) norm = std::sqrt(norm);
        for (int64_t k = 0; k < n; ++k) out[k * inner] = norm == 0 ? T(0) : static_cast<T>(in[k * inner] / norm);
      }
    }
  });
  return c.set_output_as(0, y, x.dtype());
}

Status decompose(RewriteContext& c) {
  const ValueId norm = c.op(c.i("p") == 1 ? "ReduceL1" : "ReduceL2", {c.input(0), c.constant_ints({c.i("axis")})});
  const ValueId zero = c.op("Equal", {norm, constant_like(c, 0)});
  const ValueId divisor = c.op("Where", {zero, constant_like(c, 1), norm});
  c.replace_output(0, c.op("Div", {c.input(0), divisor}));
  return {};
}

}  // namespace

extern const OpDef op_onnx_lp_normalization = {
    .name = "LpNormalization",
    .since = 22,
    .doc = "Divides by the L1 or L2 norm along an axis; 0 where the norm is 0.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .decompose = decompose,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : f32[2,2]{3 4 0 0} -> f32[2,2]{0.6 0.8 0 0}
      p=1 axis=0 : f64[2,2]{1 2 -3 6} -> f64[2,2]{0.25 0.25 -0.75 0.75}
      axis=-2 : f16[2,0]{} -> f16[2,0]{}
      : bf16[1,2]{inf 1} -> bf16[1,2]{nan 0}
      axis=1 p=1 : f32[2,3,4]{rand:1} -> ?
      p=3 : f32[2]{1 2} -> !p must be
    )"),
};

}  // namespace anyrt
