#pragma once

#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/rewrite.h"

// What Cast and CastLike share.

namespace anyrt {

Expected<F8Round> round_mode(const AttrReader& c);
// Output 0 has the shape of input 0 and element type `to`; known integers stay known where `to` holds them.
Status infer_cast(InferContext& c, DType to);
Status eval_cast(EvalContext& c, DType to);
// Older forms have no `round_mode` (before 24) and no `saturate` (before 19).
Status downgrade_cast(RewriteContext& c, DType to);

}  // namespace anyrt
