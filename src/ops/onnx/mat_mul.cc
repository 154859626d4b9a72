#include "opdef/cost.h"
#include "opdef/infer.h"
#include "opdef/matmul_shape.h"
#include "opdef/upgrade_util.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kNumeric}};
constexpr Param kInputs[] = {{"A", "T"}, {"B", "T"}};
constexpr Param kOutputs[] = {{"Y", "T"}};

Status infer(InferContext& c) {
  ANYRT_ASSIGN(std::optional<SymShape> shape, matmul_sym_shape(c.input_shape(0), c.input_shape(1)));
  c.set_output(0, c.input_dtype(0), std::move(shape));
  return {};
}

Status eval(EvalContext& c) {
  const DType dtype = c.input(0).dtype(), compute = compute_dtype(dtype);
  ANYRT_ASSIGN(const MatmulShape shape, matmul_shape(c.input(0).dims(), c.input(1).dims()));
  ANYRT_ASSIGN(const Tensor a, c.input_as(0, compute));
  ANYRT_ASSIGN(const Tensor b, c.input_as(1, compute));
  ANYRT_ASSIGN(Tensor y, Tensor::make(compute, shape.dims));
  dispatch<float, double, int64_t, uint64_t>(
      compute, [&]<class T>(TypeTag<T>) { matmul_stack(c, shape, a.data<T>(), b.data<T>(), y.mutable_data<T>()); });
  return c.set_output_as(0, y, dtype);
}

}  // namespace

extern const OpDef op_onnx_mat_mul = {
    .name = "MatMul",
    .since = 13,
    .doc = "Matrix product as NumPy's matmul: vectors on either side, leading axes broadcast; integers wrap.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_unchanged,
    .cost = cost_matmul,
    .cases = ANYRT_CASES(R"(
      : f32[2,3]{1 2 3 4 5 6}, f32[3,2]{1 0 0 1 1 1} -> f32[2,2]{4 5 10 11}
      : f64[3]{1 2 3}, f64[3]{4 5 6} -> f64[]{32}
      : i32[2,1,2]{1 2 3 4}, i32[2]{10 1} -> i32[2,1]{12 34}
      : f16[2]{1 2}, f16[3,2,1]{1 2 3 4 5 6} -> f16[3,1]{5 11 17}
      : u64[1,1]{9223372036854775808}, u64[1,1]{3} -> u64[1,1]{9223372036854775808}
      : bf16[2,0]{}, bf16[0,3]{} -> bf16[2,3]{0 0 0 0 0 0}
      : f32[2,1,5,7]{rand:1}, f32[3,7,4]{rand:2} -> ?
      : f32[2,3]{rand:1}, f32[2,3]{rand:1} -> !do not fit
      : f32[]{1}, f32[1]{1} -> !scalars
    )"),
};

}  // namespace anyrt
