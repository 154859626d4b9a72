#pragma once

#include <cmath>

#include "opdef/elementwise.h"
#include "opdef/rewrite.h"

// What the normalisations share. Statistics are summed in double, whatever the elements are.

namespace anyrt {

struct Moments {
  double mean = 0;
  double variance = 0;  // of the population
};

template <class T>
Moments moments(const T* x, int64_t n) {
  double sum = 0, squares = 0;
  for (int64_t i = 0; i < n; ++i) sum += static_cast<double>(x[i]);
  const double mean = sum / static_cast<double>(n);
  for (int64_t i = 0; i < n; ++i) squares += (static_cast<double>(x[i]) - mean) * (static_cast<double>(x[i]) - mean);
  return {mean, squares / static_cast<double>(n)};
}

// y = (y * scale) + bias with parameters that broadcast to y's shape; an undefined bias is left out. All of one compute
// type.
Status scale_and_shift(Tensor& y, const Tensor& scale, const Tensor& bias);

// Input i as a vector of `channels` elements of type `compute`.
Expected<Tensor> channel_parameter(const EvalContext& c, size_t i, int64_t channels, DType compute);
Status infer_channel_parameter(const InferContext& c, size_t i, const Dim& channels);

// A vector of channels as [C, 1, 1 …], to broadcast over input 0 of rank `rank`.
ValueId unsqueeze_channels(RewriteContext& c, ValueId vector, int64_t rank);

// Constant int64 axes [from, to).
ValueId axes_constant(RewriteContext& c, int64_t from, int64_t to);

// (x - mean) / sqrt(variance + epsilon) over `axes`, in nodes.
ValueId standardize(RewriteContext& c, ValueId x, ValueId axes, float epsilon);

}  // namespace anyrt
