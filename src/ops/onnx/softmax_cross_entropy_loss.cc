#include <cmath>
#include <limits>

#include "opdef/nll_loss.h"
#include "opdef/shape_util.h"
#include "opdef/upgrade_util.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}, {"Tind", kIndexTypes}};
constexpr Param kInputs[] = {{"scores", "T", kRequiredParam, "[N, C] or [N, C, D1, …]"},
                             {"labels", "Tind", kRequiredParam, "classes, [N] or [N, D1, …]"},
                             {"weights", "T", kOptionalParam, "[C], 1 when omitted"}};
constexpr Param kOutputs[] = {{"output", "T"}, {"log_prob", "T", kOptionalParam, "LogSoftmax of the scores"}};
constexpr AttrDef kAttrs[] = {attr("ignore_index", AttrKind::kInt).with_doc("a label that does not count"),
                              string_attr("reduction", "mean").with_doc("none, sum or mean (by weight)")};

Status infer(InferContext& c) {
  ANYRT_TRY(infer_loss(c, 0));
  c.set_output(1, c.input_type(0));
  return {};
}

Status eval(EvalContext& c) {
  const DType dtype = c.input(0).dtype(), compute = compute_dtype(dtype);
  ANYRT_ASSIGN(const Tensor x, c.input_as(0, compute));
  if (x.rank() < 2) return invalid_argument("scores must have rank 2 or more, found {}", x.type_string());
  ANYRT_ASSIGN(Tensor log_prob, Tensor::make(compute, x.dims()));
  const int64_t classes = x.dim(1), inner = product(x.dims(), 2, x.rank());
  dispatch<float, double>(compute, [&]<class T>(TypeTag<T>) {
    for (int64_t i = 0; i < x.dim(0) * inner; ++i) {
      const int64_t at = i / inner * classes * inner + i % inner;
      const T* in = x.data<T>() + at;
      T* out = log_prob.mutable_data<T>() + at;
      T top = -std::numeric_limits<T>::infinity(), sum = 0;
      for (int64_t k = 0; k < classes; ++k) top = std::max(top, in[k * inner]);
      for (int64_t k = 0; k < classes; ++k) sum += std::exp(in[k * inner] - top);
      const T log_sum = std::log(sum);
      for (int64_t k = 0; k < classes; ++k) out[k * inner] = in[k * inner] - top - log_sum;
    }
  });
  ANYRT_TRY(eval_nll_loss(c, log_prob, dtype));
  if (c.num_outputs() > 1 && c.wants_output(1)) return c.set_output_as(1, log_prob, dtype);
  return {};
}

Status decompose(RewriteContext& c) {
  const ValueId log_prob = c.op("LogSoftmax", {c.input(0)}, {{"axis", int64_t{1}}});
  std::vector<ValueId> inputs = {log_prob, c.input(1)};
  if (c.has_input(2)) inputs.push_back(c.input(2));
  std::vector<Attr> attrs = {{"reduction", c.s("reduction")}};
  if (c.has_attr("ignore_index")) attrs.push_back({"ignore_index", c.i("ignore_index")});
  c.replace_output(0, c.ops("", "NegativeLogLikelihoodLoss", std::move(inputs), std::move(attrs), 1)[0]);
  if (c.has_output(1)) c.replace_output(1, log_prob);
  return {};
}

}  // namespace

extern const OpDef op_onnx_softmax_cross_entropy_loss = {
    .name = "SoftmaxCrossEntropyLoss",
    .since = 13,
    .first = 12,
    .doc = "Negative log-likelihood of the labels under the softmax of the scores.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .decompose = decompose,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade_unchanged,
    .cases = ANYRT_CASES(R"(
      : f32[2,2]{0 0 1000 1000}, i64[2]{0 1} -> f32[]{0.6931472}, f32[2,2]{-0.6931472 -0.6931472 -0.6931472 -0.6931472}
      reduction="none" : f64[1,2,2]{0 1 0 1}, i32[1,2]{0 1} -> f64[1,2]{0.6931471805599453 0.6931471805599453}
      reduction="sum" : f16[2,2]{0 0 0 0}, i64[2]{0 1}, f16[2]{1 2} -> f16[]{2.0794415} ~ 1e-3 0
      ignore_index=5 : f32[2,2]{0 0 3 4}, i64[2]{0 5} -> f32[]{0.6931472}
      reduction="none" : bf16[0,2]{}, i64[0]{} -> bf16[0]{}
      : f32[3,4,5]{rand:1}, i64[3,5]{0 1 2 3 0 1 2 3 0 1 2 3 0 1 2}, f32[4]{1 2 3 4} -> ?
      : f32[1,2]{1 2}, i64[1]{-1} -> !not one of 2 classes
      reduction="max" : f32[1,2]{1 2}, i64[1]{1} -> !reduction must be
    )"),
};

}  // namespace anyrt
