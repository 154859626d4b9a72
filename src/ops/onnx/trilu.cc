#include <algorithm>

#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/shape_util.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kPlainDTypes}};
constexpr Param kInputs[] = {{"input", "T", kRequiredParam, "[..., rows, columns]"},
                             {"k", "int64", kOptionalParam, "the diagonal that bounds the kept part; default 0"}};
constexpr Param kOutputs[] = {{"output", "T"}};
constexpr AttrDef kAttrs[] = {int_attr("upper", 1).with_doc("keep what lies on and above the diagonal, else below")};

Status infer(InferContext& c) {
  if (const auto rank = c.input_rank(0); rank && *rank < 2)
    return invalid_model("the input has rank {}, expected 2 or more", *rank);
  return infer_same(c);
}

Status eval(EvalContext& c) {
  const Tensor& x = c.input(0);
  if (x.rank() < 2) return invalid_argument("the input has rank {}, expected 2 or more", x.rank());
  int64_t k = 0;
  if (c.has_input(1)) {
    ANYRT_ASSIGN(k, c.input_int(1));
  }
  const bool upper = c.i("upper") != 0;
  const int64_t rows = x.dim(x.rank() - 2), columns = x.dim(x.rank() - 1), count = product(x.dims(), 0, x.rank() - 2);
  k = std::clamp(k, -rows - 1, columns + 1);
  ANYRT_ASSIGN(Tensor * y, c.output(0, x.dtype(), x.dims()));
  dispatch_storage(x.dtype(), [&]<class T>(TypeTag<T>) {
    const T* in = storage<T>(x);
    T* out = mutable_storage<T>(*y);
    for (int64_t m = 0; m < count; ++m) {
      for (int64_t r = 0; r < rows; ++r, in += columns, out += columns) {
        const int64_t edge = std::clamp<int64_t>(upper ? r + k : r + k + 1, 0, columns);
        const int64_t from = upper ? edge : 0, to = upper ? columns : edge;
        std::fill(out, out + from, T{});
        std::copy_n(in + from, to - from, out + from);
        std::fill(out + to, out + columns, T{});
      }
    }
  });
  return {};
}

}  // namespace

extern const OpDef op_onnx_trilu = {
    .name = "Trilu",
    .since = 14,
    .first = 14,
    .doc = "Keeps the upper or lower triangle of matrices and sets the rest to zero.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      : i64[2,3]{1 2 3 4 5 6} -> i64[2,3]{1 2 3 0 5 6}
      upper=0 : i64[3,2]{1 2 3 4 5 6}, i64[]{-1} -> i64[3,2]{0 0 3 0 5 6}
      : f32[1,2,2]{nan 2 3 4}, i64[1]{1} -> f32[1,2,2]{0 2 0 0}
      upper=0 : bool[2,2]{true true true true}, i64[]{9223372036854775807} -> bool[2,2]{true true true true}
      : f16[0,2,2]{} -> f16[0,2,2]{}
      : f32[3]{1 2 3} -> !rank 1
    )"),
};

}  // namespace anyrt
