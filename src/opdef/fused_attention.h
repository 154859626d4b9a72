#pragma once

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "opdef/eval.h"
#include "tensor/tensor.h"

// What the attention operators of com.microsoft share. All tensors are float32 here.

namespace anyrt {

// Where the elements of one of Q, K and V lie in an input: element h of head n of token t of batch entry b is at
// offset + (b * tokens + t) * token_stride + n * head_stride + h.
struct HeadsView {
  int64_t offset = 0, token_stride = 0, head_stride = 0;
};
// The heads as [batch, heads, tokens, head], with a bias of heads * head numbers added, which may be null.
Expected<Tensor> split_heads(const Tensor& x, const HeadsView& view, int64_t batch, int64_t heads, int64_t tokens,
                             int64_t head, const float* bias);

// Rows [0, count) of `past`, then those of `fresh`, along axis 2, in a buffer of `capacity` rows; the rows behind them
// are those of `past` where it is as long, else zeros.
Expected<Tensor> append_rows(const Tensor& past, int64_t count, const Tensor& fresh, int64_t capacity);

// An additive mask of [batch, rows, keys], rows being 1 or the number of queries; no values: nothing is masked.
struct AdditiveMask {
  std::vector<float> values;
  int64_t rows = 1, keys = 0;
};
// From int32 input i in one of the forms that com.microsoft knows: lengths [B], ends and starts [2 * B], lengths with
// offsets [3 * B + 2], [B, keys], [B, queries, keys], or square masks [B, 1, max, max].
Expected<AdditiveMask> read_mask(EvalContext& c, size_t i, int64_t batch, int64_t queries, int64_t keys,
                                 int64_t fresh_keys, float filter, bool with_starts);

// Input i as float of [1 or batch, 1 or heads, queries, keys or more]; undefined when omitted.
Expected<Tensor> read_attention_bias(EvalContext& c, size_t i, int64_t batch, int64_t heads, int64_t queries,
                                     int64_t keys);

struct AttentionCore {
  Tensor q;     // [batch, heads, queries, head]
  Tensor k, v;  // [batch, kv_heads, capacity, head], [… v_head]
  int64_t keys = 0;
  float scale = 0;  // 0: 1 / sqrt(head)
  float softcap = 0;
  Tensor bias;
  std::vector<int64_t> bias_first;  // column of `bias` that key 0 of a batch entry has; empty: 0
  const AdditiveMask* mask = nullptr;
  // Keys [first, second) that query s of batch entry b sees, within [0, keys]; null: all.
  std::function<std::pair<int64_t, int64_t>(int64_t b, int64_t s)> visible;
  const float* sinks = nullptr;  // of each head: a score that takes part in the softmax but has no value
  float* scores = nullptr;       // when set: [batch, heads, queries, score_columns], before or after the softmax
  int64_t score_columns = 0;
  bool scores_after = false;
  float hidden_score = 0;  // written before the softmax for keys that a query does not see
};

// The result as [batch, queries, heads * v_head]. Shapes must fit.
Expected<Tensor> attend(EvalContext& c, const AttentionCore& a);

// Turns pairs of the first 2 * half elements by angles given by their cosines and sines: neighbours when interleaved,
// else elements that lie `half` apart.
void rotate_pairs(float* x, const float* cosines, const float* sines, int64_t half, bool interleaved);

}  // namespace anyrt
