#include "opdef/window_function.h"

namespace anyrt {
namespace {

constexpr double kA0 = 25.0 / 46, kA1 = 21.0 / 46, kA2 = 0.0;

}  // namespace

extern const OpDef op_onnx_hamming_window = {
    .name = "HammingWindow",
    .since = 17,
    .first = 17,
    .doc = "The Hamming window of a given length.",
    .inputs = kWindowInputs,
    .outputs = kWindowOutputs,
    .attrs = kWindowAttrs,
    .types = kWindowTypes,
    .infer = infer_cosine_window,
    .eval = [](EvalContext& c) { return eval_cosine_window(c, kA0, kA1, kA2); },
    .decompose = [](RewriteContext& c) { return decompose_cosine_window(c, kA0, kA1, kA2); },
    .cases = ANYRT_CASES(R"(
      : i32[]{5} -> f32[5]{0.086956522 0.40240529 0.91281211 0.91281211 0.40240529} ~ 1e-5 1e-7
      periodic=0 : i64[]{4} -> f32[4]{0.086956522 0.77173913 0.77173913 0.086956522} ~ 1e-5 1e-7
      output_datatype=11 : i64[1]{3} -> f64[3]{0.086956522 0.77173913 0.77173913} ~ 1e-7 1e-9
      output_datatype=10 : i32[]{0} -> f16[0]{}
      output_datatype=6 : i32[]{2} -> i32[2]{0 1}
      output_datatype=16 : i32[]{7} -> ?
      : i32[]{-1} -> !must not be negative
      : i32[2]{1 2} -> !one integer
    )"),
};

}  // namespace anyrt
