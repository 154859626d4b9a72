#include <cmath>

#include "opdef/attention.h"
#include "opdef/infer.h"
#include "tensor/dispatch.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T1", kFloats}};
constexpr Param kInputs[] = {{"Q", "T1", kRequiredParam, "[batch, heads, length, size]"},
                             {"K", "T1", kRequiredParam, "[batch, kv heads, kv length, size]"},
                             {"V", "T1", kRequiredParam, "[batch, kv heads, kv length, v size]"}};
constexpr Param kOutputs[] = {{"Y", "T1", kRequiredParam, "[batch, heads, length, v size]"}};
constexpr AttrDef kAttrs[] = {
    attr("prob_mod", AttrKind::kGraph).with_doc("changes the probabilities"),
    attr("scale", AttrKind::kFloat).with_doc("default 1 / sqrt(size)"),
    attr("score_mod", AttrKind::kGraph).with_doc("changes the scores"),
    attr("softmax_precision", AttrKind::kInt)
        .with_doc("element type of scores and probabilities; default float32 or wider"),
};

Expected<DType> score_dtype(const AttrReader& a, DType input) {
  if (!a.has_attr("softmax_precision")) return input == DType::kFloat64 ? DType::kFloat64 : DType::kFloat32;
  const DType dtype = a.dtype("softmax_precision");
  if (!kFloats.has(dtype))
    return invalid_model("softmax_precision {} is not a floating type", a.i("softmax_precision"));
  return dtype;
}

Status infer(InferContext& c) {
  const SymShape *q = c.input_shape(0), *k = c.input_shape(1), *v = c.input_shape(2);
  for (const SymShape* s : {q, k, v}) {
    if (s && s->size() != 4) return invalid_model("Q, K and V must have rank 4, found {}", shape_string(*s));
  }
  SymShape y(4), scores(4);
  if (q) y = SymShape{(*q)[0], (*q)[1], (*q)[2], v ? (*v)[3] : Dim()};
  if (q) scores = SymShape{(*q)[0], (*q)[1], (*q)[2], k ? (*k)[2] : Dim()};
  c.set_output(0, c.input_dtype(0), std::move(y));
  ANYRT_ASSIGN(const DType dtype, score_dtype(c, c.input_dtype(0)));
  for (const char* name : {"score_mod", "prob_mod"}) {
    if (!c.has_attr(name)) continue;
    ANYRT_ASSIGN(const std::vector<Type> out, c.infer_subgraph(name, {Type::tensor(dtype, scores)}));
    if (out.size() != 1) return invalid_model("{} has {} outputs, expected 1", name, out.size());
  }
  return {};
}

// Runs the subgraph `name`, where the node has it, on x in `dtype`; the result is as wide as x is.
Status modify(EvalContext& c, const char* name, DType dtype, Tensor& x) {
  if (!c.has_attr(name)) return {};
  const DType compute = x.dtype();
  ANYRT_ASSIGN(Tensor narrow, cast_tensor(x, dtype));
  std::vector<Value> arguments;
  arguments.emplace_back(std::move(narrow));
  ANYRT_ASSIGN(const std::vector<Value> out, c.run_subgraph(name, std::move(arguments)));
  if (out.size() != 1 || !out[0].is_tensor() || out[0].tensor().dims() != x.dims() ||
      out[0].tensor().dtype() != dtype) {
    return invalid_argument("{} gave {}, expected {}{}", name, out.empty() ? "nothing" : out[0].type_string(),
                            dtype_name(dtype), shape_string(x.dims()));
  }
  ANYRT_ASSIGN(x, cast_tensor(out[0].tensor(), compute));
  if (!x.unique()) {
    ANYRT_ASSIGN(x, x.clone());
  }
  return {};
}

template <class T>
Status attend(EvalContext& c, const AttentionShape& s, DType dtype, Tensor& y) {
  ANYRT_ASSIGN(const Tensor q, c.input_as(0, dtype_of<T>));
  ANYRT_ASSIGN(const Tensor k, c.input_as(1, dtype_of<T>));
  ANYRT_ASSIGN(const Tensor v, c.input_as(2, dtype_of<T>));
  ANYRT_ASSIGN(Tensor scores, Tensor::make(dtype_of<T>, {s.batch, s.q_heads, s.q_length, s.kv_length}));
  const int64_t planes = s.batch * s.q_heads, size = s.q_length * s.kv_length;
  const T scale = static_cast<T>(c.has_attr("scale") ? c.f("scale") : 1 / std::sqrt(static_cast<double>(s.head)));
  c.parallel_for(planes, 1, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      attention_scores(s, i, q.data<T>(), k.data<T>(), scale, scores.mutable_data<T>() + i * size);
    }
  });
  round_to(dtype, scores.mutable_data<T>(), scores.size());
  ANYRT_TRY(modify(c, "score_mod", dtype, scores));
  softmax_rows(scores.mutable_data<T>(), planes * s.q_length, s.kv_length);
  round_to(dtype, scores.mutable_data<T>(), scores.size());
  ANYRT_TRY(modify(c, "prob_mod", dtype, scores));
  ANYRT_ASSIGN(y, Tensor::make(dtype_of<T>, {s.batch, s.q_heads, s.q_length, s.v_head}));
  c.parallel_for(planes, 1, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      attention_values(s, i, scores.data<T>() + i * size, v.data<T>(), y.mutable_data<T>());
    }
  });
  return {};
}

Status eval(EvalContext& c) {
  ANYRT_ASSIGN(const AttentionShape s, attention_shape(c.input(0).dims(), c.input(1).dims(), c.input(2).dims()));
  const DType input = c.input(0).dtype();
  ANYRT_ASSIGN(const DType dtype, score_dtype(c, input));
  const bool wide = input == DType::kFloat64 || dtype == DType::kFloat64;
  Tensor y;
  ANYRT_TRY(wide ? attend<double>(c, s, dtype, y) : attend<float>(c, s, dtype, y));
  return c.set_output_as(0, y, input);
}

}  // namespace

extern const OpDef op_preview_flex_attention = {
    .name = "FlexAttention",
    .domain = "ai.onnx.preview",
    .since = 1,
    .doc = "Scaled dot-product attention whose scores and probabilities pass through subgraphs of the model.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      : f32[1,1,1,2]{0 0}, f32[1,1,2,2]{1 2 3 4}, f32[1,1,2,1]{2 6} -> f32[1,1,1,1]{4}
      scale=1 : f16[1,2,1,1]{0 0}, f16[1,1,2,1]{1 2}, f16[1,1,2,1]{2 6} -> f16[1,2,1,1]{4 4}
      softmax_precision=11 : bf16[2,4,3,5]{rand:1}, bf16[2,2,6,5]{rand:2}, bf16[2,2,6,4]{rand:3} -> ?
      : f32[1,1,2]{rand:1}, f32[1,1,2,2]{rand:2}, f32[1,1,2,1]{rand:3} -> !rank 4
    )"),
};

}  // namespace anyrt
