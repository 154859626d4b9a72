#include <algorithm>
#include <cmath>

#include "opdef/fused_attention.h"
#include "opdef/infer.h"
#include "opdef/packed_bits.h"
#include "opdef/shape_util.h"

namespace anyrt {
namespace {

constexpr DTypeSet kReals = DTypeSet(DType::kFloat32) | DType::kFloat16 | DType::kBFloat16;
constexpr TypeRule kTypes[] = {{"T", kReals},
                               {"T_CACHE", kReals | DType::kUInt8 | DType::kInt8 | DType::kFloat8E4M3FN},
                               {"T_KV_SCALE", DType::kFloat32},
                               {"M", DType::kInt32}};
constexpr Param kInputs[] = {
    {"query", "T", kRequiredParam, "[batch, tokens, hidden], or Q, K and V side by side"},
    {"key", "T", kOptionalParam, "[batch, tokens, kv_hidden]"},
    {"value", "T", kOptionalParam, "[batch, tokens, kv_hidden]"},
    {"past_key", "T_CACHE", kOptionalParam, "[batch, kv_heads, rows, head]"},
    {"past_value", "T_CACHE", kOptionalParam, "[batch, kv_heads, rows, head]"},
    {"seqlens_k", "M", kRequiredParam, "[batch]: tokens so far, new ones included, minus one"},
    {"total_sequence_length", "M", kRequiredParam, "the largest number of tokens so far"},
    {"cos_cache", "T", kOptionalParam, "[positions, half of the elements that turn]"},
    {"sin_cache", "T", kOptionalParam},
    {"position_ids", "int64", kOptionalParam, "[batch, tokens]"},
    {"attention_bias", "T", kOptionalParam, "[batch or 1, heads or 1, tokens, all]"},
    {"head_sink", "T", kOptionalParam, "[heads]: a score without a value"},
    {"k_scale", "T_KV_SCALE", kOptionalParam, "one, or one for each head and element, of int8, float8 or packed int4"},
    {"v_scale", "T_KV_SCALE", kOptionalParam},
    {"q_norm_weight", "T", kOptionalParam, "[head]: scales of an RMS normalisation of each head of Q"},
    {"k_norm_weight", "T", kOptionalParam},
    {"query_seqlens", "M", kOptionalParam, "[batch]: new tokens that are not padding"}};
constexpr Param kOutputs[] = {{"output", "T", kRequiredParam, "[batch, tokens, hidden]"},
                              {"present_key", "T_CACHE", kOptionalParam},
                              {"present_value", "T_CACHE", kOptionalParam},
                              {"output_qk", "T", kOptionalParam, "scores, as qk_output says"}};
constexpr AttrDef kAttrs[] = {int_attr("causal", 1),
                              attr("do_rotary", AttrKind::kInt),
                              attr("k_norm_epsilon", AttrKind::kFloat),
                              string_attr("k_quant_type", "NONE"),
                              attr("kv_cache_bit_width", AttrKind::kInt).with_doc("8, or 4 with two in each uint8"),
                              required_attr("kv_num_heads", AttrKind::kInt),
                              int_attr("local_window_size", -1).with_doc("keys a query sees, itself included; -1: all"),
                              required_attr("num_heads", AttrKind::kInt),
                              attr("q_norm_epsilon", AttrKind::kFloat),
                              float_attr("qk_norm_epsilon", 1e-6f),
                              int_attr("qk_output", 0).with_doc("1: scores before the softmax, 2: after it"),
                              attr("rotary_interleaved", AttrKind::kInt),
                              attr("scale", AttrKind::kFloat).with_doc("default 1 / sqrt(head size)"),
                              int_attr("sliding_window_cache", 0).with_doc("1: the caches hold the newest rows alone"),
                              int_attr("smooth_softmax", -1),
                              attr("softcap", AttrKind::kFloat),
                              string_attr("v_quant_type", "NONE")};

Status infer(InferContext& c) {
  const int64_t heads = c.i("num_heads"), kv_heads = c.i("kv_num_heads");
  if (heads < 1 || kv_heads < 1 || heads % kv_heads != 0)
    return invalid_model("{} heads cannot share {} heads of keys and values", heads, kv_heads);
  std::optional<SymShape> out, present, scores;
  if (const SymShape* q = c.input_shape(0)) {
    if (q->size() != 3) return invalid_model("query must have rank 3, found {}", shape_string(*q));
    const Dim head = Dim::floor_div((*q)[2], Dim(c.has_input(1) ? heads : heads + 2 * kv_heads));
    out = SymShape{(*q)[0], (*q)[1], Dim(heads) * head};
    present = SymShape{(*q)[0], Dim(kv_heads), Dim(), head};
    scores = SymShape{(*q)[0], Dim(heads), (*q)[1], Dim()};
  }
  c.set_output(0, c.input_dtype(0), out);
  const DType cache = c.has_input(3) ? c.input_dtype(3) : c.input_dtype(0);
  for (size_t i : {1, 2}) {
    const SymShape* past = c.input_shape(i + 2);
    if (present && cache == DType::kUInt8) (*present)[3] = past && past->size() == 4 ? (*past)[3] : Dim();
    c.set_output(i, cache, present);
  }
  c.set_output(3, c.input_dtype(0), scores);
  return {};
}

// What is true of one batch entry.
struct Entry {
  int64_t total = 0;  // tokens so far, with the new ones
  int64_t fresh = 0;  // new tokens that are not padding
  int64_t past = 0;   // total - fresh
  int64_t old = 0;    // rows of the past caches in use: the tokens [past - old, past)
  int64_t kept = 0;   // rows of the present caches
};

// How a cache is stored: as numbers when there is no scale, else as codes with one scale, or one for each channel.
struct CacheCode {
  DType dtype = DType::kFloat32;
  Tensor scale;
  int64_t width(int64_t head) const { return scale.defined() && dtype == DType::kUInt8 ? (head + 1) / 2 : head; }
  float at(int64_t channel) const { return scale.data<float>()[scale.size() == 1 ? 0 : channel]; }
};

struct Step {
  int64_t batch = 0, tokens = 0, heads = 0, kv_heads = 0, head = 0;
  int64_t past_rows = 0, capacity = 0, total = 0, window = -1;
  bool windowed = false;
  CacheCode k_code, v_code;
  std::vector<Entry> entries;
};

// Rows that a window-sized cache of `capacity` holds after `total` tokens.
int64_t resident_rows(int64_t total, int64_t capacity, int64_t window) {
  if (total <= capacity) return total;
  const int64_t group = capacity - window + 1;
  return total - group * divide_up(total - capacity, group);
}

Status read_entries(EvalContext& c, Step& s) {
  ANYRT_ASSIGN(const std::vector<int64_t> lengths, c.input_ints(5));
  ANYRT_ASSIGN(s.total, c.input_int(6));
  ANYRT_ASSIGN(const std::vector<int64_t> fresh, c.input_ints(16));
  const bool padded = c.has_input(16);
  for (const auto* v : {&lengths, &fresh}) {
    if ((v == &lengths || padded) && static_cast<int64_t>(v->size()) != s.batch)
      return invalid_argument("seqlens_k and query_seqlens must have {} elements, found {}", s.batch, v->size());
  }
  const int64_t limit = s.past_rows + s.tokens;
  if (s.total < 1 || s.total > (int64_t{1} << 31) || (!s.windowed && (s.total > limit || s.total < s.tokens)))
    return invalid_argument("total_sequence_length is {}, expected {} to {}", s.total, s.tokens, limit);
  s.capacity = s.windowed ? s.past_rows : std::max(s.total, s.past_rows);
  for (size_t b = 0; b < lengths.size(); ++b) {
    Entry e;
    e.total = lengths[b] + 1;
    if (e.total < 1 || e.total > s.total)
      return invalid_argument("seqlens_k holds {}, expected 0 to {}", lengths[b], s.total - 1);
    e.fresh = padded ? fresh[b] : std::min(s.tokens, e.total);
    if (e.fresh < 0 || e.fresh > std::min(s.tokens, e.total))
      return invalid_argument("query_seqlens holds {}, expected 0 to {}", e.fresh, std::min(s.tokens, e.total));
    e.past = e.total - e.fresh;
    e.old = s.windowed ? resident_rows(e.past, s.capacity, s.window) : e.past;
    e.kept = s.windowed ? resident_rows(e.total, s.capacity, s.window) : e.total;
    if (e.old > s.past_rows || e.kept > e.old + e.fresh)
      return invalid_argument("{} tokens of the past are not in caches of {} rows", e.past, s.past_rows);
    s.entries.push_back(e);
  }
  return {};
}

// How a cache is stored: as inputs past, scale and an attribute say.
Expected<CacheCode> read_code(EvalContext& c, const Step& s, size_t past, size_t scale, const char* attribute) {
  CacheCode code;
  const std::string& kind = c.s(attribute);
  const DType dtype = c.has_input(past) ? c.input(past).dtype() : c.input(0).dtype();
  code.dtype = dtype;
  if (kind == "NONE") {
    if (!kReals.has(dtype)) return invalid_argument("a cache of {} needs {}", dtype_name(dtype), attribute);
    return code;
  }
  if (kind != "PER_TENSOR" && kind != "PER_CHANNEL")
    return invalid_argument("{} is '{}', expected NONE, PER_TENSOR or PER_CHANNEL", attribute, kind);
  const int64_t bits = c.i("kv_cache_bit_width");
  const int64_t stored = dtype == DType::kUInt8 ? 4 : 8;
  if (kReals.has(dtype) || (bits != 0 && bits != stored))
    return invalid_argument("{} is '{}' with kv_cache_bit_width {}, but the past holds {}", attribute, kind, bits,
                            dtype_name(dtype));
  const int64_t count = kind == "PER_TENSOR" ? 1 : s.kv_heads * s.head;
  if (!c.has_input(scale) || c.input(scale).size() != count)
    return invalid_argument("input {} has type {}, expected {} scales", scale, c.input(scale).type_string(), count);
  code.scale = c.input(scale);
  for (float v : code.scale.span<float>()) {
    if (!(v > 0)) return invalid_argument("input {} holds {}, expected positive scales", scale, v);
  }
  return code;
}

Expected<Step> read_step(EvalContext& c) {
  Step s;
  const Tensor& q = c.input(0);
  s.heads = c.i("num_heads");
  s.kv_heads = c.i("kv_num_heads");
  const int64_t most = 1 << 20;
  if (s.heads < 1 || s.kv_heads < 1 || s.heads > most || s.heads % s.kv_heads != 0)
    return invalid_argument("{} heads cannot share {} heads of keys and values", s.heads, s.kv_heads);
  if (q.rank() != 3 || c.has_input(1) != c.has_input(2))
    return invalid_argument("query {} must have rank 3, with both or none of key and value", q.type_string());
  const int64_t parts = c.has_input(1) ? s.heads : s.heads + 2 * s.kv_heads;
  s.batch = q.dim(0);
  s.tokens = q.dim(1);
  s.head = q.dim(2) / parts;
  if (s.head < 1 || s.head * parts != q.dim(2))
    return invalid_argument("query has shape {}, expected {} heads", shape_string(q.dims()), parts);
  for (size_t i : {1, 2}) {
    if (c.has_input(i) && c.input(i).dims() != Dims{s.batch, s.tokens, s.kv_heads * s.head})
      return invalid_argument("input {} has shape {}, expected {}", i, shape_string(c.input(i).dims()),
                              shape_string(Dims{s.batch, s.tokens, s.kv_heads * s.head}));
  }
  if (c.has_input(3) != c.has_input(4)) return invalid_argument("past_key and past_value go together");
  if (c.has_input(3)) s.past_rows = c.input(3).rank() == 4 ? c.input(3).dim(2) : 0;
  ANYRT_ASSIGN(s.k_code, read_code(c, s, 3, 12, "k_quant_type"));
  ANYRT_ASSIGN(s.v_code, read_code(c, s, 4, 13, "v_quant_type"));
  for (size_t i : {3, 4}) {
    const Dims expected = {s.batch, s.kv_heads, s.past_rows, (i == 3 ? s.k_code : s.v_code).width(s.head)};
    if (c.has_input(i) && c.input(i).dims() != expected)
      return invalid_argument("input {} has shape {}, expected {}", i, shape_string(c.input(i).dims()),
                              shape_string(expected));
  }
  s.window = c.i("local_window_size");
  s.windowed = c.i("sliding_window_cache") != 0;
  if (s.windowed && (s.window < 1 || s.window > s.past_rows))
    return invalid_argument("local_window_size is {}, the caches have {} rows", s.window, s.past_rows);
  if (c.i("causal") == 0 && s.window > 0) return invalid_argument("local_window_size needs causal to be 1");
  ANYRT_TRY(read_entries(c, s));
  return s;
}

// RMS normalisation of each head, where input i gives its scales.
Status normalize(EvalContext& c, Tensor& x, size_t i, const char* epsilon_name) {
  if (!c.has_input(i)) return {};
  const int64_t head = x.dim(3);
  if (c.input(i).dims() != Dims{head})
    return invalid_argument("input {} has shape {}, expected [{}]", i, shape_string(c.input(i).dims()), head);
  ANYRT_ASSIGN(const Tensor weight, c.input_as(i, DType::kFloat32));
  const float epsilon = c.has_attr(epsilon_name) ? c.f(epsilon_name) : c.f("qk_norm_epsilon");
  for (int64_t r = 0; r < x.size() / head; ++r) {
    float* row = x.mutable_data<float>() + r * head;
    float sum = 0;
    for (int64_t k = 0; k < head; ++k) sum += row[k] * row[k];
    const float factor = 1 / std::sqrt(sum / static_cast<float>(head) + epsilon);
    for (int64_t k = 0; k < head; ++k) row[k] *= factor * weight.data<float>()[k];
  }
  return {};
}

Status rotate(EvalContext& c, const Step& s, Tensor& q, Tensor& k) {
  if (c.i("do_rotary") == 0) return {};
  const Tensor& cosines = c.input(7);
  if (!cosines.defined() || cosines.rank() != 2 || cosines.dims() != c.input(8).dims() || cosines.dim(1) < 1 ||
      cosines.dim(1) > s.head / 2)
    return invalid_argument("cos_cache and sin_cache must be two matrices of up to {} columns", s.head / 2);
  ANYRT_ASSIGN(const Tensor cos, c.input_as(7, DType::kFloat32));
  ANYRT_ASSIGN(const Tensor sin, c.input_as(8, DType::kFloat32));
  ANYRT_ASSIGN(const std::vector<int64_t> ids, c.input_ints(9));
  if (c.has_input(9) && c.input(9).dims() != Dims{s.batch, s.tokens})
    return invalid_argument("position_ids has shape {}, expected [{},{}]", shape_string(c.input(9).dims()), s.batch,
                            s.tokens);
  const int64_t half = cos.dim(1);
  const bool interleaved = c.i("rotary_interleaved") != 0;
  const bool first_prompt = s.tokens == s.total && !c.has_input(16);  // its positions follow the first one given
  for (int64_t b = 0; b < s.batch; ++b) {
    const Entry& e = s.entries[static_cast<size_t>(b)];
    for (int64_t t = 0; t < e.fresh; ++t) {
      const int64_t given = ids.empty() ? e.past : ids[first_prompt ? 0 : static_cast<size_t>(b * s.tokens + t)];
      if (given < 0 || given >= cos.dim(0))
        return invalid_argument("position {} is outside of the {} in cos_cache", given, cos.dim(0));
      const int64_t p = ids.empty() || first_prompt ? given + t : given;
      if (p < 0 || p >= cos.dim(0))
        return invalid_argument("position {} is outside of the {} in cos_cache", p, cos.dim(0));
      for (Tensor* x : {&q, &k}) {
        const int64_t heads = x->dim(1);
        for (int64_t n = 0; n < heads; ++n) {
          rotate_pairs(x->mutable_data<float>() + ((b * heads + n) * s.tokens + t) * s.head,
                       cos.data<float>() + p * half, sin.data<float>() + p * half, half, interleaved);
        }
      }
    }
  }
  return {};
}

// Cached codes of [batch, kv_heads, rows, width] as numbers; 4-bit ones lie two in a byte, low half first, 8 added.
Expected<Tensor> decode(const CacheCode& code, const Tensor& cache, int64_t head) {
  if (!code.scale.defined()) return cast_tensor(cache, DType::kFloat32);
  const int64_t rows = cache.dim(2), width = cache.dim(3), heads = cache.dim(1);
  ANYRT_ASSIGN(Tensor out, Tensor::make(DType::kFloat32, {cache.dim(0), heads, rows, head}));
  float* to = out.mutable_data<float>();
  if (code.dtype == DType::kUInt8) {
    for (int64_t r = 0; r < cache.dim(0) * heads * rows; ++r) {
      for (int64_t k = 0; k < head; ++k) {
        const int byte = cache.data<uint8_t>()[r * width + k / 2];
        to[r * head + k] = static_cast<float>((k % 2 == 0 ? byte & 15 : byte >> 4) - 8);
      }
    }
  } else {
    ANYRT_ASSIGN(out, cast_tensor(cache, DType::kFloat32));
    to = out.mutable_data<float>();
  }
  for (int64_t i = 0; i < out.size(); ++i) to[i] *= code.at(i / (rows * head) % heads * head + i % head);
  return out;
}

// The other way; numbers that come from codes give the same codes again.
Expected<Tensor> encode(const CacheCode& code, const Tensor& numbers) {
  if (!code.scale.defined()) return cast_tensor(numbers, code.dtype);
  const int64_t heads = numbers.dim(1), rows = numbers.dim(2), head = numbers.dim(3);
  ANYRT_ASSIGN(Tensor scaled, numbers.clone());
  float* v = scaled.mutable_data<float>();
  const bool rounds = code.dtype != DType::kFloat8E4M3FN;
  const float low = code.dtype == DType::kUInt8 ? -8 : -128, high = code.dtype == DType::kUInt8 ? 7 : 127;
  for (int64_t i = 0; i < scaled.size(); ++i) {
    v[i] /= code.at(i / (rows * head) % heads * head + i % head);
    if (rounds) v[i] = v[i] == v[i] ? std::clamp(std::nearbyint(v[i]), low, high) : 0;
  }
  if (code.dtype != DType::kUInt8) return cast_tensor(scaled, code.dtype);
  const int64_t width = code.width(head);
  ANYRT_ASSIGN(Tensor out, Tensor::zeros(DType::kUInt8, {numbers.dim(0), heads, rows, width}));
  for (int64_t r = 0; r < numbers.dim(0) * heads * rows; ++r) {
    for (int64_t k = 0; k < head; ++k) {
      const int nibble = static_cast<int>(v[r * head + k]) + 8;
      out.mutable_data<uint8_t>()[r * width + k / 2] |= static_cast<uint8_t>(k % 2 == 0 ? nibble : nibble << 4);
    }
  }
  return out;
}

// The rows of the past in use, then the new ones; and what of them the present cache keeps.
struct Cache {
  Tensor rows, present;
};
Expected<Cache> extend(EvalContext& c, const Step& s, size_t past_input, const CacheCode& code, Tensor fresh) {
  if (code.scale.defined()) {  // attention sees new tokens as the cache holds them
    ANYRT_ASSIGN(const Tensor codes, encode(code, fresh));
    ANYRT_ASSIGN(fresh, decode(code, codes, s.head));
  }
  int64_t most = 0;
  for (const Entry& e : s.entries) most = std::max(most, e.old + e.fresh);
  Tensor past;
  if (c.has_input(past_input)) {
    ANYRT_ASSIGN(past, decode(code, c.input(past_input), s.head));
  }
  Cache out;
  ANYRT_ASSIGN(out.rows, Tensor::zeros(DType::kFloat32, {s.batch, s.kv_heads, most, s.head}));
  ANYRT_ASSIGN(out.present, Tensor::zeros(DType::kFloat32, {s.batch, s.kv_heads, s.capacity, s.head}));
  for (int64_t i = 0; i < s.batch * s.kv_heads; ++i) {
    const Entry& e = s.entries[static_cast<size_t>(i / s.kv_heads)];
    float* rows = out.rows.mutable_data<float>() + i * most * s.head;
    if (e.old > 0) std::copy_n(past.data<float>() + i * s.past_rows * s.head, e.old * s.head, rows);
    std::copy_n(fresh.data<float>() + i * s.tokens * s.head, e.fresh * s.head, rows + e.old * s.head);
    std::copy_n(rows + (e.old + e.fresh - e.kept) * s.head, e.kept * s.head,
                out.present.mutable_data<float>() + i * s.capacity * s.head);
  }
  ANYRT_ASSIGN(out.present, encode(code, out.present));
  return out;
}

Expected<Tensor> read_sinks(EvalContext& c, int64_t heads) {
  if (c.has_input(11)) {
    if (c.input(11).dims() != Dims{heads})
      return invalid_argument("head_sink has shape {}, expected [{}]", shape_string(c.input(11).dims()), heads);
    return c.input_as(11, DType::kFloat32);
  }
  if (c.i("smooth_softmax") == 1) return Tensor::zeros(DType::kFloat32, {heads});
  return Tensor();
}

Status eval(EvalContext& c) {
  ANYRT_ASSIGN(const Step s, read_step(c));
  const int64_t hidden = s.heads * s.head, kv_hidden = s.kv_heads * s.head;
  const bool packed = !c.has_input(1);
  const int64_t stride = packed ? hidden + 2 * kv_hidden : kv_hidden;
  ANYRT_ASSIGN(const Tensor wide, c.input_as(0, DType::kFloat32));
  Tensor wide_k = wide, wide_v = wide;
  if (!packed) {
    ANYRT_ASSIGN(wide_k, c.input_as(1, DType::kFloat32));
    ANYRT_ASSIGN(wide_v, c.input_as(2, DType::kFloat32));
  }
  AttentionCore core;
  ANYRT_ASSIGN(core.q,
               split_heads(wide, {0, packed ? stride : hidden, s.head}, s.batch, s.heads, s.tokens, s.head, nullptr));
  ANYRT_ASSIGN(Tensor k, split_heads(wide_k, {packed ? hidden : 0, stride, s.head}, s.batch, s.kv_heads, s.tokens,
                                     s.head, nullptr));
  ANYRT_ASSIGN(const Tensor v, split_heads(wide_v, {packed ? hidden + kv_hidden : 0, stride, s.head}, s.batch,
                                           s.kv_heads, s.tokens, s.head, nullptr));
  ANYRT_TRY(normalize(c, core.q, 14, "q_norm_epsilon"));
  ANYRT_TRY(normalize(c, k, 15, "k_norm_epsilon"));
  ANYRT_TRY(rotate(c, s, core.q, k));
  ANYRT_ASSIGN(const Cache keys, extend(c, s, 3, s.k_code, k));
  ANYRT_ASSIGN(const Cache values, extend(c, s, 4, s.v_code, v));
  core.k = keys.rows;
  core.v = values.rows;
  core.keys = keys.rows.dim(2);
  core.scale = c.f("scale");
  core.softcap = c.f("softcap");
  ANYRT_ASSIGN(core.bias, read_attention_bias(c, 10, s.batch, s.heads, s.tokens, s.windowed ? s.total : core.keys));
  for (const Entry& e : s.entries) core.bias_first.push_back(e.past - e.old);
  ANYRT_ASSIGN(const Tensor sinks, read_sinks(c, s.heads));
  core.sinks = sinks.defined() ? sinks.data<float>() : nullptr;
  const bool causal = c.i("causal") != 0;
  core.visible = [&](int64_t b, int64_t t) -> std::pair<int64_t, int64_t> {
    const Entry& e = s.entries[static_cast<size_t>(b)];
    if (t >= e.fresh) return {0, 0};
    const int64_t to = causal ? e.old + t + 1 : e.old + e.fresh;
    return {s.window > 0 ? to - std::min(to, s.window) : 0, to};
  };
  Tensor scores;
  const int64_t stage = c.i("qk_output");
  if (stage != 0 && c.num_outputs() > 3 && c.wants_output(3)) {
    if (s.windowed) return not_implemented("qk_output with sliding_window_cache");
    ANYRT_ASSIGN(scores, Tensor::zeros(DType::kFloat32, {s.batch, s.heads, s.tokens, s.total}));
    core.scores = scores.mutable_data<float>();
    core.score_columns = s.total;
    core.scores_after = stage == 2;
  }
  const DType dtype = c.input(0).dtype();
  ANYRT_ASSIGN(const Tensor y, attend(c, core));
  ANYRT_TRY(c.set_output_as(0, y, dtype));
  if (c.num_outputs() > 1 && c.wants_output(1)) c.set_output(1, keys.present);
  if (c.num_outputs() > 2 && c.wants_output(2)) c.set_output(2, values.present);
  return scores.defined() ? c.set_output_as(3, scores, dtype) : Status();
}

}  // namespace

extern const OpDef op_microsoft_group_query_attention = {
    .name = "GroupQueryAttention",
    .domain = "com.microsoft",
    .doc = "Causal attention whose heads share fewer heads of keys and values, with caches of both.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      num_heads=2 kv_num_heads=1 softcap=1.5 scale=0.6 : f32[1,1,32]{-1 -0.5 -0.75 0.5 -0.25 0.25 1 0 0.75 -0.5 -0.75 0.75 0.25 1 0 0.25 0.5 1 -0.5 0.5 0 -0.5 0.25 -0.75 -1 -0.75 0.75 -1 -0.5 1 -0.75 -0.75}, _, _, f32[1,1,12,8]{0 -0.25 0.25 0.5 0.75 -0.5 -0.5 0.5 0.75 -1 0.75 0.25 -0.75 -0.5 0.75 0.5 -1 0 0.25 0 0.5 -0.25 -1 0.25 -0.5 0.5 0.75 0.25 0.25 0.25 -0.25 0 0.25 -0.5 -1 0.25 0 0.75 0.5 -0.25 0 1 -0.75 -1 0.25 -0.25 0.25 -0.5 -0.25 -0.25 -0.75 0.25 -0.75 -0.25 0 0.75 -0.5 -0.75 0.5 0.5 -1 -0.25 0.75 0.75 0 -0.5 -0.75 0 0.75 0.25 -0.25 -0.25 0.5 -0.5 -0.5 -1 0.25 -0.75 -0.75 0.25 0.5 0.25 -1 -0.5 0.5 -0.25 -0.75 0 -0.75 -0.75 0.75 -0.75 0 -0.5 0 0.5}, f32[1,1,12,8]{-0.75 -0.25 -0.75 0.25 -0.25 0.75 0 -0.25 -0.5 0.75 0.25 0.25 0.75 0.25 0.25 0.25 0 0.75 0 -1 -1 0.75 -0.75 -0.5 0.75 1 0.25 -0.25 0.75 1 0.25 -0.75 -0.5 -0.75 0 -0.75 0.75 -0.5 0 -0.5 -0.75 -0.75 -1 0.25 1 -1 -0.25 -0.5 -0.5 0.75 -1 0.5 -0.75 -0.5 -0.25 -0.25 -0.75 1 0.75 0 -0.75 -0.25 0.75 -0.5 -0.25 0.25 0.5 -0.5 -0.25 0 -0.75 0 -0.25 -0.25 -0.25 0.25 0.75 0.25 -0.5 0.25 0.5 0.5 0.5 -0.5 0.5 0.75 -0.25 0 0.5 -0.5 0 0.5 0.5 0.5 -0.5 0.5}, i32[1]{1}, i32[]{2}, _, _, _, f32[1,1,1,2]{0.4155406653881073 0.5112311840057373} -> f32[1,1,16]{-0.8944388628005981 -0.5388777852058411 0.1166333556175232 -0.47219446301460266 -0.39443889260292053 0.8944388628005981 -0.4333166778087616 -0.5388777852058411 -0.8739538192749023 -0.4979076683521271 -0.00627705454826355 -0.3697691261768341 -0.37395381927490234 0.8739538192749023 -0.3718614876270294 -0.4979076683521271}, f32[1,1,12,8]{0 -0.25 0.25 0.5 0.75 -0.5 -0.5 0.5 0.5 1 -0.5 0.5 0 -0.5 0.25 -0.75 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0.0}, f32[1,1,12,8]{-0.75 -0.25 -0.75 0.25 -0.25 0.75 0 -0.25 -1 -0.75 0.75 -1 -0.5 1 -0.75 -0.75 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0.0} ~ 1e-4 1e-5
      num_heads=2 kv_num_heads=1 : f32[1,1,32]{-1 0.5 1 -0.25 -0.5 -0.75 0.5 -0.75 0 0 -0.5 0.75 0 0 0.75 0.5 -0.25 -0.5 0.5 0 0.5 1 0.5 -0.75 0 0.75 -0.5 0.5 0.25 -0.5 0.5 -0.75}, _, _, f32[1,1,2,8]{-0.5 -0.5 -0.5 -0.5 -0.5 1 -0.25 -0.25 0.5 0 0 0.75 -0.75 0 -1 -0.5}, f32[1,1,2,8]{-0.5 -0.25 -0.25 -0.25 1 0.25 -0.25 0 0.75 0.5 0 -0.75 -0.75 -1 0.75 -0.75}, i32[1]{2}, i32[]{3} -> f32[1,1,16]{0.0833071768283844 0.37987273931503296 -0.2732827961444855 -0.10347428172826767 0.16337791085243225 -0.4332673251628876 0.3565899431705475 -0.5299125909805298 0.08147202432155609 0.34263986349105835 -0.25558391213417053 -0.15177620947360992 0.16852796077728271 -0.4185279607772827 0.33705592155456543 -0.5055838823318481}, f32[1,1,3,8]{-0.5 -0.5 -0.5 -0.5 -0.5 1 -0.25 -0.25 0.5 0 0 0.75 -0.75 0 -1 -0.5 -0.25 -0.5 0.5 0 0.5 1 0.5 -0.75}, f32[1,1,3,8]{-0.5 -0.25 -0.25 -0.25 1 0.25 -0.25 0 0.75 0.5 0 -0.75 -0.75 -1 0.75 -0.75 0 0.75 -0.5 0.5 0.25 -0.5 0.5 -0.75} ~ 1e-4 1e-5
      num_heads=2 kv_num_heads=1 k_quant_type="PER_CHANNEL" v_quant_type="PER_CHANNEL" kv_cache_bit_width=8 : f32[1,1,16]{0.345584 0.821618 0.330437 -1.303157 0.905356 0.446375 -0.536953 0.581118 0.364572 0.294133 0.028422 0.546713 -0.736454 -0.16291 -0.482119 0.598846}, f32[1,1,8]{0.039722 -0.292457 -0.781908 -0.257192 0.008142 -0.275603 1.294064 1.006724}, f32[1,1,8]{-2.711163 -1.889013 -0.174772 -0.42219 0.213643 0.217322 2.117839 -1.112021}, i8[1,1,2,8]{-9 55 -28 22 54 83 -15 -93 43 5 74 -9 -27 -88 -9 28}, i8[1,1,2,8]{54 70 -58 18 60 -48 -32 67 16 1 34 2 96 50 -90 -71}, i32[1]{2}, i32[]{3}, _, _, _, _, _, f32[1,1,1,8]{0.015748 0.017998 0.020247 0.022497 0.024747 0.026997 0.029246 0.031496}, f32[1,1,1,8]{0.015748 0.017998 0.020247 0.022497 0.024747 0.026997 0.029246 0.031496} -> f32[1,1,16]{-0.133702 -0.009977 -0.299825 0.059115 1.423727 -0.025406 -0.643316 -0.178099 -0.326788 -0.370361 0.186993 -0.044184 1.63154 0.667497 -1.029802 -1.326938}, i8[1,1,3,8]{-9 55 -28 22 54 83 -15 -93 43 5 74 -9 -27 -88 -9 28 3 -16 -39 -11 0 -10 44 32}, i8[1,1,3,8]{54 70 -58 18 60 -48 -32 67 16 1 34 2 96 50 -90 -71 -128 -105 -9 -19 9 8 72 -35} ~ 1e-4 1e-4
      num_heads=2 kv_num_heads=1 k_quant_type="PER_TENSOR" v_quant_type="PER_TENSOR" kv_cache_bit_width=4 : f32[1,1,16]{0.345584 0.821618 0.330437 -1.303157 0.905356 0.446375 -0.536953 0.581118 0.364572 0.294133 0.028422 0.546713 -0.736454 -0.16291 -0.482119 0.598846}, f32[1,1,8]{0.039722 -0.292457 -0.781908 -0.257192 0.008142 -0.275603 1.294064 1.006724}, f32[1,1,8]{-2.711163 -1.889013 -0.174772 -0.42219 0.213643 0.217322 2.117839 -1.112021}, u8[1,1,2,4]{116 198 92 156 197 233 108 10}, u8[1,1,2,4]{183 134 222 117 93 15 116 163}, i32[1]{2}, i32[]{3}, _, _, _, _, _, f32[1]{0.428571}, f32[1]{0.428571} -> f32[1,1,16]{-1.167506 -0.958963 0.396482 -0.920951 0.239227 0.644083 0.535282 -0.673722 -0.75933 -0.681594 0.466022 -1.027197 0.37778 0.750066 0.037407 -0.498198}, u8[1,1,3,4]{116 198 92 156 197 233 108 10 120 118 120 171}, u8[1,1,3,4]{183 134 222 117 93 15 116 163 66 120 152 93} ~ 1e-4 1e-4
      num_heads=2 kv_num_heads=1 k_quant_type="PER_TENSOR" v_quant_type="PER_TENSOR" : f32[1,1,8]{rand:1}, f32[1,1,4]{rand:2}, f32[1,1,4]{rand:3}, f8e4m3fn[1,1,2,4]{rand:4}, f8e4m3fn[1,1,2,4]{rand:5}, i32[1]{2}, i32[]{3}, _, _, _, _, _, f32[1]{0.5}, f32[1]{0.25} -> ?
      num_heads=2 kv_num_heads=1 k_quant_type="PER_TENSOR" : f32[1,1,8]{rand:1}, f32[1,1,4]{rand:2}, f32[1,1,4]{rand:3}, i8[1,1,2,4]{rand:4}, i8[1,1,2,4]{rand:5}, i32[1]{2}, i32[]{3}, _, _, _, _, _, f32[1]{0.5} -> !v_quant_type
      num_heads=2 kv_num_heads=1 k_quant_type="PER_TENSOR" v_quant_type="PER_TENSOR" kv_cache_bit_width=4 : f32[1,1,8]{rand:1}, f32[1,1,4]{rand:2}, f32[1,1,4]{rand:3}, i8[1,1,2,4]{rand:4}, i8[1,1,2,4]{rand:5}, i32[1]{2}, i32[]{3}, _, _, _, _, _, f32[1]{0.5}, f32[1]{0.25} -> !the past holds int8
      num_heads=2 kv_num_heads=1 k_quant_type="PER_CHANNEL" v_quant_type="PER_TENSOR" : f32[1,1,8]{rand:1}, f32[1,1,4]{rand:2}, f32[1,1,4]{rand:3}, i8[1,1,2,4]{rand:4}, i8[1,1,2,4]{rand:5}, i32[1]{2}, i32[]{3}, _, _, _, _, _, f32[1]{0.5}, f32[1]{0.25} -> !4 scales
      num_heads=2 kv_num_heads=1 : f16[2,3,16]{rand:1}, _, _, _, _, i32[2]{2 1}, i32[]{3} -> ?
      num_heads=2 kv_num_heads=1 : f32[1,3,16]{rand:1}, _, _, _, _, i32[1]{3}, i32[]{3} -> !seqlens_k
      num_heads=2 kv_num_heads=1 : f32[1,1,16]{rand:1}, _, _, _, _, i32[1]{1}, i32[]{900000000} -> !total_sequence_length
      num_heads=2 kv_num_heads=1 : f32[1,1,16]{rand:1}, _, _, f32[1,1,1,4]{rand:2}, f32[1,1,1,4]{rand:3}, i32[1]{-1}, i32[]{2} -> !seqlens_k
      num_heads=2 kv_num_heads=1 do_rotary=1 : f32[1,1,16]{rand:1}, _, _, _, _, i32[1]{0}, i32[]{1}, f32[1,2]{rand:2}, f32[1,2]{rand:3}, i64[1,1]{1} -> !position
      num_heads=3 kv_num_heads=2 : f32[1,1,16]{rand:1}, _, _, _, _, i32[1]{0}, i32[]{1} -> !share
    )"),
};

}  // namespace anyrt
