#pragma once

#include <cmath>
#include <limits>
#include <type_traits>

#include "opdef/eval.h"
#include "opdef/shape_util.h"
#include "tensor/dispatch.h"

// Element-wise evaluation for every element type with few instantiations: inputs are widened to their compute type
// (float for the narrow floats, double, int64_t, uint64_t also for bool), the operator's function runs on that, the
// result is rounded (floats) or wrapped (integers) back.

namespace anyrt {

// A real result as T: integers truncate toward zero; NaN and what int64 cannot hold give the lowest int64, as on x86.
template <class T>
T truncate_to(double v) {
  if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(v);
  } else {
    constexpr double kTop = 9223372036854775808.0;
    if (std::is_same_v<T, uint64_t> && v >= kTop && v < 2 * kTop) return static_cast<T>(v);
    return static_cast<T>(v >= -kTop && v < kTop ? static_cast<int64_t>(v) : std::numeric_limits<int64_t>::min());
  }
}

// y = f(x). Ts lists the compute types that f takes: float, double, int64_t, uint64_t.
template <class... Ts, class F>
Status eval_unary(EvalContext& c, F f) {
  const Tensor& x = c.input(0);
  const DType compute = compute_dtype(x.dtype());
  ANYRT_ASSIGN(const Tensor wide, c.input_as(0, compute));
  ANYRT_ASSIGN(Tensor y, Tensor::make(compute, x.dims()));
  const bool known = dispatch<Ts...>(compute, [&]<class T>(TypeTag<T>) {
    const T* in = wide.data<T>();
    T* out = y.mutable_data<T>();
    c.parallel_for(wide.size(), 4096, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) out[i] = static_cast<T>(f(in[i]));
    });
  });
  if (!known) return not_implemented("element type {}", dtype_name(x.dtype()));
  return c.set_output_as(0, y, x.dtype());
}

// The usual case: a function of real numbers.
template <class F>
Status eval_unary_float(EvalContext& c, F f) {
  return eval_unary<float, double>(c, f);
}

// y = f(x): bool, for predicates (IsNaN …).
template <class... Ts, class F>
Status eval_unary_predicate(EvalContext& c, F f) {
  const Tensor& x = c.input(0);
  const DType compute = compute_dtype(x.dtype());
  ANYRT_ASSIGN(const Tensor wide, c.input_as(0, compute));
  ANYRT_ASSIGN(Tensor * y, c.output(0, DType::kBool, x.dims()));
  const bool known = dispatch<Ts...>(compute, [&]<class T>(TypeTag<T>) {
    const T* in = wide.data<T>();
    bool* out = y->mutable_data<bool>();
    for (int64_t i = 0; i < wide.size(); ++i) out[i] = f(in[i]);
  });
  return known ? Status() : not_implemented("element type {}", dtype_name(x.dtype()));
}

// Broadcast combination of two tensors of one compute type T; R is T or bool.
template <class T, class R, class F>
Expected<Tensor> combine(const Tensor& a, const Tensor& b, F f) {
  ANYRT_ASSIGN(const Dims dims, broadcast_dims(a.dims(), b.dims()));
  ANYRT_ASSIGN(Tensor y, Tensor::make(dtype_of<R>, dims));
  const T* pa = a.data<T>();
  const T* pb = b.data<T>();
  R* py = y.mutable_data<R>();
  for_each_broadcast_run(dims, a.dims(), b.dims(),
                         [&](int64_t o, int64_t ia, int64_t ib, int64_t n, int64_t step_a, int64_t step_b) {
                           for (int64_t i = 0; i < n; ++i) {
                             py[o + i] = static_cast<R>(f(pa[ia + i * step_a], pb[ib + i * step_b]));
                           }
                         });
  return y;
}

// Output 0 = f(input 0, input 1), of input 0's dtype.
template <class... Ts, class F>
Status eval_binary(EvalContext& c, F f) {
  const DType dtype = c.input(0).dtype();
  const DType compute = compute_dtype(dtype);
  ANYRT_ASSIGN(const Tensor a, c.input_as(0, compute));
  ANYRT_ASSIGN(const Tensor b, c.input_as(1, compute));
  Expected<Tensor> y = not_implemented("element type {}", dtype_name(dtype));
  dispatch<Ts...>(compute, [&]<class T>(TypeTag<T>) { y = combine<T, T>(a, b, f); });
  if (!y.ok()) return y.status();
  return c.set_output_as(0, *y, dtype);
}

// Output 0 = f(input 0, input 1): bool.
template <class... Ts, class F>
Status eval_compare(EvalContext& c, F f) {
  const DType dtype = c.input(0).dtype();
  const DType compute = compute_dtype(dtype);
  ANYRT_ASSIGN(const Tensor a, c.input_as(0, compute));
  ANYRT_ASSIGN(const Tensor b, c.input_as(1, compute));
  Expected<Tensor> y = not_implemented("element type {}", dtype_name(dtype));
  dispatch<Ts...>(compute, [&]<class T>(TypeTag<T>) { y = combine<T, bool>(a, b, f); });
  if (!y.ok()) return y.status();
  c.set_output(0, std::move(*y));
  return {};
}

// Folds any number of inputs with f (Sum, Max, Min).
template <class... Ts, class F>
Status eval_variadic(EvalContext& c, F f) {
  const DType dtype = c.input(0).dtype();
  const DType compute = compute_dtype(dtype);
  ANYRT_ASSIGN(Tensor acc, c.input_as(0, compute));
  for (size_t i = 1; i < c.num_inputs(); ++i) {
    ANYRT_ASSIGN(const Tensor next, c.input_as(i, compute));
    Expected<Tensor> y = not_implemented("element type {}", dtype_name(dtype));
    dispatch<Ts...>(compute, [&]<class T>(TypeTag<T>) { y = combine<T, T>(acc, next, f); });
    if (!y.ok()) return y.status();
    acc = std::move(*y);
  }
  return c.set_output_as(0, acc, dtype);
}

}  // namespace anyrt
