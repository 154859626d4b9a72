#pragma once

#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/shape_util.h"
#include "tensor/dispatch.h"

// CumSum and CumProd: running results along an axis.

namespace anyrt {

inline Status infer_cumulative(InferContext& c) {
  const auto axis = c.input_ints(1);
  const auto rank = c.input_rank(0);
  if (axis && axis->size() != 1) return invalid_model("axis must hold one integer, found {}", axis->size());
  if (axis && rank) ANYRT_TRY(normalize_axis((*axis)[0], *rank).status());
  return infer_same(c);
}

// Results start at `start` and take in the elements by acc = f(acc, x).
template <class F>
Status eval_cumulative(EvalContext& c, int start, F f) {
  const Tensor& x = c.input(0);
  ANYRT_ASSIGN(const int64_t raw_axis, c.input_int(1));
  ANYRT_ASSIGN(const int64_t axis, normalize_axis(raw_axis, x.rank()));
  const DType compute = compute_dtype(x.dtype());
  ANYRT_ASSIGN(const Tensor wide, c.input_as(0, compute));
  ANYRT_ASSIGN(Tensor y, Tensor::make(compute, x.dims()));
  const int64_t outer = product(x.dims(), 0, axis), n = x.dim(static_cast<int>(axis));
  const int64_t inner = product(x.dims(), axis + 1, x.rank());
  const bool exclusive = c.i("exclusive") != 0, reverse = c.i("reverse") != 0;
  dispatch<float, double, int64_t, uint64_t>(compute, [&]<class T>(TypeTag<T>) {
    const int64_t step = reverse ? -inner : inner;
    for (int64_t o = 0; o < outer; ++o) {
      const int64_t first = o * n * inner + (reverse ? (n - 1) * inner : 0);
      for (int64_t i = 0; i < inner; ++i) {
        const T* in = wide.data<T>() + first + i;
        T* out = y.mutable_data<T>() + first + i;
        T acc = static_cast<T>(start);
        for (int64_t k = 0; k < n; ++k) {
          const T next = f(acc, in[k * step]);
          out[k * step] = exclusive ? acc : next;
          acc = next;
        }
      }
    }
  });
  return c.set_output_as(0, y, x.dtype());
}

inline constexpr TypeRule kCumulativeTypes[] = {{"T", kNumeric}, {"T2", kIndexTypes}};
inline constexpr Param kCumulativeInputs[] = {{"x", "T"}, {"axis", "T2", kRequiredParam, "one integer"}};
inline constexpr Param kCumulativeOutputs[] = {{"y", "T"}};
inline constexpr AttrDef kCumulativeAttrs[] = {
    int_attr("exclusive", 0).with_doc("1: an element's result leaves the element itself out"),
    int_attr("reverse", 0).with_doc("1: from the end to the start")};

}  // namespace anyrt
