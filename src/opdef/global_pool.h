#pragma once

#include <string_view>

#include "opdef/eval.h"
#include "opdef/rewrite.h"
#include "opdef/window.h"
#include "tensor/dispatch.h"

namespace anyrt {

// Y[n, c] = f(values of plane [n, c], their count), computed in float or double.
template <class F>
Status eval_global_pool(EvalContext& c, F f) {
  const Tensor& x = c.input(0);
  if (x.rank() < 2) return invalid_argument("X has rank {}, expected 2 or more", x.rank());
  const DType compute = compute_dtype(x.dtype());
  ANYRT_ASSIGN(const Tensor wide, c.input_as(0, compute));
  Dims dims(x.dims().size(), 1);
  dims[0] = x.dim(0);
  dims[1] = x.dim(1);
  ANYRT_ASSIGN(Tensor y, Tensor::make(compute, dims));
  const int64_t size = product(x.dims(), 2, x.rank());
  dispatch<float, double>(compute, [&]<class T>(TypeTag<T>) {
    T* out = y.mutable_data<T>();
    c.parallel_for(dims[0] * dims[1], 16, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) out[i] = f(wide.data<T>() + i * size, size);
    });
  });
  return c.set_output_as(0, y, x.dtype());
}

// The reduction `op` over all axes from 2 on.
inline Status decompose_global_pool(RewriteContext& c, std::string_view op) {
  const auto rank = c.input_rank(0);
  if (!rank) return not_implemented("the rank of X is not known");
  std::vector<int64_t> axes;
  for (int64_t a = 2; a < *rank; ++a) axes.push_back(a);
  // Reductions read an empty list as "all axes".
  c.replace_output(0, axes.empty() ? c.op("Identity", {c.input(0)}) : c.op(op, {c.input(0), c.constant_ints(axes)}));
  return {};
}

}  // namespace anyrt
