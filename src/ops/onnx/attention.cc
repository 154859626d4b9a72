#include "opdef/attention.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "opdef/attention_rewrite.h"
#include "opdef/infer.h"
#include "opdef/strided.h"
#include "opdef/upgrade_util.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T1", kFloats}, {"T2", kFloats}, {"U", kNumeric | DType::kBool}};
constexpr Param kInputs[] = {
    {"Q", "T1", kRequiredParam, "[batch, heads, length, size] or [batch, length, heads * size]"},
    {"K", "T1", kRequiredParam, "[batch, kv heads, kv length, size] or [batch, kv length, kv heads * size]"},
    {"V", "T2", kRequiredParam, "as K, with a size of its own"},
    {"attn_mask", "U", kOptionalParam,
     "added to the scores, or bool: who takes part; a short last axis means the rest does not"},
    {"past_key", "T1", kOptionalParam, "[batch, kv heads, past length, size]: goes before K"},
    {"past_value", "T2", kOptionalParam, "goes before V"},
    {"nonpad_kv_seqlen", "int64", kOptionalParam, "[batch]: how many keys count"}};
constexpr Param kOutputs[] = {
    {"Y", "T1", kRequiredParam, "rank of Q"},
    {"present_key", "T1", kOptionalParam, "past_key and K"},
    {"present_value", "T2", kOptionalParam, "past_value and V"},
    {"qk_matmul_output", "T1", kOptionalParam, "the scores at the stage that qk_matmul_output_mode names"}};
constexpr AttrDef kAttrs[] = {
    int_attr("is_causal", 0)
        .with_doc("query i sees the keys before the queries - the past, or nonpad_kv_seqlen less the queries - and i + "
                  "1 more"),
    attr("kv_num_heads", AttrKind::kInt).with_doc("for 3-D inputs"),
    attr("q_num_heads", AttrKind::kInt).with_doc("for 3-D inputs"),
    int_attr("qk_matmul_output_mode", 0).with_doc("0: products, 1: after softcap, 2: after the mask, 3: after softmax"),
    attr("scale", AttrKind::kFloat).with_doc("default 1 / sqrt(size)"),
    float_attr("softcap", 0).with_doc("scores become c * tanh(scores / c); 0: not"),
    attr("softmax_precision", AttrKind::kInt).with_doc("element type of the softmax"),
    int_attr("left_window_size", -1).with_doc("keys that a query sees before its own place; -1: all"),
    int_attr("right_window_size", -1).with_doc("keys that a query sees after its own place; -1: all"),
};

// Heads, length and size of a 3-D or 4-D input.
struct Heads {
  Dim batch, heads, length, size;
};
Expected<std::optional<Heads>> read_heads(const InferContext& c, size_t i, const char* attr_name) {
  const SymShape* s = c.input_shape(i);
  if (!s) return std::optional<Heads>();
  if (s->size() == 4) return std::optional<Heads>({(*s)[0], (*s)[1], (*s)[2], (*s)[3]});
  if (s->size() != 3) return invalid_model("input {} has rank {}, expected 3 or 4", i, s->size());
  const int64_t heads = c.i(attr_name);
  if (heads < 1) return invalid_model("a 3-D input needs attribute {}", attr_name);
  return std::optional<Heads>({(*s)[0], Dim(heads), (*s)[1], Dim::floor_div((*s)[2], Dim(heads))});
}

Status infer(InferContext& c) {
  ANYRT_ASSIGN(const std::optional<Heads> q, read_heads(c, 0, "q_num_heads"));
  ANYRT_ASSIGN(const std::optional<Heads> k, read_heads(c, 1, "kv_num_heads"));
  ANYRT_ASSIGN(const std::optional<Heads> v, read_heads(c, 2, "kv_num_heads"));
  const DType t1 = c.input_dtype(0), t2 = c.input_dtype(2);
  std::optional<SymShape> y;
  if (q && c.input_rank(0) == 4) y = SymShape{q->batch, q->heads, q->length, v ? v->size : Dim()};
  if (q && c.input_rank(0) == 3) y = SymShape{q->batch, q->length, v ? q->heads * v->size : Dim()};
  c.set_output(0, t1, std::move(y));
  Dim past(0);
  if (c.has_input(4)) past = c.input_rank(4) == 4 ? (*c.input_shape(4))[2] : Dim();
  const Dim total = k ? past + k->length : Dim();
  if (c.has_output(1)) c.set_output(1, t1, k ? SymShape{k->batch, k->heads, total, k->size} : SymShape(4));
  if (c.has_output(2)) c.set_output(2, t2, v ? SymShape{v->batch, v->heads, total, v->size} : SymShape(4));
  if (c.has_output(3)) c.set_output(3, t1, q ? SymShape{q->batch, q->heads, q->length, total} : SymShape(4));
  return {};
}

// K or V with its cache in front, [batch, heads, length, size].
Expected<Tensor> with_past(EvalContext& c, size_t i, size_t past) {
  ANYRT_ASSIGN(Tensor x, split_heads(c.input(i), c.i("kv_num_heads")));
  if (!c.has_input(past)) return x;
  const Tensor& before = c.input(past);
  if (before.rank() != 4 || x.rank() != 4)
    return invalid_argument("input {} has rank {}, expected 4", past, before.rank());
  return concat(std::vector<Tensor>{before, x}, 2);
}

// What is added to the scores: the mask, padded to the length of the keys, as T. Undefined when there is none.
template <class T>
Expected<Tensor> read_mask(EvalContext& c, const AttentionShape& s) {
  const Tensor& mask = c.input(3);
  if (!mask.defined()) return Tensor();
  if (mask.rank() < 1 || mask.rank() > 4)
    return invalid_argument("attn_mask has rank {}, expected 1 to 4", mask.rank());
  Dims dims = mask.dims();
  const int64_t given = dims.back(), rows = given == 0 ? 0 : mask.size() / given;
  if (given > s.kv_length) return invalid_argument("attn_mask covers {} keys of {}", given, s.kv_length);
  dims.back() = s.kv_length;
  ANYRT_ASSIGN(Tensor wide, Tensor::make(dtype_of<T>, dims));
  T* out = wide.mutable_data<T>();
  const T out_of_play = -std::numeric_limits<T>::infinity();
  std::fill_n(out, wide.size(), out_of_play);
  if (mask.dtype() == DType::kBool) {
    const bool* in = mask.data<bool>();
    for (int64_t i = 0; i < mask.size(); ++i) {
      if (in[i]) out[i / given * s.kv_length + i % given] = 0;
    }
  } else {
    ANYRT_ASSIGN(const Tensor numbers, cast_tensor(mask, dtype_of<T>));
    for (int64_t r = 0; r < rows; ++r) std::copy_n(numbers.data<T>() + r * given, given, out + r * s.kv_length);
  }
  const Dims full{s.batch, s.q_heads, s.q_length, s.kv_length};
  const Expected<Dims> joined = broadcast_dims(dims, full);
  if (!joined.ok() || *joined != full) {
    return invalid_argument("attn_mask of shape {} does not broadcast to {}", shape_string(mask.dims()),
                            shape_string(full));
  }
  return wide;
}

struct Plan {
  AttentionShape shape;
  int64_t past = 0, mode = 0;
  bool causal = false;
  int64_t left = -1, right = -1;  // windows
  double scale = 1, softcap = 0;
  DType precision = DType::kUndefined;
  std::vector<int64_t> lengths;  // keys that count, for each batch entry; empty: all
};

// Masked scores of one plane.
template <class T>
void add_masks(const Plan& p, int64_t plane, const Tensor& mask, T* scores) {
  const AttentionShape& s = p.shape;
  const T out_of_play = -std::numeric_limits<T>::infinity();
  const Dims full{s.batch, s.q_heads, s.q_length, s.kv_length};
  const Dims steps = mask.defined() ? broadcast_strides(mask.dims(), full) : Dims(4, 0);
  const int64_t origin = plane / s.q_heads * steps[0] + plane % s.q_heads * steps[1];
  const int64_t length = p.lengths.empty() ? s.kv_length : p.lengths[static_cast<size_t>(plane / s.q_heads)];
  // The place of query 0 among the keys.
  const int64_t offset = p.past == 0 && !p.lengths.empty() ? length - s.q_length : p.past;
  for (int64_t i = 0; i < s.q_length; ++i, scores += s.kv_length) {
    if (mask.defined()) {
      const T* bias = mask.data<T>() + origin + i * steps[2];
      for (int64_t j = 0; j < s.kv_length; ++j) scores[j] += bias[j * steps[3]];
    }
    int64_t limit = std::clamp<int64_t>(length, 0, s.kv_length);
    if (p.causal) limit = std::clamp<int64_t>(offset + i + 1, 0, limit);
    if (p.right >= 0) limit = std::clamp<int64_t>(offset + i + p.right + 1, 0, limit);
    std::fill(scores + limit, scores + s.kv_length, out_of_play);
    if (p.left >= 0) std::fill_n(scores, std::clamp<int64_t>(offset + i - p.left, 0, s.kv_length), out_of_play);
  }
}

// Softmax, where a row without any key becomes zeros.
template <class T>
void probabilities(T* x, int64_t rows, int64_t n) {
  for (int64_t r = 0; r < rows; ++r, x += n) {
    const bool hidden = std::all_of(x, x + n, [](T v) { return v == -std::numeric_limits<T>::infinity(); });
    if (hidden) {
      std::fill_n(x, n, T(0));
    } else {
      softmax_rows(x, 1, n);
    }
  }
}

template <class T>
Status attend(EvalContext& c, const Plan& p, const Tensor& q, const Tensor& k, const Tensor& v, Tensor& y,
              Tensor* stage) {
  const AttentionShape& s = p.shape;
  ANYRT_ASSIGN(const Tensor mask, read_mask<T>(c, s));
  const int64_t size = s.q_length * s.kv_length;
  ANYRT_TRY(Tensor::make(dtype_of<T>, {s.q_length, s.kv_length}).status());
  c.parallel_for(s.batch * s.q_heads, 1, [&](int64_t first, int64_t last) {
    std::vector<T> buffer(static_cast<size_t>(size));
    T* scores = buffer.data();
    for (int64_t plane = first; plane < last; ++plane) {
      const auto keep = [&](int64_t mode) {
        if (stage && p.mode == mode) std::copy_n(scores, size, stage->mutable_data<T>() + plane * size);
      };
      attention_scores(s, plane, q.data<T>(), k.data<T>(), static_cast<T>(p.scale), scores);
      keep(0);
      if (p.softcap > 0) {
        const T cap = static_cast<T>(p.softcap);
        for (int64_t i = 0; i < size; ++i) scores[i] = cap * std::tanh(scores[i] / cap);
      }
      keep(1);
      add_masks(p, plane, mask, scores);
      keep(2);
      round_to(p.precision, scores, size);
      probabilities(scores, s.q_length, s.kv_length);
      round_to(p.precision, scores, size);
      keep(3);
      attention_values(s, plane, scores, v.data<T>(), y.mutable_data<T>());
    }
  });
  return {};
}

Status eval(EvalContext& c) {
  const DType t1 = c.input(0).dtype();
  if (c.has_input(4) != c.has_input(5)) return invalid_argument("past_key and past_value go together");
  ANYRT_ASSIGN(Tensor q, split_heads(c.input(0), c.i("q_num_heads")));
  ANYRT_ASSIGN(Tensor k, with_past(c, 1, 4));
  ANYRT_ASSIGN(Tensor v, with_past(c, 2, 5));
  if (c.wants_output(1)) c.set_output(1, k);
  if (c.wants_output(2)) c.set_output(2, v);
  Plan p;
  ANYRT_ASSIGN(p.shape, attention_shape(q.dims(), k.dims(), v.dims()));
  const AttentionShape& s = p.shape;
  p.past = c.has_input(4) ? c.input(4).dim(2) : 0;
  p.mode = c.i("qk_matmul_output_mode");
  if (p.mode < 0 || p.mode > 3) return invalid_argument("qk_matmul_output_mode is {}, expected 0 to 3", p.mode);
  p.causal = c.i("is_causal") != 0;
  p.left = c.i("left_window_size", -1);
  p.right = c.i("right_window_size", -1);
  if (p.left < -1 || p.right < -1)
    return invalid_argument("a window of {} and {} keys, expected -1 or more", p.left, p.right);
  p.scale = c.has_attr("scale") ? c.f("scale") : 1 / std::sqrt(static_cast<double>(s.head));
  p.softcap = c.f("softcap");
  p.precision = c.dtype("softmax_precision");
  ANYRT_ASSIGN(p.lengths, c.input_ints(6));
  if (c.has_input(6) && static_cast<int64_t>(p.lengths.size()) != s.batch) {
    return invalid_argument("nonpad_kv_seqlen has {} entries, expected {}", p.lengths.size(), s.batch);
  }
  const bool wide = t1 == DType::kFloat64 || v.dtype() == DType::kFloat64 || p.precision == DType::kFloat64;
  const DType compute = wide ? DType::kFloat64 : DType::kFloat32;
  ANYRT_ASSIGN(q, cast_tensor(q, compute));
  ANYRT_ASSIGN(k, cast_tensor(k, compute));
  ANYRT_ASSIGN(v, cast_tensor(v, compute));
  ANYRT_ASSIGN(Tensor y, Tensor::make(compute, {s.batch, s.q_heads, s.q_length, s.v_head}));
  Tensor stage;
  if (c.wants_output(3)) {
    ANYRT_ASSIGN(stage, Tensor::make(compute, {s.batch, s.q_heads, s.q_length, s.kv_length}));
  }
  Tensor* kept = stage.defined() ? &stage : nullptr;
  ANYRT_TRY(wide ? attend<double>(c, p, q, k, v, y, kept) : attend<float>(c, p, q, k, v, y, kept));
  if (kept) ANYRT_TRY(c.set_output_as(3, stage, t1));
  if (c.input(0).rank() == 3) {
    ANYRT_ASSIGN(y, merge_heads(y));
  }
  return c.set_output_as(0, y, t1);
}

Status downgrade(RewriteContext& c) {
  if (c.version() < 24 && c.has_input(6)) return not_implemented("nonpad_kv_seqlen needs opset 24");
  if (c.version() >= 25) return {};
  for (const char* name : {"left_window_size", "right_window_size"}) {
    if (c.i(name, -1) != -1) return not_implemented("{} needs opset 25", name);
    c.remove_attr(name);
  }
  return {};
}

}  // namespace

extern const OpDef op_onnx_attention = {
    .name = "Attention",
    .since = 25,
    .first = 23,
    .doc = "Scaled dot-product attention with masks, shared key heads, soft capping and a key-value cache.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .decompose = decompose_attention,
    .upgrade = upgrade_unchanged,
    .downgrade = downgrade,
    .cases = ANYRT_CASES(R"(
      : f32[1,1,1,2]{0 0}, f32[1,1,2,2]{1 2 3 4}, f32[1,1,2,1]{2 6} -> f32[1,1,1,1]{4}
      is_causal=1 : f32[1,1,2,1]{0 0}, f32[1,1,2,1]{1 2}, f32[1,1,2,1]{2 6} -> f32[1,1,2,1]{2 4}
      q_num_heads=2 kv_num_heads=1 : f64[1,1,2]{0 0}, f64[1,2,1]{1 2}, f64[1,2,2]{1 2 3 4}, bool[1,2]{false true} -> f64[1,1,4]{3 4 3 4}
      scale=1 qk_matmul_output_mode=2 : f16[1,1,1,1]{1}, f16[1,1,1,1]{3}, f16[1,1,1,1]{8}, f16[1]{0.5}, f16[1,1,1,1]{2}, f16[1,1,1,1]{4} -> f16[1,1,1,1]{4}, f16[1,1,2,1]{2 3}, f16[1,1,2,1]{4 8}, f16[1,1,1,2]{2.5 -inf}
      : f32[2,1,1,1]{0 0}, f32[2,1,2,1]{1 2 1 2}, f32[2,1,2,1]{2 6 2 6}, _, _, _, i64[2]{1 2} -> f32[2,1,1,1]{2 4}
      softcap=2 is_causal=1 : bf16[2,4,3,5]{rand:1}, bf16[2,2,6,5]{rand:2}, bf16[2,2,6,4]{rand:3}, bf16[3,6]{rand:4} -> ?
      left_window_size=1 right_window_size=0 : f32[1,1,3,1]{0 0 0}, f32[1,1,3,1]{1 2 3}, f32[1,1,3,1]{2 6 8} -> f32[1,1,3,1]{2 4 7}
      right_window_size=1 : f32[1,1,2,1]{0 0}, f32[1,1,3,1]{1 2 3}, f32[1,1,3,1]{2 6 10} -> f32[1,1,2,1]{4 6}
      left_window_size=0 : f32[1,1,1,1]{0}, f32[1,1,1,1]{1}, f32[1,1,1,1]{5}, _, f32[1,1,2,1]{1 1}, f32[1,1,2,1]{2 3} -> f32[1,1,1,1]{5}, _, _
      is_causal=1 : f32[2,1,2,1]{0 0 0 0}, f32[2,1,3,1]{1 2 3 1 2 3}, f32[2,1,3,1]{2 6 10 2 6 10}, _, _, _, i64[2]{3 1} -> f32[2,1,2,1]{4 6 0 2}
      : f32[1,1,2,1]{0 0}, f32[1,1,2,1]{1 2}, f32[1,1,2,1]{2 6}, bool[2,2]{false false true true} -> f32[1,1,2,1]{0 4}
      qk_matmul_output_mode=3 : f32[1,1,1,1]{0}, f32[1,1,2,1]{1 2}, f32[1,1,2,1]{2 6}, f32[1,2]{-inf -inf} -> f32[1,1,1,1]{0}, _, _, f32[1,1,1,2]{0 0}
      : f32[1,1,1,1]{nan}, f32[1,1,2,1]{1 2}, f32[1,1,2,1]{2 6}, bool[1,2]{true false} -> f32[1,1,1,1]{nan}
      left_window_size=-2 : f32[1,1,1,1]{0}, f32[1,1,1,1]{1}, f32[1,1,1,1]{5} -> !-1 or more
      : f32[1,3,1,2]{rand:1}, f32[1,2,2,2]{rand:2}, f32[1,2,2,1]{rand:3} -> !cannot share
    )"),
};

}  // namespace anyrt
