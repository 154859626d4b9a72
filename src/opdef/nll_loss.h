#pragma once

#include <optional>
#include <string>

#include "opdef/eval.h"
#include "opdef/infer.h"

// The negative log-likelihood that NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss share.

namespace anyrt {

Status check_reduction(const std::string& reduction);

// Shape of the loss: that of the target, or a scalar when it is reduced.
Status infer_loss(InferContext& c, size_t output);

// Loss of `log_prob` ([N, C, …], float32 or float64) for the targets in input 1 with the weights in input 2; sets
// output 0 as `dtype`.
Status eval_nll_loss(EvalContext& c, const Tensor& log_prob, DType dtype);

}  // namespace anyrt
