#include "opdef/eval.h"
#include "opdef/fused_attention.h"
#include "opdef/shape_util.h"

namespace anyrt {
namespace {

constexpr TypeRule kTypes[] = {{"T", DTypeSet(DType::kFloat32) | DType::kFloat16 | DType::kBFloat16},
                               {"M", DType::kInt64}};
constexpr Param kInputs[] = {{"input", "T", kRequiredParam, "[batch, tokens, hidden] or [batch, heads, tokens, head]"},
                             {"position_ids", "M", kRequiredParam, "[1]: of the first token; or [batch, tokens]"},
                             {"cos_cache", "T", kRequiredParam, "[positions, half of the elements that turn]"},
                             {"sin_cache", "T", kRequiredParam}};
constexpr Param kOutputs[] = {{"output", "T"}};
constexpr AttrDef kAttrs[] = {int_attr("interleaved", 0).with_doc("1: neighbours make a pair, else the two halves"),
                              int_attr("is_packed_batching", 0), int_attr("num_heads", 0),
                              int_attr("rotary_embedding_dim", 0).with_doc("elements of a head that turn; 0: all"),
                              float_attr("scale", 1.0f)};

Status eval(EvalContext& c) {
  const Tensor &x = c.input(0), &cosines = c.input(2), &sines = c.input(3);
  if (cosines.rank() != 2 || cosines.dims() != sines.dims())
    return invalid_argument("cos_cache {} and sin_cache {} must be matrices of one shape", cosines.type_string(),
                            sines.type_string());
  if (x.rank() != 3 && x.rank() != 4) return invalid_argument("input must have rank 3 or 4, found {}", x.type_string());
  const bool heads_first = x.rank() == 4;
  const int64_t half = cosines.dim(1), positions = cosines.dim(0), batch = x.dim(0);
  const int64_t tokens = x.dim(heads_first ? 2 : 1), rotary = c.i("rotary_embedding_dim");
  int64_t head = heads_first ? x.dim(3) : 2 * half, heads = heads_first ? x.dim(1) : 0;
  if (!heads_first && c.i("num_heads") > 0) head = x.dim(2) / c.i("num_heads");
  if (!heads_first && rotary > 0 && c.i("num_heads") < 1) return invalid_argument("num_heads must be given");
  if (!heads_first) heads = head > 0 ? x.dim(2) / head : 0;
  if (half < 1 || half > head / 2 || (rotary > 0 && rotary != 2 * half) || (!heads_first && heads * head != x.dim(2))) {
    return invalid_argument("input {}, cos_cache {} and rotary_embedding_dim {} do not fit", x.type_string(),
                            cosines.type_string(), rotary);
  }
  const Dims& ids = c.input(1).dims();
  ANYRT_ASSIGN(const std::vector<int64_t> position, c.input_ints(1));
  const bool each = ids == Dims{batch, tokens};
  if (!each && position.size() != 1)
    return invalid_argument("position_ids has shape {}, expected [1] or [{},{}]", shape_string(ids), batch, tokens);
  for (int64_t p : position) {
    if (p < 0 || p >= positions || (!each && tokens > positions - p))
      return invalid_argument("position {} of {} tokens is outside of the {} in the cache", p, tokens, positions);
  }
  ANYRT_ASSIGN(const Tensor wide, c.input_as(0, DType::kFloat32));
  ANYRT_ASSIGN(Tensor y, wide.clone());
  ANYRT_ASSIGN(const Tensor cos, c.input_as(2, DType::kFloat32));
  ANYRT_ASSIGN(const Tensor sin, c.input_as(3, DType::kFloat32));
  const bool interleaved = c.i("interleaved") != 0;
  const int64_t rows = batch * heads * tokens;
  c.parallel_for(rows, 1 + 4096 / head, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const int64_t b = r / (heads * tokens), t = heads_first ? r % tokens : r / heads % tokens;
      const int64_t p = each ? position[static_cast<size_t>(b * tokens + t)] : position[0] + t;
      rotate_pairs(y.mutable_data<float>() + r * head, cos.data<float>() + p * half, sin.data<float>() + p * half, half,
                   interleaved);
    }
  });
  return c.set_output_as(0, y, x.dtype());
}

}  // namespace

extern const OpDef op_microsoft_rotary_embedding = {
    .name = "RotaryEmbedding",
    .domain = "com.microsoft",
    .doc = "Turns pairs of elements of each head by angles that grow with the position of the token.",
    .inputs = kInputs,
    .outputs = kOutputs,
    .attrs = kAttrs,
    .types = kTypes,
    .infer = infer_same,
    .eval = eval,
    .cases = ANYRT_CASES(R"(
      rotary_embedding_dim=4 num_heads=1 scale=0.5 : f32[2,3,4]{-0.25 0.25 1 0 0.75 -0.5 -0.75 0.75 0.25 1 0 0.25 0.5 1 -0.5 0.5 0 -0.5 0.25 -0.75 -1 -0.75 0.75 -1.0}, i64[2,3]{0 1 1 1 2 2}, f32[3,2]{-0.5 1 -0.75 -0.75 0 -0.25}, f32[3,2]{0.25 0.5 0.75 -0.5 -0.5 0.5} -> f32[2,3,4]{-0.125 0.25 -0.5625 0.125 0 0.75 1.125 -0.3125 -0.1875 -0.625 0.1875 -0.6875 0 -0.5 0.75 -0.875 0.125 0.5 0 -0.0625 0.375 0.6875 0.5 -0.125} ~ 1e-4 1e-5
      interleaved=1 : f32[1,1,3,4]{0 0.25 0 0.5 -0.25 -1 0.25 -0.5 0.5 0.75 0.25 0.25}, i64[1,3]{2 1 1}, f32[3,2]{0.25 -0.25 0 0.25 -0.5 -1.0}, f32[3,2]{0.25 0 0.75 0.5 -0.25 0.0} -> f32[1,1,3,4]{0.0625 -0.125 0 -0.5 0.75 -0.1875 0.3125 0 -0.5625 0.375 -0.0625 0.1875} ~ 1e-4 1e-5
      : f32[1,2,4]{rand:1}, i64[1]{5}, f32[6,2]{rand:2}, f32[6,2]{rand:3} -> !outside
      : f32[1,2,4]{rand:1}, i64[1,2]{0 -1}, f32[6,2]{rand:2}, f32[6,2]{rand:3} -> !outside
      : f32[1,2,6]{rand:1}, i64[1]{0}, f32[6,2]{rand:2}, f32[6,2]{rand:3} -> !do not fit
    )"),
};

}  // namespace anyrt
