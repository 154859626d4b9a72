#pragma once

#include <array>
#include <cmath>

#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/shape_util.h"
#include "tensor/dispatch.h"

// The training operators: inputs are the learning rate R, the update count T, then n tensors, their n gradients and n
// tensors of each kind of state; outputs are the n new tensors, then the new states.

namespace anyrt {

// Number of tensors that are optimised together.
inline Expected<size_t> optimized_count(size_t inputs, size_t outputs, size_t states) {
  const size_t per = states + 2, n = inputs >= 2 ? (inputs - 2) / per : 0;
  if (n == 0 || (inputs - 2) % per != 0) {
    return invalid_model("after R and T, inputs must come in groups of {}, found {}", per, inputs);
  }
  if (outputs > n * (states + 1)) return invalid_model("{} outputs at most, found {}", n * (states + 1), outputs);
  return n;
}

template <size_t kStates>
Status infer_optimizer(InferContext& c) {
  ANYRT_ASSIGN(const size_t n, optimized_count(c.num_inputs(), c.num_outputs(), kStates));
  for (size_t i = 0; i < c.num_outputs(); ++i) c.set_output(i, c.input_type(2 + (i < n ? i : i + n)));
  return {};
}

// step(x, gradient, states, rate, count) gives the new x and changes the states of one element.
template <size_t kStates, class Step>
Status eval_optimizer(EvalContext& c, Step step) {
  ANYRT_ASSIGN(const size_t n, optimized_count(c.num_inputs(), c.num_outputs(), kStates));
  ANYRT_ASSIGN(const double rate, c.input_double(0));
  ANYRT_ASSIGN(const int64_t count, c.input_int(1));
  for (size_t i = 0; i < n; ++i) {
    const Tensor &x = c.input(2 + i), &g = c.input(2 + n + i);
    ANYRT_ASSIGN(Tensor y, Tensor::make(x.dtype(), x.dims()));
    std::array<Tensor, kStates> states;
    for (size_t k = 0; k <= kStates; ++k) {
      const Tensor& other = c.input(2 + (k + 1) * n + i);
      if (other.dtype() != x.dtype() || other.dims() != x.dims()) {
        return invalid_argument("gradient and state must be {} as the tensor, found {}", x.type_string(),
                                other.type_string());
      }
      if (k == 0) continue;
      ANYRT_ASSIGN(states[k - 1], other.clone());
    }
    dispatch<float, double>(x.dtype(), [&]<class T>(TypeTag<T>) {
      for (int64_t e = 0; e < x.size(); ++e) {
        std::array<T, kStates> s;
        for (size_t k = 0; k < kStates; ++k) s[k] = states[k].template data<T>()[e];
        y.mutable_data<T>()[e] = step(x.data<T>()[e], g.data<T>()[e], s, static_cast<T>(rate), count);
        for (size_t k = 0; k < kStates; ++k) states[k].template mutable_data<T>()[e] = s[k];
      }
    });
    if (i < c.num_outputs()) c.set_output(i, std::move(y));
    for (size_t k = 0; k < kStates; ++k) {
      if ((k + 1) * n + i < c.num_outputs()) c.set_output((k + 1) * n + i, std::move(states[k]));
    }
  }
  return {};
}

inline constexpr DTypeSet kTrained = DTypeSet(DType::kFloat32) | DType::kFloat64;
inline constexpr TypeRule kOptimizerTypes[] = {{"T1", kTrained}, {"T2", DType::kInt64}, {"T3", kTrained}};
inline constexpr Param kOptimizerInputs[] = {
    {"R", "T1", kRequiredParam, "learning rate"},
    {"T", "T2", kRequiredParam, "number of updates so far"},
    {"inputs", "T3", kVariadicAnyParam, "tensors, their gradients, their states"}};
inline constexpr Param kOptimizerOutputs[] = {{"outputs", "T3", kVariadicAnyParam, "new tensors, new states"}};

}  // namespace anyrt
