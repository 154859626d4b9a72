#include "opdef/svm.h"

#include <cmath>

namespace anyrt {

float SvmKernel::operator()(std::span<const float> a, const float* b) const {
  float sum = 0;
  if (kind == Kind::kRbf) {
    for (size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
    return std::exp(-gamma * sum);
  }
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  switch (kind) {
    case Kind::kPoly: return std::pow(gamma * sum + coef0, degree);
    case Kind::kSigmoid: return std::tanh(gamma * sum + coef0);
    default: return sum;
  }
}

Expected<SvmKernel> svm_kernel(const AttrReader& c) {
  SvmKernel k;
  const std::string& type = c.s("kernel_type");
  if (type == "LINEAR") {
    k.kind = SvmKernel::Kind::kLinear;
  } else if (type == "POLY") {
    k.kind = SvmKernel::Kind::kPoly;
  } else if (type == "RBF") {
    k.kind = SvmKernel::Kind::kRbf;
  } else if (type == "SIGMOID") {
    k.kind = SvmKernel::Kind::kSigmoid;
  } else {
    return invalid_model("kernel_type must be LINEAR, POLY, RBF or SIGMOID, found '{}'", type);
  }
  const std::vector<float>& params = c.floats("kernel_params");
  if (!params.empty() && params.size() < 3) return invalid_model("kernel_params has {} of 3 entries", params.size());
  if (!params.empty()) {
    k.gamma = params[0];
    k.coef0 = params[1];
    k.degree = params[2];
  }
  return k;
}

}  // namespace anyrt
