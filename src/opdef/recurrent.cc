#include "opdef/recurrent.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstring>

namespace anyrt {
namespace {

using Kind = RecurrentActivation::Kind;

struct ActivationRow {
  std::string_view name;
  Kind kind;
  bool has_alpha, has_beta;
  float alpha, beta;
};
constexpr ActivationRow kActivations[] = {
    {"relu", Kind::kRelu, false, false, 0, 0},
    {"tanh", Kind::kTanh, false, false, 0, 0},
    {"sigmoid", Kind::kSigmoid, false, false, 0, 0},
    {"affine", Kind::kAffine, true, true, 1, 0},
    {"leakyrelu", Kind::kLeakyRelu, true, false, 0.01f, 0},
    {"thresholdedrelu", Kind::kThresholdedRelu, true, false, 1, 0},
    {"scaledtanh", Kind::kScaledTanh, true, true, 1, 1},
    {"hardsigmoid", Kind::kHardSigmoid, true, true, 0.2f, 0.5f},
    {"elu", Kind::kElu, true, false, 1, 0},
    {"softsign", Kind::kSoftsign, false, false, 0, 0},
    {"softplus", Kind::kSoftplus, false, false, 0, 0},
};

Expected<const ActivationRow*> find_activation(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char ch) { return std::tolower(ch); });
  for (const ActivationRow& row : kActivations) {
    if (row.name == lower) return &row;
  }
  return invalid_model("activation '{}' is not known", name);
}

Status check_shape(const Tensor& t, std::string_view name, const Dims& expected) {
  if (!t.defined() || t.dims() == expected) return {};
  return invalid_argument("{} has shape {}, expected {}", name, shape_string(t.dims()), shape_string(expected));
}

}  // namespace

Expected<std::vector<RecurrentActivation>> read_activations(const AttrReader& a,
                                                            const std::vector<std::string>& defaults,
                                                            size_t directions) {
  std::vector<std::string> names = a.strings("activations");
  const size_t wanted = defaults.size() * directions;
  if (names.empty()) names = defaults;
  if (names.size() == defaults.size() && directions == 2) {
    const std::vector<std::string> again = names;
    names.insert(names.end(), again.begin(), again.end());
  }
  if (names.size() < wanted) return invalid_model("{} activations are given, expected {}", names.size(), wanted);
  const std::vector<float>&alphas = a.floats("activation_alpha"), &betas = a.floats("activation_beta");
  size_t next_alpha = 0, next_beta = 0;
  std::vector<RecurrentActivation> out;
  for (size_t i = 0; i < wanted; ++i) {
    ANYRT_ASSIGN(const ActivationRow* row, find_activation(names[i]));
    RecurrentActivation f{row->kind, row->alpha, row->beta};
    if (row->has_alpha && next_alpha < alphas.size()) f.alpha = alphas[next_alpha++];
    if (row->has_beta && next_beta < betas.size()) f.beta = betas[next_beta++];
    out.push_back(f);
  }
  return out;
}

Expected<int64_t> read_direction(const AttrReader& a, bool* reverse) {
  const std::string& s = a.s("direction");
  if (s == "forward" || s.empty()) return 1;
  if (s == "bidirectional") return 2;
  if (s != "reverse") return invalid_model("direction is '{}', expected forward, reverse or bidirectional", s);
  if (reverse) *reverse = true;
  return 1;
}

template <class T>
void activate(const RecurrentActivation& f, T clip, T* x, int64_t n) {
  const T alpha = static_cast<T>(f.alpha), beta = static_cast<T>(f.beta);
  const auto each = [&](const auto& g) {
    for (int64_t i = 0; i < n; ++i) x[i] = g(std::isinf(clip) ? x[i] : std::clamp(x[i], -clip, clip));
  };
  switch (f.kind) {
    case Kind::kRelu: return each([](T v) { return v > 0 ? v : T(0); });
    case Kind::kTanh: return each([](T v) { return std::tanh(v); });
    case Kind::kSigmoid: return each([](T v) { return 1 / (1 + std::exp(-v)); });
    case Kind::kAffine: return each([=](T v) { return alpha * v + beta; });
    case Kind::kLeakyRelu: return each([=](T v) { return v >= 0 ? v : alpha * v; });
    case Kind::kThresholdedRelu: return each([=](T v) { return v >= alpha ? v : T(0); });
    case Kind::kScaledTanh: return each([=](T v) { return alpha * std::tanh(beta * v); });
    case Kind::kHardSigmoid: return each([=](T v) { return std::min(std::max(alpha * v + beta, T(0)), T(1)); });
    case Kind::kElu: return each([=](T v) { return v >= 0 ? v : alpha * std::expm1(v); });
    case Kind::kSoftsign: return each([](T v) { return v / (1 + std::abs(v)); });
    case Kind::kSoftplus: return each([](T v) { return std::max(v, T(0)) + std::log1p(std::exp(-std::abs(v))); });
  }
}
template void activate(const RecurrentActivation&, float, float*, int64_t);
template void activate(const RecurrentActivation&, double, double*, int64_t);

Expected<RecurrentSetup> recurrent_setup(EvalContext& c, int64_t gates, const std::vector<std::string>& defaults) {
  RecurrentSetup s;
  const Tensor &x = c.input(0), &w = c.input(1), &r = c.input(2);
  if (x.rank() != 3 || w.rank() != 3 || r.rank() != 3) {
    return invalid_argument("X, W and R must have rank 3, found {}, {} and {}", shape_string(x.dims()),
                            shape_string(w.dims()), shape_string(r.dims()));
  }
  ANYRT_ASSIGN(s.directions, read_direction(c, &s.reverse[0]));
  s.batch_first = c.i("layout") != 0;
  s.gates = gates;
  s.steps = x.dim(s.batch_first ? 1 : 0);
  s.batch = x.dim(s.batch_first ? 0 : 1);
  s.input_size = x.dim(2);
  s.hidden = r.dim(2);
  if (c.has_attr("hidden_size") && c.i("hidden_size") != s.hidden) {
    return invalid_argument("hidden_size is {}, R says {}", c.i("hidden_size"), s.hidden);
  }
  ANYRT_TRY(checked_element_count(Dims{s.steps, s.batch, 2 * gates, s.hidden}).status());
  ANYRT_TRY(check_shape(w, "W", {s.directions, gates * s.hidden, s.input_size}));
  ANYRT_TRY(check_shape(r, "R", {s.directions, gates * s.hidden, s.hidden}));
  ANYRT_TRY(check_shape(c.input(3), "B", {s.directions, 2 * gates * s.hidden}));
  ANYRT_TRY(check_shape(c.input(4), "sequence_lens", {s.batch}));
  ANYRT_ASSIGN(s.lengths, c.input_ints(4));
  if (!c.has_input(4)) s.lengths.assign(static_cast<size_t>(s.batch), s.steps);
  for (int64_t n : s.lengths) {
    if (n < 0 || n > s.steps) return invalid_argument("a sequence length of {} is outside of [0, {}]", n, s.steps);
  }
  s.functions = static_cast<int64_t>(defaults.size());
  ANYRT_ASSIGN(s.activations, read_activations(c, defaults, static_cast<size_t>(s.directions)));
  if (c.has_attr("clip")) s.clip = c.f("clip");
  if (!(s.clip > 0)) return invalid_argument("clip is {}, expected a positive number", s.clip);
  s.compute = compute_dtype(x.dtype());
  ANYRT_ASSIGN(s.x, c.input_as(0, s.compute));
  if (s.batch_first) {
    ANYRT_ASSIGN(s.x, transpose(s.x, std::vector<int64_t>{1, 0, 2}));
  }
  ANYRT_ASSIGN(s.w, c.input_as(1, s.compute));
  ANYRT_ASSIGN(s.r, c.input_as(2, s.compute));
  if (c.has_input(3)) {
    ANYRT_ASSIGN(s.b, c.input_as(3, s.compute));
  }
  // The gates of all steps are held at once.
  ANYRT_TRY(Tensor::make(s.compute, {s.steps, s.batch, gates * s.hidden}).status());
  return s;
}

Expected<Tensor> recurrent_state(EvalContext& c, const RecurrentSetup& s, size_t i) {
  if (!c.has_input(i)) return Tensor::zeros(s.compute, {s.directions, s.batch, s.hidden});
  const Dims expected = s.batch_first ? Dims{s.batch, s.directions, s.hidden} : Dims{s.directions, s.batch, s.hidden};
  ANYRT_TRY(check_shape(c.input(i), i == 5 ? "initial_h" : "initial_c", expected));
  ANYRT_ASSIGN(Tensor state, c.input_as(i, s.compute));
  if (s.batch_first) {
    ANYRT_ASSIGN(state, transpose(state, std::vector<int64_t>{1, 0, 2}));
  }
  return state.clone();
}

Status set_recurrent_output(EvalContext& c, const RecurrentSetup& s, size_t i, Tensor value) {
  if (!c.wants_output(i)) return {};
  // Sequences of no steps leave no state behind.
  for (size_t b = 0; i > 0 && b < s.lengths.size(); ++b) {
    if (s.lengths[b] > 0) continue;
    for (int64_t d = 0; d < s.directions; ++d) {
      const size_t bytes = static_cast<size_t>(s.hidden) * element_size(s.compute);
      std::memset(value.mutable_raw() + static_cast<size_t>(d * s.batch + static_cast<int64_t>(b)) * bytes, 0, bytes);
    }
  }
  if (s.batch_first) {
    const std::vector<int64_t> all{2, 0, 1, 3}, last{1, 0, 2};
    ANYRT_ASSIGN(value, transpose(value, i == 0 ? all : last));
  }
  return c.set_output_as(i, value, c.input(0).dtype());
}

Status infer_recurrent(InferContext& c, int64_t gates) {
  ANYRT_ASSIGN(const int64_t directions, read_direction(c, nullptr));
  const SymShape *x = c.input_shape(0), *w = c.input_shape(1), *r = c.input_shape(2);
  for (const SymShape* s : {x, w, r}) {
    if (s && s->size() != 3) return invalid_model("X, W and R must have rank 3, found {}", shape_string(*s));
  }
  const bool batch_first = c.i("layout") != 0;
  Dim steps, batch, hidden;
  if (x) steps = (*x)[batch_first ? 1 : 0];
  if (x) batch = (*x)[batch_first ? 0 : 1];
  if (r) hidden = (*r)[2];
  if (hidden.is_unknown() && w) hidden = Dim::floor_div((*w)[1], Dim(gates));
  if (c.has_attr("hidden_size")) hidden = Dim(c.i("hidden_size"));
  const Dim d(directions);
  const DType dtype = c.input_dtype(0);
  const SymShape state = batch_first ? SymShape{batch, d, hidden} : SymShape{d, batch, hidden};
  if (c.has_output(0))
    c.set_output(0, dtype, batch_first ? SymShape{batch, steps, d, hidden} : SymShape{steps, d, batch, hidden});
  for (size_t i = 1; i < c.num_outputs(); ++i) {
    if (c.has_output(i)) c.set_output(i, dtype, state);
  }
  return {};
}

Status downgrade_recurrent(RewriteContext& c) {
  if (c.version() < 14) {
    if (c.i("layout") != 0) return not_implemented("layout 1 needs opset 14");
    c.remove_attr("layout");
  }
  if (c.version() < 7) c.set_attr("output_sequence", static_cast<int64_t>(c.has_output(0)));
  if (c.version() < 3 && c.node().op == "GRU") {
    if (c.i("linear_before_reset") != 0) return not_implemented("linear_before_reset needs opset 3");
    c.remove_attr("linear_before_reset");
  }
  return {};
}

}  // namespace anyrt
