#include "opdef/attention.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace anyrt {

Expected<AttentionShape> attention_shape(const Dims& q, const Dims& k, const Dims& v) {
  if (q.size() != 4 || k.size() != 4 || v.size() != 4) {
    return invalid_argument("Q, K and V must have rank 4, found {}, {} and {}", shape_string(q), shape_string(k),
                            shape_string(v));
  }
  AttentionShape s{q[0], q[1], k[1], q[2], k[2], q[3], v[3]};
  if (k[0] != s.batch || v[0] != s.batch || v[1] != s.kv_heads || v[2] != s.kv_length || k[3] != s.head) {
    return invalid_argument("Q {}, K {} and V {} do not fit together", shape_string(q), shape_string(k),
                            shape_string(v));
  }
  if (s.kv_heads < 1 || s.q_heads < 1 || s.q_heads % s.kv_heads != 0) {
    return invalid_argument("{} query heads cannot share {} key heads", s.q_heads, s.kv_heads);
  }
  return s;
}

Expected<Tensor> split_heads(const Tensor& x, int64_t heads) {
  if (x.rank() == 4) return x;
  if (x.rank() != 3 || heads < 1 || x.dim(2) % heads != 0) {
    return invalid_argument("a tensor of shape {} cannot be split into {} heads", shape_string(x.dims()), heads);
  }
  ANYRT_ASSIGN(const Tensor split, x.reshaped({x.dim(0), x.dim(1), heads, x.dim(2) / heads}));
  return transpose(split, std::vector<int64_t>{0, 2, 1, 3});
}

Expected<Tensor> merge_heads(const Tensor& x) {
  ANYRT_ASSIGN(const Tensor y, transpose(x, std::vector<int64_t>{0, 2, 1, 3}));
  return y.reshaped({x.dim(0), x.dim(2), x.dim(1) * x.dim(3)});
}

template <class T>
void softmax_rows(T* x, int64_t rows, int64_t n) {
  for (int64_t r = 0; r < rows; ++r, x += n) {
    T top = -std::numeric_limits<T>::infinity(), sum = 0;
    for (int64_t i = 0; i < n; ++i) top = std::max(top, x[i]);
    for (int64_t i = 0; i < n; ++i) sum += x[i] = std::exp(x[i] - top);
    for (int64_t i = 0; i < n; ++i) x[i] /= sum;
  }
}
template void softmax_rows(float*, int64_t, int64_t);
template void softmax_rows(double*, int64_t, int64_t);

template <class T>
void round_to(DType dtype, T* x, int64_t n) {
  const auto each = [&]<class Narrow>(Narrow) {
    for (int64_t i = 0; i < n; ++i) x[i] = static_cast<T>(static_cast<float>(Narrow(static_cast<float>(x[i]))));
  };
  if (dtype == DType::kFloat16) each(Float16{});
  if (dtype == DType::kBFloat16) each(BFloat16{});
  if (dtype == DType::kFloat32 && sizeof(T) > sizeof(float)) each(float{});
}
template void round_to(DType, float*, int64_t);
template void round_to(DType, double*, int64_t);

}  // namespace anyrt
