#include "opdef/cost.h"
#include "opdef/recurrent.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}, {"T1", DType::kInt32}};
constexpr Param kInputs[] = {{"X", "T", kRequiredParam, "[steps, batch, inputs]; layout 1: batch first"},
                             {"W", "T", kRequiredParam, "[directions, hidden, inputs]"},
                             {"R", "T", kRequiredParam, "[directions, hidden, hidden]"},
                             {"B", "T", kOptionalParam, "[directions, 2 * hidden]: Wb, Rb"},
                             {"sequence_lens", "T1", kOptionalParam, "[batch]"},
                             {"initial_h", "T", kOptionalParam, "[directions, batch, hidden]"}};
constexpr Param kOutputs[] = {{"Y", "T", kOptionalParam, "[steps, directions, batch, hidden]"},
                              {"Y_h", "T", kOptionalParam, "[directions, batch, hidden]"}};
constexpr AttrDef kAttrs[] = {
    attr("activation_alpha", AttrKind::kFloats),
    attr("activation_beta", AttrKind::kFloats),
    attr("activations", AttrKind::kStrings).with_doc("default Tanh"),
    attr("clip", AttrKind::kFloat).with_doc("bound of what enters the activations"),
    string_attr("direction", "forward").with_doc("forward, reverse or bidirectional"),
    attr("hidden_size", AttrKind::kInt),
    int_attr("layout", 0).with_doc("1: the batch axis comes first"),
};

template <class T>
void run(EvalContext& c, const RecurrentSetup& s, T* h, T* y) {
  std::vector<T> hr(static_cast<size_t>(s.batch * s.hidden));
  for (int64_t d = 0; d < s.directions; ++d) {
    const auto step = [&](const std::vector<const T*>& gates, T* state) {
      multiply_recurrence(c, s, d, 0, s.hidden, state, hr.data());
      for (size_t b = 0; b < gates.size(); ++b) {
        if (!gates[b]) continue;
        T* own = state + static_cast<int64_t>(b) * s.hidden;
        const T* recurrent = hr.data() + static_cast<int64_t>(b) * s.hidden;
        for (int64_t k = 0; k < s.hidden; ++k) own[k] = gates[b][k] + recurrent[k];
        activate(s.activation(d, 0), static_cast<T>(s.clip), own, s.hidden);
      }
    };
    run_direction(c, s, d, recurrent_bias<T>(s, d), h + d * s.batch * s.hidden, y, step);
  }
}

Status infer(InferContext& c) { return infer_recurrent(c, 1); }

Status eval(EvalContext& c) {
  ANYRT_ASSIGN(const RecurrentSetup s, recurrent_setup(c, 1, {"Tanh"}));
  ANYRT_ASSIGN(Tensor h, recurrent_state(c, s, 5));
  Tensor y;
  if (c.wants_output(0)) {
    ANYRT_ASSIGN(y, Tensor::make(s.compute, {s.steps, s.directions, s.batch, s.hidden}));
  }
  dispatch<float, double>(s.compute, [&]<class T>(TypeTag<T>) {
    run(c, s, h.mutable_data<T>(), y.defined() ? y.mutable_data<T>() : nullptr);
  });
  ANYRT_TRY(set_recurrent_output(c, s, 0, std::move(y)));
  return set_recurrent_output(c, s, 1, std::move(h));
}

}  // namespace

extern const OpDef op_onnx_rnn = {
    .name = "RNN",
    .since = 22,
    .doc = "One layer of a simple recurrent network.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .upgrade = upgrade_recurrent,
    .downgrade = downgrade_recurrent,
    .cost = cost_recurrent,
    .cases = ANYRT_CASES(R"(
      activations=["Relu"] : f32[2,1,1]{1 2}, f32[1,1,1]{3}, f32[1,1,1]{2}, f32[1,2]{0.5 0.5} -> f32[2,1,1,1]{4 15}, f32[1,1,1]{15}
      activations=["Affine"] activation_alpha=[2] direction="reverse" : f64[2,1,1]{1 2}, f64[1,1,1]{3}, f64[1,1,1]{2}, _, _, f64[1,1,1]{1} -> f64[2,1,1,1]{70 16}, f64[1,1,1]{70}
      activations=["Relu"] clip=5 : f32[2,2,1]{1 2 3 4}, f32[1,1,1]{3}, f32[1,1,1]{1}, _, i32[2]{2 1} -> f32[2,1,2,1]{3 5 5 0}, f32[1,2,1]{5 5}
      activations=["Relu","Affine"] direction="bidirectional" layout=1 : f32[1,2,1]{1 2}, f32[2,1,1]{1 1}, f32[2,1,1]{1 1} -> f32[1,2,2,1]{1 3 3 2}, f32[1,2,1]{3 3}
      direction="bidirectional" : f16[4,3,5]{rand:1}, f16[2,6,5]{rand:2}, f16[2,6,6]{rand:3}, f16[2,12]{rand:4}, i32[3]{4 2 0} -> ?
      activations=["Gelu"] : f32[1,1,1]{1}, f32[1,1,1]{3}, f32[1,1,1]{2} -> !not known
      : f32[1,1,1]{1}, f32[1,1,2]{3 3}, f32[1,1,1]{2} -> !W has shape
    )"),
};

}  // namespace anyrt
