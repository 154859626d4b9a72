#include <limits>

#include "opdef/cost.h"
#include "opdef/recurrent.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", kFloats}, {"T1", DType::kInt32}};
constexpr Param kInputs[] = {
    {"X", "T", kRequiredParam, "[steps, batch, inputs]; layout 1: batch first"},
    {"W", "T", kRequiredParam, "[directions, 4 * hidden, inputs]: input, output, forget, cell"},
    {"R", "T", kRequiredParam, "[directions, 4 * hidden, hidden]"},
    {"B", "T", kOptionalParam, "[directions, 8 * hidden]: Wb, Rb"},
    {"sequence_lens", "T1", kOptionalParam, "[batch]"},
    {"initial_h", "T", kOptionalParam, "[directions, batch, hidden]"},
    {"initial_c", "T", kOptionalParam, "[directions, batch, hidden]"},
    {"P", "T", kOptionalParam, "[directions, 3 * hidden]: peepholes of input, output, forget"}};
constexpr Param kOutputs[] = {{"Y", "T", kOptionalParam, "[steps, directions, batch, hidden]"},
                              {"Y_h", "T", kOptionalParam, "[directions, batch, hidden]"},
                              {"Y_c", "T", kOptionalParam, "[directions, batch, hidden]"}};
constexpr AttrDef kAttrs[] = {
    attr("activation_alpha", AttrKind::kFloats),
    attr("activation_beta", AttrKind::kFloats),
    attr("activations", AttrKind::kStrings).with_doc("default Sigmoid, Tanh, Tanh"),
    attr("clip", AttrKind::kFloat).with_doc("bound of what enters the activations of the gates"),
    string_attr("direction", "forward").with_doc("forward, reverse or bidirectional"),
    attr("hidden_size", AttrKind::kInt),
    int_attr("input_forget", 0).with_doc("the forget gate is 1 - the input gate"),
    int_attr("layout", 0).with_doc("1: the batch axis comes first"),
};

template <class T>
void run(EvalContext& c, const RecurrentSetup& s, const T* peepholes, T* h, T* cell, T* y) {
  const int64_t n = s.hidden;
  const bool coupled = c.i("input_forget") != 0;
  const T clip = static_cast<T>(s.clip), no_clip = std::numeric_limits<T>::infinity();
  std::vector<T> hr(static_cast<size_t>(s.batch * 4 * n)), gate(static_cast<size_t>(4 * n)),
      bounded(static_cast<size_t>(n));
  for (int64_t d = 0; d < s.directions; ++d) {
    const T* p = peepholes ? peepholes + d * 3 * n : nullptr;
    const auto step = [&](const std::vector<const T*>& gates, T* state) {
      multiply_recurrence(c, s, d, 0, 4 * n, state, hr.data());
      for (size_t b = 0; b < gates.size(); ++b) {
        if (!gates[b]) continue;
        const int64_t row = static_cast<int64_t>(b);
        T *i = gate.data(), *o = i + n, *f = o + n, *g = f + n;
        T* own = cell + (d * s.batch + row) * n;
        for (int64_t k = 0; k < 4 * n; ++k) i[k] = gates[b][k] + hr[static_cast<size_t>(row * 4 * n + k)];
        for (int64_t k = 0; p && k < n; ++k) {
          i[k] += p[k] * own[k];
          f[k] += p[2 * n + k] * own[k];
        }
        activate(s.activation(d, 0), clip, i, n);
        if (coupled) {
          for (int64_t k = 0; k < n; ++k) f[k] = 1 - i[k];
        } else {
          activate(s.activation(d, 0), clip, f, n);
        }
        activate(s.activation(d, 1), clip, g, n);
        for (int64_t k = 0; k < n; ++k) {
          own[k] = f[k] * own[k] + i[k] * g[k];
          bounded[static_cast<size_t>(k)] = own[k];
          if (p) o[k] += p[n + k] * own[k];
        }
        activate(s.activation(d, 0), clip, o, n);
        activate(s.activation(d, 2), no_clip, bounded.data(), n);
        for (int64_t k = 0; k < n; ++k) state[row * n + k] = o[k] * bounded[static_cast<size_t>(k)];
      }
    };
    run_direction(c, s, d, recurrent_bias<T>(s, d), h + d * s.batch * n, y, step);
  }
}

Status infer(InferContext& c) { return infer_recurrent(c, 4); }

Status eval(EvalContext& c) {
  ANYRT_ASSIGN(const RecurrentSetup s, recurrent_setup(c, 4, {"Sigmoid", "Tanh", "Tanh"}));
  ANYRT_ASSIGN(Tensor h, recurrent_state(c, s, 5));
  ANYRT_ASSIGN(Tensor cell, recurrent_state(c, s, 6));
  Tensor y, p;
  if (c.has_input(7)) {
    ANYRT_ASSIGN(p, c.input_as(7, s.compute));
    if (p.dims() != Dims{s.directions, 3 * s.hidden}) {
      return invalid_argument("P has shape {}, expected [{},{}]", shape_string(p.dims()), s.directions, 3 * s.hidden);
    }
  }
  if (c.wants_output(0)) {
    ANYRT_ASSIGN(y, Tensor::make(s.compute, {s.steps, s.directions, s.batch, s.hidden}));
  }
  dispatch<float, double>(s.compute, [&]<class T>(TypeTag<T>) {
    run(c, s, p.defined() ? p.data<T>() : nullptr, h.mutable_data<T>(), cell.mutable_data<T>(),
        y.defined() ? y.mutable_data<T>() : nullptr);
  });
  ANYRT_TRY(set_recurrent_output(c, s, 0, std::move(y)));
  ANYRT_TRY(set_recurrent_output(c, s, 1, std::move(h)));
  return set_recurrent_output(c, s, 2, std::move(cell));
}

}  // namespace

extern const OpDef op_onnx_lstm = {
    .name = "LSTM",
    .since = 22,
    .doc = "One layer of long short-term memory cells.",
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
      activations=["Affine","Affine","Affine"] : f32[1,1,1]{2}, f32[1,4,1]{1 2 3 4}, f32[1,4,1]{1 1 1 1}, f32[1,8]{1 0 0 0 0 0 0 1}, _, f32[1,1,1]{1}, f32[1,1,1]{2} -> f32[1,1,1,1]{270}, f32[1,1,1]{270}, f32[1,1,1]{54}
      activations=["Affine","Affine","Affine"] input_forget=1 : f32[1,1,1]{2}, f32[1,4,1]{1 2 3 4}, f32[1,4,1]{0 0 0 0}, _, _, _, f32[1,1,1]{1}, f32[1,3]{1 1 1} -> _, f32[1,1,1]{572}, f32[1,1,1]{22}
      direction="bidirectional" : f32[4,3,5]{rand:1}, f32[2,24,5]{rand:2}, f32[2,24,6]{rand:3}, f32[2,48]{rand:4}, i32[3]{4 2 0}, f32[2,3,6]{rand:5}, f32[2,3,6]{rand:6}, f32[2,18]{rand:7} -> ?
      layout=1 direction="reverse" clip=0.5 : f16[3,4,5]{rand:1}, f16[1,24,5]{rand:2}, f16[1,24,6]{rand:3} -> ?
      : f32[1,1,1]{1}, f32[1,2,1]{3 3}, f32[1,4,1]{2 2 2 2} -> !W has shape
    )"),
};

}  // namespace anyrt
