#pragma once

#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/rewrite.h"

// Windows of the form a0 - a1 cos(2 pi n / N) + a2 cos(4 pi n / N) for n = 0 … size - 1, where N is the size, or one
// less when the window is not periodic.

namespace anyrt {

Status infer_cosine_window(InferContext& c);
Status eval_cosine_window(EvalContext& c, double a0, double a1, double a2);
Status decompose_cosine_window(RewriteContext& c, double a0, double a1, double a2);

inline constexpr TypeRule kWindowTypes[] = {{"T1", kIndexTypes}, {"T2", kNumeric}};
inline constexpr Param kWindowInputs[] = {{"size", "T1", kRequiredParam, "one integer"}};
inline constexpr Param kWindowOutputs[] = {{"output", "T2", kRequiredParam, "[size]"}};
inline constexpr AttrDef kWindowAttrs[] = {
    int_attr("output_datatype", 1).with_doc("element type of the output"),
    int_attr("periodic", 1).with_doc("0: symmetric, the last element equals the first")};

}  // namespace anyrt
