#pragma once

#include <span>

#include "opdef/attrs.h"

namespace anyrt {

// The kernel function of a support vector machine, from attributes kernel_type and kernel_params.
struct SvmKernel {
  enum class Kind { kLinear, kPoly, kRbf, kSigmoid } kind = Kind::kLinear;
  float gamma = 0, coef0 = 0, degree = 0;

  float operator()(std::span<const float> a, const float* b) const;
};
Expected<SvmKernel> svm_kernel(const AttrReader& c);

}  // namespace anyrt
