#include <algorithm>

#include "opdef/cost.h"
#include "opdef/recurrent.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}, {"T1", DType::kInt32}};
constexpr Param kInputs[] = {{"X", "T", kRequiredParam, "[steps, batch, inputs]; layout 1: batch first"},
                             {"W", "T", kRequiredParam, "[directions, 3 * hidden, inputs]: update, reset, hidden gate"},
                             {"R", "T", kRequiredParam, "[directions, 3 * hidden, hidden]"},
                             {"B", "T", kOptionalParam, "[directions, 6 * hidden]: Wb, Rb"},
                             {"sequence_lens", "T1", kOptionalParam, "[batch]"},
                             {"initial_h", "T", kOptionalParam, "[directions, batch, hidden]"}};
constexpr Param kOutputs[] = {{"Y", "T", kOptionalParam, "[steps, directions, batch, hidden]"},
                              {"Y_h", "T", kOptionalParam, "[directions, batch, hidden]"}};
constexpr AttrDef kAttrs[] = {
    attr("activation_alpha", AttrKind::kFloats),
    attr("activation_beta", AttrKind::kFloats),
    attr("activations", AttrKind::kStrings).with_doc("default Sigmoid, Tanh"),
    attr("clip", AttrKind::kFloat).with_doc("bound of what enters the activations"),
    string_attr("direction", "forward").with_doc("forward, reverse or bidirectional"),
    attr("hidden_size", AttrKind::kInt),
    int_attr("layout", 0).with_doc("1: the batch axis comes first"),
    int_attr("linear_before_reset", 0).with_doc("the reset gate scales R h + Rb instead of h"),
};

template <class T>
void run(EvalContext& c, const RecurrentSetup& s, T* h, T* y) {
  const int64_t n = s.hidden;
  const bool linear_first = c.i("linear_before_reset") != 0;
  const T clip = static_cast<T>(s.clip);
  const int64_t recurrent_width = linear_first ? 3 * n : 2 * n;
  std::vector<T> hr(static_cast<size_t>(s.batch * recurrent_width)), zr(static_cast<size_t>(s.batch * 2 * n));
  std::vector<T> reset(static_cast<size_t>(s.batch * n)), candidate(static_cast<size_t>(s.batch * n));
  for (int64_t d = 0; d < s.directions; ++d) {
    const T* rb_hidden = s.b.defined() ? s.b.data<T>() + d * 6 * n + 5 * n : nullptr;
    const auto step = [&](const std::vector<const T*>& gates, T* state) {
      multiply_recurrence(c, s, d, 0, recurrent_width, state, hr.data());
      for (size_t b = 0; b < gates.size(); ++b) {
        const int64_t row = static_cast<int64_t>(b);
        T* own = zr.data() + row * 2 * n;
        if (gates[b]) {
          for (int64_t k = 0; k < 2 * n; ++k) own[k] = gates[b][k] + hr[static_cast<size_t>(row * recurrent_width + k)];
          activate(s.activation(d, 0), clip, own, 2 * n);
        } else {
          std::fill_n(own, 2 * n, T(0));
        }
        if (linear_first) continue;
        for (int64_t k = 0; k < n; ++k) reset[static_cast<size_t>(row * n + k)] = own[n + k] * state[row * n + k];
      }
      if (!linear_first) multiply_recurrence(c, s, d, 2 * n, n, reset.data(), candidate.data());
      for (size_t b = 0; b < gates.size(); ++b) {
        if (!gates[b]) continue;
        const int64_t row = static_cast<int64_t>(b);
        const T* z = zr.data() + row * 2 * n;
        T* own = candidate.data() + row * n;
        for (int64_t k = 0; k < n; ++k) {
          if (linear_first) {
            own[k] = z[n + k] *
                     (hr[static_cast<size_t>(row * recurrent_width + 2 * n + k)] + (rb_hidden ? rb_hidden[k] : T(0)));
          }
          own[k] += gates[b][2 * n + k];
        }
        activate(s.activation(d, 1), clip, own, n);
        T* out = state + row * n;
        for (int64_t k = 0; k < n; ++k) out[k] = (1 - z[k]) * own[k] + z[k] * out[k];
      }
    };
    run_direction(c, s, d, recurrent_bias<T>(s, d, linear_first ? 1 : 0), h + d * s.batch * n, y, step);
  }
}

Status infer(InferContext& c) { return infer_recurrent(c, 3); }

Status eval(EvalContext& c) {
  ANYRT_ASSIGN(const RecurrentSetup s, recurrent_setup(c, 3, {"Sigmoid", "Tanh"}));
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

extern const OpDef op_onnx_gru = {
    .name = "GRU",
    .since = 22,
    .doc = "One layer of gated recurrent units.",
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
      activations=["Affine","Affine"] : f32[1,1,1]{2}, f32[1,3,1]{0.5 1 2}, f32[1,3,1]{1 1 3}, f32[1,6]{0 0 0 0.5 0 1}, _, f32[1,1,1]{2} -> f32[1,1,1,1]{-65.5}, f32[1,1,1]{-65.5}
      activations=["Affine","Affine"] linear_before_reset=1 : f32[1,1,1]{2}, f32[1,3,1]{0.5 1 2}, f32[1,3,1]{1 1 3}, f32[1,6]{0 0 0 0.5 0 1}, _, f32[1,1,1]{2} -> f32[1,1,1,1]{-73}, f32[1,1,1]{-73}
      direction="bidirectional" : f32[4,3,5]{rand:1}, f32[2,18,5]{rand:2}, f32[2,18,6]{rand:3}, f32[2,36]{rand:4}, i32[3]{4 2 0}, f32[2,3,6]{rand:5} -> ?
      layout=1 direction="reverse" : bf16[3,4,5]{rand:1}, bf16[1,18,5]{rand:2}, bf16[1,18,6]{rand:3} -> ?
      : f32[1,1,1]{1}, f32[1,2,1]{3 3}, f32[1,3,1]{2 2 2} -> !W has shape
    )"),
};

}  // namespace anyrt
