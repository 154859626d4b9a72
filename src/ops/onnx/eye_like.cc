#include <algorithm>

#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/upgrade_util.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr DTypeSet kElements = kNumeric | DType::kBool;
constexpr TypeRule kTypes[] = {{"T1", kElements}, {"T2", kElements}};
constexpr Param kInputs[] = {{"input", "T1", kRequiredParam, "a matrix that gives the shape"}};
constexpr Param kOutputs[] = {{"output", "T2"}};
constexpr AttrDef kAttrs[] = {
    attr("dtype", AttrKind::kInt).with_doc("element type of the output; default that of the input"),
    int_attr("k", 0).with_doc("which diagonal holds the ones; positive ones lie above the main one"),
};

Expected<DType> output_dtype(const AttrReader& a, DType input) {
  if (!a.has_attr("dtype")) return input;
  const DType dtype = a.dtype("dtype");
  if (!kElements.has(dtype)) return invalid_model("dtype {} is not a numeric type or bool", a.i("dtype"));
  return dtype;
}

Status infer(InferContext& c) {
  std::optional<SymShape> shape;
  if (const SymShape* x = c.input_shape(0)) {
    if (x->size() != 2) return invalid_model("the input has rank {}, expected 2", x->size());
    shape = *x;
  }
  ANYRT_ASSIGN(const DType dtype, output_dtype(c, c.input_dtype(0)));
  c.set_output(0, dtype, std::move(shape));
  return {};
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  if (x.rank() != 2) return invalid_argument("the input has rank {}, expected 2", x.rank());
  ANYRT_ASSIGN(const DType dtype, output_dtype(c, x.dtype()));
  ANYRT_ASSIGN(const Tensor one, cast_tensor(Tensor::scalar(int64_t{1}), dtype));
  ANYRT_ASSIGN(Tensor y, Tensor::zeros(dtype, x.dims()));
  const int64_t rows = x.dim(0), columns = x.dim(1), k = c.i("k");
  if (k > -rows && k < columns) {
    const int64_t first = std::max<int64_t>(0, -k), last = std::min(rows, columns - k);
    dispatch_storage(dtype, [&]<class T>(TypeTag<T>) {
      for (int64_t r = first; r < last; ++r) mutable_storage<T>(y)[r * columns + r + k] = *storage<T>(one);
    });
  }
  c.set_output(0, std::move(y));
  return {};
}

}  // namespace

extern const OpDef op_onnx_eye_like = {
    .name = "EyeLike",
    .since = 22,
    .first = 9,
    .doc = "A matrix of zeros with ones on one diagonal.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : i32[2,3]{0 0 0 0 0 0} -> i32[2,3]{1 0 0 0 1 0}
      k=1 dtype=1 : u8[2,2]{0 0 0 0} -> f32[2,2]{0 1 0 0}
      k=-1 dtype=9 : bf16[3,2]{0 0 0 0 0 0} -> bool[3,2]{false false true false false true}
      k=-9223372036854775808 : f16[1,2]{1 2} -> f16[1,2]{0 0}
      : f32[3]{1 2 3} -> !rank 1
      dtype=8 : f32[1,1]{1} -> !not a numeric type
    )"),
};

}  // namespace anyrt
