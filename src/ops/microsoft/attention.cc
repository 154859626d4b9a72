#include <cmath>

#include "opdef/fused_attention.h"
#include "opdef/infer.h"
#include "opdef/matmul.h"
#include "opdef/shape_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", DTypeSet(DType::kFloat32) | DType::kFloat16 | DType::kBFloat16},
                               {"M", DType::kInt32}};
constexpr Param kInputs[] = {
    {"input", "T", kRequiredParam, "[batch, tokens, inputs]"},
    {"weights", "T", kRequiredParam, "[inputs, hidden + hidden + v_hidden]"},
    {"bias", "T", kOptionalParam, "[hidden + hidden + v_hidden]"},
    {"mask_index", "M", kOptionalParam,
     "[batch] lengths, [2 * batch] ends and starts, [3 * batch + 2], [batch, all], [batch, tokens, all] or "
     "[batch, 1, max, max]"},
    {"past", "T", kOptionalParam, "[2, batch, heads, past, head]"},
    {"attention_bias", "T", kOptionalParam, "[batch or 1, heads or 1, tokens, all]"},
    {"past_sequence_length", "M", kOptionalParam, "rows of the past in use when present shares its buffer"}};
constexpr Param kOutputs[] = {{"output", "T", kRequiredParam, "[batch, tokens, v_hidden]"},
                              {"present", "T", kOptionalParam, "[2, batch, heads, all, head]"}};
constexpr AttrDef kAttrs[] = {
    attr("do_rotary", AttrKind::kInt),
    attr("mask_filter_value", AttrKind::kFloat).with_doc("default -10000"),
    required_attr("num_heads", AttrKind::kInt),
    attr("past_present_share_buffer", AttrKind::kInt),
    attr("qkv_hidden_sizes", AttrKind::kInts).with_doc("default: a third of the columns each"),
    attr("rotary_embedding_dim", AttrKind::kInt),
    attr("scale", AttrKind::kFloat).with_doc("default 1 / sqrt(head size)"),
    int_attr("unidirectional", 0)};

Status infer(InferContext& c) {
  const int64_t heads = c.i("num_heads");
  if (heads < 1) return invalid_model("num_heads must be positive, found {}", heads);
  const SymShape *x = c.input_shape(0), *w = c.input_shape(1), *past = c.input_shape(4);
  const std::vector<int64_t>& sizes = c.ints("qkv_hidden_sizes");
  if (!sizes.empty() && sizes.size() != 3) return invalid_model("qkv_hidden_sizes must be 3, found {}", sizes.size());
  std::optional<SymShape> out, present;
  if (x && x->size() != 3) return invalid_model("input must have rank 3, found {}", shape_string(*x));
  if (w && w->size() != 2) return invalid_model("weights must have rank 2, found {}", shape_string(*w));
  if (x && w) {
    const Dim hidden = sizes.empty() ? Dim::floor_div((*w)[1], Dim(3)) : Dim(sizes[2]);
    out = SymShape{(*x)[0], (*x)[1], hidden};
    Dim all = (*x)[1];
    if (c.has_input(4))
      all = past && past->size() == 5 ? (c.i("past_present_share_buffer") ? (*past)[3] : (*past)[3] + all) : Dim();
    present = SymShape{Dim(2), (*x)[0], Dim(heads), all, Dim::floor_div(hidden, Dim(heads))};
  }
  c.set_output(0, c.input_dtype(0), out);
  c.set_output(1, c.input_dtype(0), present);
  return {};
}

struct Projection {
  int64_t batch = 0, tokens = 0, heads = 0, head = 0, v_head = 0;
  Tensor qkv;  // [batch * tokens, columns]
};

Expected<Projection> project(EvalContext& c) {
  Projection p;
  const Tensor &x = c.input(0), &w = c.input(1);
  p.heads = c.i("num_heads");
  if (p.heads < 1) return invalid_argument("num_heads must be positive, found {}", p.heads);
  if (x.rank() != 3 || w.rank() != 2 || x.dim(2) != w.dim(0))
    return invalid_argument("input {} and weights {} do not fit", x.type_string(), w.type_string());
  const int64_t columns = w.dim(1), inputs = w.dim(0);
  std::vector<int64_t> sizes = c.ints("qkv_hidden_sizes");
  if (sizes.empty() && columns % 3 == 0) sizes.assign(3, columns / 3);
  bool fits = sizes.size() == 3 && sizes[0] == sizes[1];
  for (size_t i = 0; fits && i < 3; ++i) fits = sizes[i] > 0 && sizes[i] <= columns && sizes[i] % p.heads == 0;
  if (!fits || sizes[0] + sizes[1] + sizes[2] != columns)
    return invalid_argument("hidden sizes {} do not split {} columns among {} heads", shape_string(sizes), columns,
                            p.heads);
  p.batch = x.dim(0);
  p.tokens = x.dim(1);
  p.head = sizes[0] / p.heads;
  p.v_head = sizes[2] / p.heads;
  ANYRT_TRY(checked_element_count(Dims{p.batch, p.tokens, columns}).status());
  const int64_t rows = p.batch * p.tokens;
  ANYRT_ASSIGN(const Tensor wide, c.input_as(0, DType::kFloat32));
  ANYRT_ASSIGN(const Tensor weights, c.input_as(1, DType::kFloat32));
  ANYRT_ASSIGN(p.qkv, Tensor::zeros(DType::kFloat32, {rows, columns}));
  float* out = p.qkv.mutable_data<float>();
  if (c.has_input(2)) {
    if (c.input(2).dims() != Dims{columns})
      return invalid_argument("bias has shape {}, expected [{}]", shape_string(c.input(2).dims()), columns);
    ANYRT_ASSIGN(const Tensor bias, c.input_as(2, DType::kFloat32));
    for (int64_t r = 0; r < rows; ++r) std::copy_n(bias.data<float>(), columns, out + r * columns);
  }
  matmul_f32(&c, rows, columns, inputs, {wide.data<float>(), inputs, 1}, {weights.data<float>(), columns, 1}, out,
             columns, true);
  return p;
}

// One of the two halves of a state.
Expected<Tensor> half(const Tensor& both, int64_t i) {
  const Dims dims(both.dims().begin() + 1, both.dims().end());
  const int64_t n = both.size() / 2;
  return Tensor::view(DType::kFloat32, dims, both.buffer(),
                      both.buffer_offset() + static_cast<size_t>(i * n) * sizeof(float));
}

// Rotary embedding of the new queries and keys: elements half of the turned ones apart are a pair, and pair i of
// token t turns by (past + t) / 10000^(2 i / turned).
Status turn(EvalContext& c, const Projection& p, int64_t past, AttentionCore& core) {
  const int64_t turned = c.i("rotary_embedding_dim") > 0 ? c.i("rotary_embedding_dim") : p.head, pairs = turned / 2;
  if (turned % 2 != 0 || turned > p.head)
    return invalid_argument("rotary_embedding_dim is {}, expected an even number up to {}", turned, p.head);
  std::vector<float> cosines(static_cast<size_t>(pairs)), sines(cosines);
  for (int64_t t = 0; t < p.tokens; ++t) {
    for (int64_t i = 0; i < pairs; ++i) {
      const double angle = static_cast<double>(past + t) *
                           std::pow(10000.0, -2.0 * static_cast<double>(i) / static_cast<double>(turned));
      cosines[static_cast<size_t>(i)] = static_cast<float>(std::cos(angle));
      sines[static_cast<size_t>(i)] = static_cast<float>(std::sin(angle));
    }
    for (Tensor* x : {&core.q, &core.k}) {
      for (int64_t plane = 0; plane < p.batch * p.heads; ++plane) {
        rotate_pairs(x->mutable_data<float>() + (plane * p.tokens + t) * p.head, cosines.data(), sines.data(), pairs,
                     false);
      }
    }
  }
  return {};
}

Status eval(EvalContext& c) {
  ANYRT_ASSIGN(const Projection p, project(c));
  const int64_t hidden = p.heads * p.head, columns = p.qkv.dim(1);
  AttentionCore core;
  ANYRT_ASSIGN(core.q, split_heads(p.qkv, {0, columns, p.head}, p.batch, p.heads, p.tokens, p.head, nullptr));
  ANYRT_ASSIGN(core.k, split_heads(p.qkv, {hidden, columns, p.head}, p.batch, p.heads, p.tokens, p.head, nullptr));
  ANYRT_ASSIGN(core.v,
               split_heads(p.qkv, {2 * hidden, columns, p.v_head}, p.batch, p.heads, p.tokens, p.v_head, nullptr));
  int64_t past = 0;
  if (c.has_input(4)) {
    const Dims& d = c.input(4).dims();
    past = d.size() == 5 ? d[3] : 0;
    if (p.head != p.v_head || d != Dims{2, p.batch, p.heads, past, p.head})
      return invalid_argument("past has shape {}, expected {}", shape_string(d),
                              shape_string(Dims{2, p.batch, p.heads, past, p.head}));
    int64_t capacity = past + p.tokens;
    if (c.i("past_present_share_buffer") != 0) {
      capacity = past;
      ANYRT_ASSIGN(past, c.input_int(6));
    }
    ANYRT_ASSIGN(const Tensor state, c.input_as(4, DType::kFloat32));
    ANYRT_ASSIGN(const Tensor old_k, half(state, 0));
    ANYRT_ASSIGN(const Tensor old_v, half(state, 1));
    if (c.i("do_rotary") != 0) ANYRT_TRY(turn(c, p, past, core));
    ANYRT_ASSIGN(core.k, append_rows(old_k, past, core.k, capacity));
    ANYRT_ASSIGN(core.v, append_rows(old_v, past, core.v, capacity));
  } else if (c.i("do_rotary") != 0) {
    ANYRT_TRY(turn(c, p, 0, core));
  }
  core.keys = past + p.tokens;
  core.scale = c.f("scale");
  const float filter = c.f("mask_filter_value", -10000.0f);
  ANYRT_ASSIGN(const AdditiveMask mask, read_mask(c, 3, p.batch, p.tokens, core.keys, p.tokens, filter, true));
  core.mask = &mask;
  ANYRT_ASSIGN(core.bias, read_attention_bias(c, 5, p.batch, p.heads, p.tokens, core.keys));
  if (c.i("unidirectional") != 0)
    core.visible = [&](int64_t, int64_t s) { return std::pair<int64_t, int64_t>(0, past + s + 1); };
  const DType dtype = c.input(0).dtype();
  ANYRT_ASSIGN(const Tensor y, attend(c, core));
  ANYRT_TRY(c.set_output_as(0, y, dtype));
  if (c.num_outputs() < 2 || !c.wants_output(1)) return {};
  if (p.head != p.v_head) return invalid_argument("present needs heads of one size, found {} and {}", p.head, p.v_head);
  Dims dims = core.k.dims();
  dims.insert(dims.begin(), 2);
  ANYRT_ASSIGN(Tensor present, Tensor::make(DType::kFloat32, dims));
  std::copy_n(core.k.data<float>(), core.k.size(), present.mutable_data<float>());
  std::copy_n(core.v.data<float>(), core.v.size(), present.mutable_data<float>() + core.k.size());
  return c.set_output_as(1, present, dtype);
}

}  // namespace

extern const OpDef op_microsoft_attention = {
    .name = "Attention",
    .domain = "com.microsoft",
    .doc = "Self-attention with several heads; queries, keys and values are projected from one input.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      num_heads=1 : f32[1,2,2]{0.75 -0.5 1 -0.75}, f32[2,6]{0.25 -1 0.25 0.25 0.75 1 0 0.25 0.75 0.25 -0.25 -0.25}, f32[6]{1 -0.25 1 0.75 0.5 -1.0}, i32[1,2,2]{1 1 0 1} -> f32[1,2,2]{1.305945873260498 0.023057429119944572 1.4375 0.1875}, f32[2,1,1,2,2]{0.8125 0.8125 0.6875 0.8125 1.1875 -0.125 1.4375 0.1875} ~ 1e-4 1e-5
      num_heads=1 mask_filter_value=-5.0 : f32[1,2,2]{-0.5 -1 0.25 -0.75}, f32[2,6]{-0.75 0.25 0.5 0.25 -1 -0.5 0.5 -0.25 -0.75 0 -0.75 -0.75}, _, i32[1]{2}, _, f32[1,1,2,2]{0.0941208004951477 0.7474252581596375 0.29645591974258423 -0.13853561878204346} -> f32[1,2,2]{0.633354902267456 0.6300129294395447 0.8908466100692749 0.7845079302787781} ~ 1e-4 1e-5
      num_heads=1 do_rotary=1 : f32[1,2,2]{1 0 0 1}, f32[2,6]{1 0 1 0 1 0 0 1 0 1 0 1}, _, _, f32[2,1,1,1,2]{0 0 0 0} -> ?, f32[2,1,1,3,2]{0 0 0.540302306 0.841470985 -0.909297427 -0.416146837 0 0 1 0 0 1} ~ 1e-5
      num_heads=1 do_rotary=1 rotary_embedding_dim=6 : f32[1,2,4]{rand:1}, f32[4,12]{rand:2} -> !rotary_embedding_dim
      num_heads=2 : f16[2,3,4]{rand:1}, f16[4,12]{rand:2}, f16[12]{rand:3} -> ?
      num_heads=5 : f32[2,3,4]{rand:1}, f32[4,12]{rand:2} -> !hidden sizes
      num_heads=2 : f32[2,3,4]{rand:1}, f32[4,12]{rand:2}, _, i32[7]{rand:1} -> !mask has shape
      num_heads=2 : f32[1,3,4]{rand:1}, f32[4,12]{rand:2}, _, _, f32[2,1,2,3,7]{rand:1} -> !past has shape
    )"),
};

}  // namespace anyrt
