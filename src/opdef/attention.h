#pragma once

#include <cstdint>
#include <functional>

#include "opdef/eval.h"
#include "opdef/matmul.h"
#include "opdef/shape_util.h"

// Scaled dot-product attention over tensors [batch, heads, length, size], with key and value heads shared by groups of
// query heads.

namespace anyrt {

struct AttentionShape {
  int64_t batch = 0, q_heads = 0, kv_heads = 0, q_length = 0, kv_length = 0, head = 0, v_head = 0;
  int64_t kv_plane(int64_t q_plane) const {  // the [batch, head] plane of K and V that a plane of Q reads
    return q_plane / q_heads * kv_heads + q_plane % q_heads / (q_heads / kv_heads);
  }
};

// From 4-D dims; an error when they do not fit.
Expected<AttentionShape> attention_shape(const Dims& q, const Dims& k, const Dims& v);

// [batch, length, heads * size] -> [batch, heads, length, size], and back. 4-D tensors pass through split_heads.
Expected<Tensor> split_heads(const Tensor& x, int64_t heads);
Expected<Tensor> merge_heads(const Tensor& x);

// exp(x) / sum(exp(x)) for every row of n.
template <class T>
void softmax_rows(T* x, int64_t rows, int64_t n);

// Rounds every element to `dtype` and back. Nothing happens where T holds no more than that.
template <class T>
void round_to(DType dtype, T* x, int64_t n);

// scores = scale * Q K^T of one [batch, head] plane of Q.
template <class T>
void attention_scores(const AttentionShape& s, int64_t plane, const T* q, const T* k, T scale, T* scores) {
  const MatrixRef<T> a{q + plane * s.q_length * s.head, s.head, 1};
  const MatrixRef<T> b{k + s.kv_plane(plane) * s.kv_length * s.head, 1, s.head};
  matmul(nullptr, s.q_length, s.kv_length, s.head, a, b, scores, s.kv_length);
  for (int64_t i = 0; i < s.q_length * s.kv_length; ++i) scores[i] *= scale;
}

// y = P V of one plane.
template <class T>
void attention_values(const AttentionShape& s, int64_t plane, const T* probabilities, const T* v, T* y) {
  const MatrixRef<T> a{probabilities, s.kv_length, 1};
  const MatrixRef<T> b{v + s.kv_plane(plane) * s.kv_length * s.v_head, s.v_head, 1};
  matmul(nullptr, s.q_length, s.v_head, s.kv_length, a, b, y + plane * s.q_length * s.v_head, s.v_head);
}

}  // namespace anyrt
