#pragma once

#include "opdef/rewrite.h"

namespace anyrt {

// Attention (opset 24) as products, masks and a softmax, computed in float32 or wider. The ranks of Q and of the mask
// must be known.
Status decompose_attention(RewriteContext& c);

}  // namespace anyrt
