#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/matmul.h"
#include "opdef/rewrite.h"
#include "opdef/shape_util.h"
#include "tensor/dispatch.h"

// What RNN, GRU and LSTM share: shapes, directions, sequence lengths, layouts, activation functions and the loop over
// time. The operators bring a cell that makes one step for a whole batch.

namespace anyrt {

struct RecurrentActivation {
  enum class Kind : uint8_t {
    kRelu,
    kTanh,
    kSigmoid,
    kAffine,
    kLeakyRelu,
    kThresholdedRelu,
    kScaledTanh,
    kHardSigmoid,
    kElu,
    kSoftsign,
    kSoftplus
  };
  Kind kind = Kind::kTanh;
  float alpha = 0, beta = 0;
};

// x[i] = f(clamp(x[i], -clip, clip))
template <class T>
void activate(const RecurrentActivation& f, T clip, T* x, int64_t n);

// The functions of all directions; `defaults` names those of one. alpha and beta are used up in order by the functions
// that take one.
Expected<std::vector<RecurrentActivation>> read_activations(const AttrReader& a,
                                                            const std::vector<std::string>& defaults,
                                                            size_t directions);
// 1 or 2; `reverse` (may be null) tells whether the first one goes backwards.
Expected<int64_t> read_direction(const AttrReader& a, bool* reverse);

struct RecurrentSetup {
  int64_t steps = 0, batch = 0, input_size = 0, hidden = 0, directions = 1;
  int64_t gates = 1;
  bool batch_first = false;                      // attribute layout
  bool reverse[2] = {false, true};               // of each direction
  std::vector<RecurrentActivation> activations;  // `functions` of them for each direction
  int64_t functions = 1;
  std::vector<int64_t> lengths;  // one a batch entry
  float clip = std::numeric_limits<float>::infinity();
  // Inputs as float or double, time first.
  DType compute = DType::kFloat32;
  Tensor x, w, r, b;
  const RecurrentActivation& activation(int64_t direction, int64_t i) const {
    return activations[static_cast<size_t>(direction * functions + i)];
  }
};

// Reads and checks inputs 0 to 4 and the attributes. `defaults` names the activation functions of one direction.
Expected<RecurrentSetup> recurrent_setup(EvalContext& c, int64_t gates, const std::vector<std::string>& defaults);
// Input i as state [directions, batch, hidden] in the compute type; zeros when it is omitted.
Expected<Tensor> recurrent_state(EvalContext& c, const RecurrentSetup& s, size_t i);
// Sets output i from [steps, directions, batch, hidden] or [directions, batch, hidden].
Status set_recurrent_output(EvalContext& c, const RecurrentSetup& s, size_t i, Tensor value);

// Outputs 0 (all steps), 1 and, where the node has it, 2 (last states).
Status infer_recurrent(InferContext& c, int64_t gates);
// Until opset 6 there was attribute output_sequence, which only said whether Y is wanted.
inline Status upgrade_recurrent(RewriteContext& c) {
  c.remove_attr("output_sequence");
  return {};
}
Status downgrade_recurrent(RewriteContext& c);

// Runs one direction. step(gates, h): gates[b] points to x W^T + bias of batch entry b, null where its sequence has
// ended; h is [batch, hidden], changed in place. y is [steps, directions, batch, hidden], or null.
template <class T, class Step>
void run_direction(EvalContext& c, const RecurrentSetup& s, int64_t d, const std::vector<T>& bias, T* h, T* y,
                   const Step& step) {
  const int64_t width = s.gates * s.hidden, rows = s.steps * s.batch;
  std::vector<T> xw(static_cast<size_t>(rows * width));
  const T* w = s.w.template data<T>() + d * width * s.input_size;
  matmul(&c, rows, width, s.input_size, MatrixRef<T>{s.x.template data<T>(), s.input_size, 1},
         MatrixRef<T>{w, 1, s.input_size}, xw.data(), width);
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t k = 0; k < width; ++k) xw[static_cast<size_t>(i * width + k)] += bias[static_cast<size_t>(k)];
  }
  if (y) {
    for (int64_t t = 0; t < s.steps; ++t)
      std::fill_n(y + (t * s.directions + d) * s.batch * s.hidden, s.batch * s.hidden, T(0));
  }
  std::vector<const T*> gates(static_cast<size_t>(s.batch));
  std::vector<int64_t> time(static_cast<size_t>(s.batch));
  for (int64_t i = 0; i < s.steps; ++i) {
    bool any = false;
    for (size_t b = 0; b < gates.size(); ++b) {
      const int64_t length = s.lengths[b];
      time[b] = s.reverse[d] ? length - 1 - i : i;
      gates[b] = i < length ? xw.data() + (time[b] * s.batch + static_cast<int64_t>(b)) * width : nullptr;
      any = any || gates[b];
    }
    if (!any) break;
    step(gates, h);
    for (size_t b = 0; y && b < gates.size(); ++b) {
      if (!gates[b]) continue;
      const int64_t row = static_cast<int64_t>(b);
      std::copy_n(h + row * s.hidden, s.hidden, y + ((time[b] * s.directions + d) * s.batch + row) * s.hidden);
    }
  }
}

// out [batch, rows] = h [batch, hidden] x (rows of R from `first` on)^T, in direction d.
template <class T>
void multiply_recurrence(EvalContext& c, const RecurrentSetup& s, int64_t d, int64_t first, int64_t rows, const T* h,
                         T* out) {
  const T* r = s.r.template data<T>() + (d * s.gates * s.hidden + first) * s.hidden;
  matmul(&c, s.batch, rows, s.hidden, MatrixRef<T>{h, s.hidden, 1}, MatrixRef<T>{r, 1, s.hidden}, out, rows);
}

// Wb + Rb of direction d, or zeros; the last `apart` gates get Wb alone.
template <class T>
std::vector<T> recurrent_bias(const RecurrentSetup& s, int64_t d, int64_t apart = 0) {
  const int64_t width = s.gates * s.hidden;
  std::vector<T> bias(static_cast<size_t>(width), T(0));
  if (!s.b.defined()) return bias;
  const T* b = s.b.template data<T>() + d * 2 * width;
  for (int64_t k = 0; k < width; ++k) {
    bias[static_cast<size_t>(k)] = b[k] + (k < width - apart * s.hidden ? b[width + k] : T(0));
  }
  return bias;
}

}  // namespace anyrt
