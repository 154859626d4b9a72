#pragma once

#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/shape_util.h"
#include "tensor/dispatch.h"

// ArgMax and ArgMin: where along an axis the extreme element stands.

namespace anyrt {

inline Status infer_arg_reduce(InferContext& c) {
  const SymShape* in = c.input_shape(0);
  c.set_output(0, DType::kInt64);
  if (!in) return {};
  ANYRT_ASSIGN(const int64_t axis, normalize_axis(c.i("axis"), static_cast<int64_t>(in->size())));
  SymShape out = *in;
  if (c.i("keepdims") != 0) {
    out[static_cast<size_t>(axis)] = 1;
  } else {
    out.erase(out.begin() + axis);
  }
  c.set_output(0, DType::kInt64, std::move(out));
  return {};
}

// beats(a, b): a takes the place of b.
template <class F>
Status eval_arg_reduce(EvalContext& c, F beats) {
  const Tensor& x = c.input(0);
  ANYRT_ASSIGN(const int64_t axis, normalize_axis(c.i("axis"), x.rank()));
  const int64_t outer = product(x.dims(), 0, axis), n = x.dim(static_cast<int>(axis));
  const int64_t inner = product(x.dims(), axis + 1, x.rank());
  if (n == 0 && outer * inner > 0) return invalid_argument("axis {} of {} has no elements", axis, x.type_string());
  Dims dims = x.dims();
  if (c.i("keepdims") != 0) {
    dims[static_cast<size_t>(axis)] = 1;
  } else {
    dims.erase(dims.begin() + axis);
  }
  const DType compute = compute_dtype(x.dtype());
  ANYRT_ASSIGN(const Tensor wide, c.input_as(0, compute));
  ANYRT_ASSIGN(Tensor * y, c.output(0, DType::kInt64, dims));
  const bool last = c.i("select_last_index") != 0;
  dispatch<float, double, int64_t, uint64_t>(compute, [&]<class T>(TypeTag<T>) {
    for (int64_t o = 0; o < outer; ++o) {
      const T* in = wide.data<T>() + o * n * inner;
      int64_t* out = y->mutable_data<int64_t>() + o * inner;
      std::fill_n(out, inner, 0);
      for (int64_t k = 1; k < n; ++k) {
        for (int64_t i = 0; i < inner; ++i) {
          const T candidate = in[k * inner + i], top = in[out[i] * inner + i];
          if (beats(candidate, top) || (last && candidate == top)) out[i] = k;
        }
      }
    }
  });
  return {};
}

inline constexpr TypeRule kArgReduceTypes[] = {{"T", kNumeric}};
inline constexpr Param kArgReduceInputs[] = {{"data", "T"}};
inline constexpr Param kArgReduceOutputs[] = {{"reduced", "int64"}};
inline constexpr AttrDef kArgReduceAttrs[] = {
    int_attr("axis", 0), int_attr("keepdims", 1).with_doc("1: the axis stays, with length 1"),
    int_attr("select_last_index", 0).with_doc("1: of equal elements the last one wins")};

}  // namespace anyrt
