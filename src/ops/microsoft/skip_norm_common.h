#pragma once

#include "opdef/eval.h"
#include "opdef/infer.h"

// What SkipLayerNormalization and SkipSimplifiedLayerNormalization share.

namespace anyrt {

struct SkipNorm {
  bool centred;  // the mean is subtracted
  size_t beta;   // input of the shift; 0: there is none
  size_t bias;   // input that is added to the sum
};

Status infer_skip_norm(InferContext& c);
Status eval_skip_norm(EvalContext& c, const SkipNorm& form);

}  // namespace anyrt
