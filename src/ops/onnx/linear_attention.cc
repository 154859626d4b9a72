#include <algorithm>
#include <cmath>

#include "opdef/eval.h"
#include "opdef/infer.h"
#include "opdef/shape_util.h"

namespace anyrt {
namespace {

constexpr DTypeSet kHalves = DType::kFloat32 | DType::kFloat16 | DType::kBFloat16;
constexpr TypeRule kTypes[] = {{"T", kHalves}, {"S", kHalves}};
constexpr Param kInputs[] = {
    {"query", "T", kRequiredParam, "[batch, steps, query heads * dk]"},
    {"key", "T", kRequiredParam, "[batch, steps, kv heads * dk]"},
    {"value", "T", kRequiredParam, "[batch, steps, kv heads * dv]"},
    {"past_state", "S", kOptionalParam, "[batch, kv heads, dk, dv]; default 0"},
    {"decay", "T", kOptionalParam, "[batch, steps, kv heads (* dk)]: logarithm of what is kept of the state"},
    {"beta", "T", kOptionalParam, "[batch, steps, kv heads or 1]: rate of the delta rule"}};
constexpr Param kOutputs[] = {{"output", "T", kRequiredParam, "[batch, steps, query heads * dv]"},
                              {"present_state", "S", kRequiredParam, "[batch, kv heads, dk, dv]"}};
constexpr AttrDef kAttrs[] = {
    int_attr("chunk_size", 64).with_doc("a hint; without effect on results"),
    required_attr("kv_num_heads", AttrKind::kInt),
    required_attr("q_num_heads", AttrKind::kInt),
    float_attr("scale", 0).with_doc("of the output; 0: 1 / sqrt(dk)"),
    string_attr("update_rule", "gated_delta").with_doc("linear, gated, delta or gated_delta"),
};

struct Rule {
  bool gated = false, delta = false;
};

Expected<Rule> read_rule(const AttrReader& a) {
  const int64_t q = a.i("q_num_heads"), kv = a.i("kv_num_heads");
  if (q < 1 || kv < 1 || q % kv != 0) return invalid_model("{} query heads cannot share {} key heads", q, kv);
  const std::string& s = a.s("update_rule");
  if (s == "linear") return Rule{false, false};
  if (s == "gated") return Rule{true, false};
  if (s == "delta") return Rule{false, true};
  if (s == "gated_delta") return Rule{true, true};
  return invalid_model("update_rule is '{}', expected linear, gated, delta or gated_delta", s);
}

Status infer(InferContext& c) {
  ANYRT_TRY(read_rule(c).status());
  const SymShape *q = c.input_shape(0), *v = c.input_shape(2);
  for (const SymShape* s : {q, c.input_shape(1), v}) {
    if (s && s->size() != 3) return invalid_model("query, key and value must have rank 3, found {}", shape_string(*s));
  }
  const Dim heads(c.i("q_num_heads")), kv(c.i("kv_num_heads"));
  SymShape y(3), state(4);
  state[1] = kv;
  if (q) {
    y[0] = state[0] = (*q)[0];
    y[1] = (*q)[1];
    state[2] = Dim::floor_div((*q)[2], heads);
  }
  if (v) {
    state[3] = Dim::floor_div((*v)[2], kv);
    y[2] = heads * state[3];
  }
  c.set_output(0, c.input_dtype(0), std::move(y));
  c.set_output(1, c.has_input(3) ? c.input_dtype(3) : c.input_dtype(0), std::move(state));
  return {};
}

struct Sizes {
  int64_t batch, steps, q_heads, kv_heads, dk, dv;
};

// All inputs in float, each [batch, steps, width].
struct Inputs {
  Tensor q, k, v, decay, beta;
};

// The recurrence of one batch entry and key head; `state` is [dk, dv].
void run_head(const Sizes& s, const Inputs& in, const Rule& rule, float scale, int64_t b, int64_t h, float* state,
              float* y) {
  const int64_t decay_width = rule.gated ? in.decay.dim(2) : 0, beta_width = rule.delta ? in.beta.dim(2) : 0;
  const int64_t group = s.q_heads / s.kv_heads;
  std::vector<float> write(static_cast<size_t>(s.dv));
  for (int64_t t = 0; t < s.steps; ++t) {
    const int64_t row = b * s.steps + t;
    const float* k = in.k.data<float>() + (row * s.kv_heads + h) * s.dk;
    const float* v = in.v.data<float>() + (row * s.kv_heads + h) * s.dv;
    if (rule.gated) {
      const float* g = in.decay.data<float>() + row * decay_width;
      for (int64_t d = 0; d < s.dk; ++d) {
        const float keep = std::exp(g[decay_width == s.kv_heads ? h : h * s.dk + d]);
        for (int64_t m = 0; m < s.dv; ++m) state[d * s.dv + m] *= keep;
      }
    }
    std::copy_n(v, s.dv, write.data());
    if (rule.delta) {
      for (int64_t d = 0; d < s.dk; ++d) {
        for (int64_t m = 0; m < s.dv; ++m) write[static_cast<size_t>(m)] -= state[d * s.dv + m] * k[d];
      }
      const float rate = in.beta.data<float>()[row * beta_width + (beta_width == 1 ? 0 : h)];
      for (float& w : write) w *= rate;
    }
    for (int64_t d = 0; d < s.dk; ++d) {
      for (int64_t m = 0; m < s.dv; ++m) state[d * s.dv + m] += k[d] * write[static_cast<size_t>(m)];
    }
    for (int64_t head = h * group; head < (h + 1) * group; ++head) {
      const float* q = in.q.data<float>() + (row * s.q_heads + head) * s.dk;
      float* out = y + (row * s.q_heads + head) * s.dv;
      std::fill_n(out, s.dv, 0.0f);
      for (int64_t d = 0; d < s.dk; ++d) {
        for (int64_t m = 0; m < s.dv; ++m) out[m] += q[d] * state[d * s.dv + m];
      }
      for (int64_t m = 0; m < s.dv; ++m) out[m] *= scale;
    }
  }
}

Expected<Sizes> read_sizes(const EvalContext& c) {
  const Tensor &q = c.input(0), &k = c.input(1), &v = c.input(2);
  const int64_t heads = c.i("q_num_heads"), kv = c.i("kv_num_heads");
  if (q.rank() == 3 && k.rank() == 3 && v.rank() == 3 && q.dim(2) % heads == 0 && v.dim(2) % kv == 0) {
    const Sizes s{q.dim(0), q.dim(1), heads, kv, q.dim(2) / heads, v.dim(2) / kv};
    if (k.dims() == Dims{s.batch, s.steps, kv * s.dk} && v.dim(0) == s.batch && v.dim(1) == s.steps) return s;
  }
  return invalid_argument("query {}, key {} and value {} do not fit {} and {} heads", shape_string(q.dims()),
                          shape_string(k.dims()), shape_string(v.dims()), heads, kv);
}

// Input i as float [batch, steps, one of two widths], wanted exactly when `wanted`.
Expected<Tensor> read_gate(EvalContext& c, const Sizes& s, size_t i, const char* name, bool wanted, int64_t width,
                           int64_t other) {
  if (c.has_input(i) != wanted) {
    return invalid_argument("update_rule {} {} input {}", c.s("update_rule"), wanted ? "needs" : "does not take", name);
  }
  if (!wanted) return Tensor();
  const Dims& d = c.input(i).dims();
  if (d != Dims{s.batch, s.steps, width} && d != Dims{s.batch, s.steps, other}) {
    return invalid_argument("{} has shape {}, expected [{},{},{} or {}]", name, shape_string(d), s.batch, s.steps,
                            width, other);
  }
  return c.input_as(i, DType::kFloat32);
}

Status eval(EvalContext& c) {
  ANYRT_ASSIGN(const Rule rule, read_rule(c));
  ANYRT_ASSIGN(const Sizes s, read_sizes(c));
  Inputs in;
  ANYRT_ASSIGN(in.q, c.input_as(0, DType::kFloat32));
  ANYRT_ASSIGN(in.k, c.input_as(1, DType::kFloat32));
  ANYRT_ASSIGN(in.v, c.input_as(2, DType::kFloat32));
  ANYRT_ASSIGN(in.decay, read_gate(c, s, 4, "decay", rule.gated, s.kv_heads, s.kv_heads * s.dk));
  ANYRT_ASSIGN(in.beta, read_gate(c, s, 5, "beta", rule.delta, s.kv_heads, 1));
  const Dims state_dims{s.batch, s.kv_heads, s.dk, s.dv};
  const DType state_dtype = c.has_input(3) ? c.input(3).dtype() : c.input(0).dtype();
  ANYRT_ASSIGN(Tensor state, Tensor::zeros(DType::kFloat32, state_dims));
  if (c.has_input(3)) {
    if (c.input(3).dims() != state_dims) {
      return invalid_argument("past_state has shape {}, expected {}", shape_string(c.input(3).dims()),
                              shape_string(state_dims));
    }
    ANYRT_ASSIGN(const Tensor past, c.input_as(3, DType::kFloat32));
    std::copy_n(past.data<float>(), past.size(), state.mutable_data<float>());
  }
  ANYRT_ASSIGN(Tensor y, Tensor::make(DType::kFloat32, {s.batch, s.steps, s.q_heads * s.dv}));
  const float scale = c.f("scale") != 0 ? c.f("scale") : 1 / std::sqrt(static_cast<float>(s.dk));
  c.parallel_for(s.batch * s.kv_heads, 1, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      run_head(s, in, rule, scale, i / s.kv_heads, i % s.kv_heads, state.mutable_data<float>() + i * s.dk * s.dv,
               y.mutable_data<float>());
    }
  });
  ANYRT_TRY(c.set_output_as(0, y, c.input(0).dtype()));
  return c.set_output_as(1, state, state_dtype);
}

}  // namespace

extern const OpDef op_onnx_linear_attention = {
    .name = "LinearAttention",
    .since = 27,
    .first = 27,
    .doc = "Attention as a recurrence over a matrix-valued state, with optional decay and delta rule.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      q_num_heads=1 kv_num_heads=1 update_rule="linear" : f32[1,2,1]{1 2}, f32[1,2,1]{3 4}, f32[1,2,1]{5 6} -> f32[1,2,1]{15 78}, f32[1,1,1,1]{39}
      q_num_heads=2 kv_num_heads=1 scale=0.5 update_rule="delta" : f16[1,1,2]{1 2}, f16[1,1,1]{3}, f16[1,1,1]{5}, f32[1,1,1,1]{1}, _, f16[1,1,1]{0.5} -> f16[1,1,2]{2 4}, f32[1,1,1,1]{4}
      q_num_heads=1 kv_num_heads=1 update_rule="gated" : f32[1,1,1]{1}, f32[1,1,1]{3}, f32[1,1,2]{5 6}, f32[1,1,1,2]{2 4}, f32[1,1,1]{-inf} -> f32[1,1,2]{15 18}, f32[1,1,1,2]{15 18}
      q_num_heads=4 kv_num_heads=2 : bf16[2,3,12]{rand:1}, bf16[2,3,6]{rand:2}, bf16[2,3,8]{rand:3}, _, bf16[2,3,6]{rand:4}, bf16[2,3,1]{rand:5} -> ?
      q_num_heads=1 kv_num_heads=1 update_rule="linear" : f32[1,1,1]{1}, f32[1,1,1]{3}, f32[1,1,1]{5}, _, _, f32[1,1,1]{1} -> !does not take
      q_num_heads=3 kv_num_heads=2 : f32[1,1,3]{1 1 1}, f32[1,1,2]{3 3}, f32[1,1,2]{5 5} -> !cannot share
    )"),
};

}  // namespace anyrt
