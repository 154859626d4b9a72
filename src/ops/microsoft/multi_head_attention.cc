#include <limits>

#include "opdef/fused_attention.h"
#include "opdef/infer.h"
#include "opdef/shape_util.h"

namespace anyrt {
namespace {

constexpr DTypeSet kReals = DTypeSet(DType::kFloat32) | DType::kFloat16 | DType::kBFloat16;
constexpr TypeRule kTypes[] = {{"T", kReals}, {"QK", kReals}, {"M", DType::kInt32}};
constexpr Param kInputs[] = {
    {"query", "T", kRequiredParam, "[batch, queries, hidden], or all of Q, K, V as [batch, tokens, heads, 3, head]"},
    {"key", "T", kOptionalParam, "[batch, keys, hidden], [batch, keys, heads, 2, head] or [batch, heads, keys, head]"},
    {"value", "T", kOptionalParam, "[batch, keys, v_hidden] or [batch, heads, keys, v_head]"},
    {"bias", "T", kOptionalParam, "[hidden + hidden + v_hidden], added to Q, K and V"},
    {"key_padding_mask", "M", kOptionalParam,
     "[batch], [3 * batch + 2], [batch, keys], [batch, all keys] or [batch, queries, all keys]"},
    {"attention_bias", "T", kOptionalParam, "[batch or 1, heads or 1, queries, all keys]"},
    {"past_key", "T", kOptionalParam, "[batch, heads, past, head]"},
    {"past_value", "T", kOptionalParam, "[batch, heads, past, v_head]"},
    {"past_sequence_length", "M", kOptionalParam, "rows of the past that are in use when present shares its buffer"},
    {"cache_indirection", "M", kOptionalParam}};
constexpr Param kOutputs[] = {{"output", "T", kRequiredParam, "[batch, queries, v_hidden]"},
                              {"present_key", "T", kOptionalParam},
                              {"present_value", "T", kOptionalParam},
                              {"qk", "QK", kOptionalParam, "scaled scores: [batch, heads, queries, all keys]"}};
constexpr AttrDef kAttrs[] = {
    attr("mask_filter_value", AttrKind::kFloat).with_doc("default -10000"), required_attr("num_heads", AttrKind::kInt),
    attr("scale", AttrKind::kFloat).with_doc("default 1 / sqrt(head size)"), int_attr("unidirectional", 0)};

Status infer(InferContext& c) {
  const int64_t heads = c.i("num_heads");
  if (heads < 1) return invalid_model("num_heads must be positive, found {}", heads);
  const SymShape *q = c.input_shape(0), *k = c.input_shape(1), *v = c.input_shape(2), *past = c.input_shape(6);
  std::optional<SymShape> out;
  Dim keys, head, v_head;
  if (q && (q->size() == 3 || q->size() == 5)) {
    Dim hidden = q->size() == 5 ? Dim(heads) * (*q)[4] : (*q)[2];
    head = q->size() == 5 ? (*q)[4] : Dim::floor_div((*q)[2], Dim(heads));
    v_head = head;
    if (q->size() == 5) keys = (*q)[1];
    if (k && (k->size() == 3 || k->size() == 5)) keys = (*k)[1];
    if (k && k->size() == 4) keys = (*k)[2];
    if (c.has_input(2) && !v) hidden = v_head = Dim();
    if (v && v->size() == 3) v_head = Dim::floor_div(hidden = (*v)[2], Dim(heads));
    if (v && v->size() == 4) hidden = Dim(heads) * (v_head = (*v)[3]);
    out = SymShape{(*q)[0], (*q)[1], hidden};
  }
  c.set_output(0, c.input_dtype(0), out);
  std::optional<SymShape> present_k, present_v, scores;
  if (out) {
    Dim all = keys;
    if (c.has_input(6)) all = past && past->size() == 4 ? (c.has_input(8) ? (*past)[2] : (*past)[2] + keys) : Dim();
    present_k = SymShape{(*out)[0], Dim(heads), all, head};
    present_v = SymShape{(*out)[0], Dim(heads), all, v_head};
    scores = SymShape{(*out)[0], Dim(heads), (*out)[1], c.has_input(8) ? Dim() : all};
  }
  c.set_output(1, c.input_dtype(0), present_k);
  c.set_output(2, c.input_dtype(0), present_v);
  c.set_output(3, c.input_dtype(0), scores);
  return {};
}

struct Heads {
  int64_t batch = 0, heads = 0, queries = 0, keys = 0, head = 0, v_head = 0;  // keys without those of the past
  Tensor q, k, v;
};

Status shape_error(const char* name, const Tensor& t, const Dims& expected) {
  return invalid_argument("{} has shape {}, expected {}", name, shape_string(t.dims()), shape_string(expected));
}

// Q, K and V in any of the layouts as [batch, heads, tokens, head].
Expected<Heads> read_heads(EvalContext& c) {
  Heads h;
  h.heads = c.i("num_heads");
  if (h.heads < 1) return invalid_argument("num_heads must be positive, found {}", h.heads);
  const Tensor &q = c.input(0), &k = c.input(1), &v = c.input(2);
  const bool packed = q.rank() == 5, packed_kv = k.defined() && k.rank() == 5, split = k.defined() && k.rank() == 4;
  if (q.rank() != 3 && !packed) return invalid_argument("query must have rank 3 or 5, found {}", q.type_string());
  if (packed == c.has_input(1) || c.has_input(2) != (!packed && !packed_kv))
    return invalid_argument("query {} does not go with {} key and {} value", q.type_string(),
                            c.has_input(1) ? "a" : "no", c.has_input(2) ? "a" : "no");
  h.batch = q.dim(0);
  h.queries = q.dim(1);
  if (!packed && q.dim(2) % h.heads != 0)
    return invalid_argument("query has shape {}, expected {} heads", shape_string(q.dims()), h.heads);
  h.head = h.v_head = packed ? q.dim(4) : q.dim(2) / h.heads;
  h.keys = packed ? h.queries : k.rank() < 3 ? 0 : k.dim(split ? 2 : 1);
  const int64_t hidden = h.heads * h.head;
  if (packed && q.dims() != Dims{h.batch, h.queries, h.heads, 3, h.head})
    return shape_error("query", q, {h.batch, h.queries, h.heads, 3, h.head});
  if (packed_kv && k.dims() != Dims{h.batch, h.keys, h.heads, 2, h.head})
    return shape_error("key", k, {h.batch, h.keys, h.heads, 2, h.head});
  if (split) {
    if (k.dims() != Dims{h.batch, h.heads, h.keys, h.head})
      return shape_error("key", k, {h.batch, h.heads, h.keys, h.head});
    if (v.rank() == 4) h.v_head = v.dim(3);
    if (v.dims() != Dims{h.batch, h.heads, h.keys, h.v_head})
      return shape_error("value", v, {h.batch, h.heads, h.keys, h.v_head});
  } else if (!packed && !packed_kv) {
    if (k.dims() != Dims{h.batch, h.keys, hidden}) return shape_error("key", k, {h.batch, h.keys, hidden});
    if (v.rank() == 3 && v.dim(2) % h.heads == 0) h.v_head = v.dim(2) / h.heads;
    if (v.dims() != Dims{h.batch, h.keys, h.heads * h.v_head})
      return shape_error("value", v, {h.batch, h.keys, h.heads * h.v_head});
  }
  const float *bias_q = nullptr, *bias_k = nullptr, *bias_v = nullptr;
  Tensor bias;
  if (c.has_input(3)) {
    const Dims expected = {2 * hidden + h.heads * h.v_head};
    if (c.input(3).dims() != expected) return shape_error("bias", c.input(3), expected);
    ANYRT_ASSIGN(bias, c.input_as(3, DType::kFloat32));
    bias_q = bias.data<float>();
    bias_k = bias_q + hidden;
    bias_v = bias_k + hidden;
  }
  ANYRT_ASSIGN(const Tensor wide, c.input_as(0, DType::kFloat32));
  const int64_t part = h.head;
  if (packed) {
    const HeadsView view{0, 3 * hidden, 3 * part};
    ANYRT_ASSIGN(h.q, split_heads(wide, view, h.batch, h.heads, h.queries, part, bias_q));
    ANYRT_ASSIGN(h.k, split_heads(wide, {part, 3 * hidden, 3 * part}, h.batch, h.heads, h.keys, part, bias_k));
    ANYRT_ASSIGN(h.v, split_heads(wide, {2 * part, 3 * hidden, 3 * part}, h.batch, h.heads, h.keys, part, bias_v));
    return h;
  }
  ANYRT_ASSIGN(h.q, split_heads(wide, {0, hidden, part}, h.batch, h.heads, h.queries, part, bias_q));
  ANYRT_ASSIGN(h.k, c.input_as(1, DType::kFloat32));
  if (packed_kv) {
    ANYRT_ASSIGN(h.v, split_heads(h.k, {part, 2 * hidden, 2 * part}, h.batch, h.heads, h.keys, part, bias_v));
    ANYRT_ASSIGN(h.k, split_heads(h.k, {0, 2 * hidden, 2 * part}, h.batch, h.heads, h.keys, part, bias_k));
    return h;
  }
  ANYRT_ASSIGN(h.v, c.input_as(2, DType::kFloat32));
  if (split) return h;  // made by another attention already: the biases are in
  ANYRT_ASSIGN(h.k, split_heads(h.k, {0, hidden, part}, h.batch, h.heads, h.keys, part, bias_k));
  ANYRT_ASSIGN(h.v, split_heads(h.v, {0, h.heads * h.v_head, h.v_head}, h.batch, h.heads, h.keys, h.v_head, bias_v));
  return h;
}

// Beam search: row r of the past of beam w lies in the cache of the beam that input 9, [batch, beams, rows], names.
Expected<Tensor> follow_beams(EvalContext& c, const Tensor& cache, int64_t past) {
  const Tensor& from = c.input(9);
  const int64_t entries = cache.dim(0), heads = cache.dim(1), rows = cache.dim(2), head = cache.dim(3);
  const bool fits = from.rank() == 3 && from.dim(1) > 0 && from.dim(0) * from.dim(1) == entries && from.dim(2) >= past;
  if (!fits)
    return invalid_argument("cache_indirection has shape {}, expected batch * beams = {} and {} rows or more",
                            shape_string(from.dims()), entries, past);
  const int64_t beams = from.dim(1), columns = from.dim(2);
  ANYRT_ASSIGN(Tensor out, cache.clone());
  for (int64_t b = 0; b < entries; ++b) {
    for (int64_t r = 0; r < past; ++r) {
      const int64_t beam = from.data<int32_t>()[b * columns + r];
      if (beam < 0 || beam >= beams)
        return invalid_argument("cache_indirection holds {}, there are {} beams", beam, beams);
      for (int64_t n = 0; n < heads; ++n) {
        std::copy_n(cache.data<float>() + (((b / beams * beams + beam) * heads + n) * rows + r) * head, head,
                    out.mutable_data<float>() + ((b * heads + n) * rows + r) * head);
      }
    }
  }
  return out;
}

Status eval(EvalContext& c) {
  ANYRT_ASSIGN(Heads h, read_heads(c));
  int64_t past = 0;
  AttentionCore core;
  core.k = h.k;
  core.v = h.v;
  if (c.has_input(6) != c.has_input(7)) return invalid_argument("past_key and past_value go together");
  if (c.has_input(6)) {
    const Tensor& old = c.input(6);
    past = old.rank() == 4 ? old.dim(2) : 0;
    if (old.dims() != Dims{h.batch, h.heads, past, h.head})
      return shape_error("past_key", old, {h.batch, h.heads, past, h.head});
    if (c.input(7).dims() != Dims{h.batch, h.heads, past, h.v_head})
      return shape_error("past_value", c.input(7), {h.batch, h.heads, past, h.v_head});
    int64_t capacity = past + h.keys;
    if (c.has_input(8)) {
      capacity = past;
      ANYRT_ASSIGN(past, c.input_int(8));
    }
    ANYRT_ASSIGN(const Tensor old_k, c.input_as(6, DType::kFloat32));
    ANYRT_ASSIGN(const Tensor old_v, c.input_as(7, DType::kFloat32));
    ANYRT_ASSIGN(core.k, append_rows(old_k, past, h.k, capacity));
    ANYRT_ASSIGN(core.v, append_rows(old_v, past, h.v, capacity));
  }
  core.q = h.q;
  core.keys = past + h.keys;
  const Tensor present_k = core.k, present_v = core.v;
  if (c.has_input(9)) {
    ANYRT_ASSIGN(core.k, follow_beams(c, present_k, past));
    ANYRT_ASSIGN(core.v, follow_beams(c, present_v, past));
  }
  core.scale = c.f("scale");
  const float filter = c.f("mask_filter_value", -10000.0f);
  ANYRT_ASSIGN(const AdditiveMask mask, read_mask(c, 4, h.batch, h.queries, core.keys, h.keys, filter, false));
  core.mask = &mask;
  ANYRT_ASSIGN(core.bias, read_attention_bias(c, 5, h.batch, h.heads, h.queries, core.keys));
  // As onnxruntime has it, the last query sees all keys even where there are more of them than queries.
  if (c.i("unidirectional") != 0) {
    core.visible = [&](int64_t, int64_t s) {
      return std::pair<int64_t, int64_t>(0, s + 1 == h.queries ? core.keys : past + s + 1);
    };
  }
  Tensor scores;
  if (c.num_outputs() > 3 && c.wants_output(3)) {
    ANYRT_ASSIGN(scores, Tensor::zeros(DType::kFloat32, {h.batch, h.heads, h.queries, core.keys}));
    core.scores = scores.mutable_data<float>();
    core.score_columns = core.keys;
    core.hidden_score = std::numeric_limits<float>::lowest();
  }
  const DType dtype = c.input(0).dtype();
  ANYRT_ASSIGN(const Tensor y, attend(c, core));
  ANYRT_TRY(c.set_output_as(0, y, dtype));
  if (c.num_outputs() > 1 && c.wants_output(1)) ANYRT_TRY(c.set_output_as(1, present_k, dtype));
  if (c.num_outputs() > 2 && c.wants_output(2)) ANYRT_TRY(c.set_output_as(2, present_v, dtype));
  return scores.defined() ? c.set_output_as(3, scores, dtype) : Status();
}

}  // namespace

extern const OpDef op_microsoft_multi_head_attention = {
    .name = "MultiHeadAttention",
    .domain = "com.microsoft",
    .doc = "Attention with several heads over projected queries, keys and values, with masks, biases and a past.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      num_heads=1 unidirectional=1 : f32[1,2,2]{-0.75 -0.5 -0.75 -0.25}, f32[1,1,2,2]{0.822243332862854 -0.16899266839027405 -0.4279106557369232 0.03801548480987549}, f32[1,1,2,2]{0.8449004888534546 0.4478225111961365 -0.012173998169600964 -0.005007294472306967} -> f32[1,2,2]{0.8449004888534546 0.4478225111961365 0.2863684594631195 0.1527256965637207}, f32[1,1,2,2]{0.822243332862854 -0.16899266839027405 -0.4279106557369232 0.03801548480987549}, f32[1,1,2,2]{0.8449004888534546 0.4478225111961365 -0.012173998169600964 -0.005007294472306967}, f32[1,1,2,2]{-0.3763124644756317 -3.4028234663852886e+38 -0.40618640184402466 0.2202136367559433} ~ 1e-4 1e-5
      num_heads=1 unidirectional=1 : f32[1,2,2]{0.75 -0.5 -0.25 1.0}, f32[1,2,2]{0.25 0.75 0 -0.5}, f32[1,2,2]{0.5 0 0 -0.75}, f32[6]{0.75 1 1 -0.25 -1 0.0} -> f32[1,2,2]{-0.5 0 -0.5675759315490723 -0.10136387497186661}, f32[1,1,2,2]{1.25 0.5 1 -0.75}, f32[1,1,2,2]{-0.5 0 -1 -0.75} ~ 1e-4 1e-5
      num_heads=1 : f32[2,1,4]{0.75 -1.0 -0.75 -0.5 -0.75 0.75 0.75 0.25}, f32[2,1,4]{-1.0 -1.0 -0.5 -0.25 0.25 0.0 -0.5 -0.75}, f32[2,1,4]{0.5 0.5 -1.0 -0.75 0.0 -0.25 0.75 0.0}, _, _, _, f32[2,1,4,4]{-0.25 -0.25 0.25 0.25 -0.75 0.5 0.5 1.0 0.75 -0.5 -0.5 0.25 0.25 0.5 0.75 -0.5 1.0 -1.0 -1.0 1.0 1.0 -0.5 -0.75 -0.5 -1.0 1.0 0.25 0.25 -0.5 0.0 -0.75 0.5}, f32[2,1,4,4]{0.0 -1.0 -0.5 0.5 0.0 -0.25 -0.5 -1.0 0.25 0.25 0.0 1.0 1.0 -0.75 0.25 0.25 -0.5 -0.5 0.0 0.5 -0.5 0.5 0.25 -0.75 -0.25 0.75 0.75 0.25 -1.0 0.5 -0.5 0.75}, i32[1]{2}, i32[1,2,4]{1 0 0 0 1 1 0 0} -> f32[2,1,4]{-0.138737 -0.159579 -0.361263 -0.024525 -0.264499 -0.105361 0.422474 -0.081611}, f32[2,1,4,4]{-0.25 -0.25 0.25 0.25 -0.75 0.5 0.5 1.0 -1.0 -1.0 -0.5 -0.25 0.25 0.5 0.75 -0.5 1.0 -1.0 -1.0 1.0 1.0 -0.5 -0.75 -0.5 0.25 0.0 -0.5 -0.75 -0.5 0.0 -0.75 0.5}, f32[2,1,4,4]{0.0 -1.0 -0.5 0.5 0.0 -0.25 -0.5 -1.0 0.5 0.5 -1.0 -0.75 1.0 -0.75 0.25 0.25 -0.5 -0.5 0.0 0.5 -0.5 0.5 0.25 -0.75 0.0 -0.25 0.75 0.0 -1.0 0.5 -0.5 0.75} ~ 1e-4 1e-5
      num_heads=1 : f32[2,1,4]{rand:1}, f32[2,1,4]{rand:2}, f32[2,1,4]{rand:3}, _, _, _, f32[2,1,4,4]{rand:4}, f32[2,1,4,4]{rand:5}, i32[1]{2}, i32[1,2,4]{1 0 0 0 1 2 0 0} -> !2 beams
      num_heads=2 : f32[2,3,2,3,4]{rand:1} -> ?
      num_heads=2 unidirectional=1 : f16[2,3,8]{rand:1}, f16[2,3,2,2,4]{rand:2}, _, f16[24]{rand:3} -> ?
      num_heads=2 : f32[1,3,8]{rand:1}, f32[1,2,8]{rand:2}, f32[1,3,8]{rand:3} -> !value has shape
      num_heads=3 : f32[1,3,8]{rand:1}, f32[1,2,8]{rand:2}, f32[1,2,8]{rand:3} -> !heads
      num_heads=2 : f32[1,3,8]{rand:1}, f32[1,2,8]{rand:2}, f32[1,2,8]{rand:3}, _, i32[5,7]{rand:1} -> !mask has shape
    )"),
};

}  // namespace anyrt
