#pragma once

#include <cstdint>

namespace anyrt::cpu {

// Scores of `keys` keys (rows) and `width` queries (columns) become probabilities as far as they are known: exp(s -
// most), with the running maximum `most` and sum `sum` of each query brought up to date and the results so far,
// `values` rows of `width`, scaled to the new maximum.
struct SoftmaxBlock {
  float* scores;
  int64_t keys, width;
  float softcap;                    // 0: none
  const float* add = nullptr;       // to each score, laid out as they are
  const float* add_keys = nullptr;  // to all scores of a key
  int64_t first_key = 0;
  const float *from = nullptr, *to = nullptr;  // keys that each query sees, [from, to); null: all of them
  float *most, *sum;
  float* results;
  int64_t values;
};

struct AttentionFunctions {
  void (*softmax_block)(const SoftmaxBlock& b);
  // to[h * to_row + i] = factor * x[i * row + h].
  void (*load_queries)(const float* x, int64_t row, int64_t rows, int64_t head, float factor, float* to,
                       int64_t to_row);
  // results[h * row + i] /= sum[i] for `row` columns.
  void (*divide)(float* results, int64_t row, const float* sum, int64_t values);
  void (*transpose)(const float* from, int64_t from_row, int64_t rows, int64_t columns, float* to, int64_t to_row);
  // One row of scores, in place: x = exp(x * scale … - most) / sum over [from, to), 0 elsewhere.
  void (*softmax_row)(float* x, int64_t n, float scale, float softcap, const float* add, const float* add_keys,
                      int64_t from, int64_t to, const float* sink, bool empty_is_zero);
};
AttentionFunctions attention_functions();

}  // namespace anyrt::cpu
