#pragma once

#include "opdef/rewrite.h"

namespace anyrt {

// Scan of opset 8 took batches: optional lengths [B], states [B, …], tensors [B, S, …] walked along S. It becomes a
// Scan over the batch around today's Scan over S; results past a sequence's length are zero.
Status upgrade_batched_scan(RewriteContext& c);

}  // namespace anyrt
