#include "opdef/cost.h"
#include "opdef/infer.h"
#include "opdef/matmul_shape.h"
#include "opdef/quantize.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr DTypeSet kBytes = DType::kInt8 | DType::kUInt8;
constexpr TypeRule kTypes[] = {{"T1", kBytes}, {"T2", kBytes}, {"T3", DType::kInt32}};
constexpr Param kInputs[] = {{"A", "T1"},
                             {"B", "T2"},
                             {"a_zero_point", "T1", kOptionalParam, "one element, one a row, or [..., M, 1]"},
                             {"b_zero_point", "T2", kOptionalParam, "one element, one a column, or [..., 1, N]"}};
constexpr Param kOutputs[] = {{"Y", "T3"}};

Status infer(InferContext& c) {
  ANYRT_ASSIGN(std::optional<SymShape> shape, matmul_sym_shape(c.input_shape(0), c.input_shape(1)));
  c.set_output(0, DType::kInt32, std::move(shape));
  return {};
}

Status eval(EvalContext& c) {
  ANYRT_ASSIGN(const MatmulShape s, matmul_shape(c.input(0).dims(), c.input(1).dims()));
  ANYRT_ASSIGN(const Tensor a, subtract_zero_point(c.input(0), c.input(2), c.input(0).rank() - 2));
  ANYRT_ASSIGN(const Tensor b, subtract_zero_point(c.input(1), c.input(3), c.input(1).rank() - 1));
  ANYRT_ASSIGN(Tensor * y, c.output(0, DType::kInt32, s.dims));
  matmul_stack(c, s, storage<uint32_t>(a), storage<uint32_t>(b), mutable_storage<uint32_t>(*y));
  return {};
}

}  // namespace

extern const OpDef op_onnx_mat_mul_integer = {
    .name = "MatMulInteger",
    .since = 10,
    .first = 10,
    .doc = "Matrix product of 8-bit integers, less their zero points, into 32-bit sums.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cost = cost_matmul,
    .cases = ANYRT_CASES(R"(
      : u8[2,2]{1 2 3 4}, u8[2,2]{5 6 7 8} -> i32[2,2]{19 22 43 50}
      : u8[2,2]{1 2 3 4}, i8[2,1]{-1 2}, u8[]{1}, i8[]{1} -> i32[2,1]{1 -1}
      : u8[2,1]{1 2}, u8[1,2]{3 4}, u8[2]{1 0}, u8[2]{0 1} -> i32[2,2]{0 0 6 6}
      : i8[2,1,3]{1 2 3 4 5 6}, u8[3]{1 0 2} -> i32[2,1]{7 16}
      : u8[3,4,5]{rand:1}, i8[5,6]{rand:2} -> ?
      : u8[2,2]{1 2 3 4}, u8[3,1]{5 6 7} -> !do not fit
    )"),
};

}  // namespace anyrt
